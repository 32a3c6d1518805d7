// timer_stress: timers armed, cancelled, moved and destroyed by several threads while others fire them;
// counts balance.
#include <auraio/auraio.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace std::chrono_literals;

namespace {

TEST(TimerStress, EveryWaitEndsOnceAndCountsAreExact) {
    constexpr unsigned users = 4, rounds = 4000;
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    std::atomic<std::size_t> started{0}, expired{0}, aborted{0}, counted{0}, uncounted{0};
    const auto handler = [&](aura::error_code ec) { ++(ec ? aborted : expired); };

    std::vector<std::thread> runners;
    for (int i = 0; i < 2; ++i)
        runners.emplace_back([&] { ctx.run(); });
    std::vector<std::thread> threads;
    for (unsigned u = 0; u < users; ++u)
        threads.emplace_back([&, u] {
            std::minstd_rand random(u + 1);
            auto timer = std::make_unique<aura::steady_timer>(ctx.ring_executor(u % 2));
            std::size_t pending_at_most = 0;
            for (unsigned i = 0; i < rounds; ++i) {
                switch (random() % 8) {
                case 0:
                    counted += timer->cancel();
                    pending_at_most = 0;
                    break;
                case 1:
                    counted += timer->cancel_one();
                    break;
                case 2:
                    // Destruction cancels, and tells nobody how many.
                    uncounted += pending_at_most;
                    pending_at_most = 0;
                    timer = std::make_unique<aura::steady_timer>(ctx.ring_executor(random() % 2));
                    break;
                case 3:
                    timer = std::make_unique<aura::steady_timer>(std::move(*timer));
                    break;
                case 4:
                case 5:
                    counted += timer->expires_after(std::chrono::microseconds(random() % 200));
                    pending_at_most = 0;
                    break;
                default:
                    ++started;
                    ++pending_at_most;
                    timer->async_wait(handler);
                    break;
                }
            }
            counted += timer->cancel();
        });
    for (auto& t : threads)
        t.join();
    work.reset();
    for (auto& t : runners)
        t.join();
    EXPECT_EQ(expired + aborted, started);
    EXPECT_GE(aborted, counted);
    EXPECT_LE(aborted, counted + uncounted);
}

TEST(TimerStress, SignalsRaceWithExpiry) {
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    constexpr unsigned rounds = 3000;
    std::atomic<unsigned> ended{0};
    std::minstd_rand random(7);
    std::vector<std::unique_ptr<net::cancellation_signal>> signals;
    for (unsigned i = 0; i < rounds; ++i) {
        signals.push_back(std::make_unique<net::cancellation_signal>());
        aura::steady_timer timer(ctx, std::chrono::microseconds(random() % 50));
        timer.async_wait(
            net::bind_cancellation_slot(signals.back()->slot(), [&](aura::error_code) { ++ended; }));
        if (random() % 2)
            signals.back()->emit(net::cancellation_type::all);
        if (random() % 4 == 0)
            signals[random() % signals.size()]->emit(net::cancellation_type::all);
    }
    work.reset();
    runner.join();
    EXPECT_EQ(ended, rounds);
}

} // namespace

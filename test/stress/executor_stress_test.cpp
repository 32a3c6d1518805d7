// executor_stress: functions from many threads while others enter and leave run(): each runs once, rings are
// strands.
#include <auraio/auraio.hpp>

#include <asio/execution/outstanding_work.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace std::chrono_literals;

namespace {

struct ring_state {
    std::atomic<bool> busy{false};
    std::array<int, 4> last{-1, -1, -1, -1}; // per producer; touched by the ring's handlers only
};

TEST(ExecutorStress, PostsFromEverywhereWhileThreadsComeAndGo) {
    constexpr int producers = 4, rings = 3, each = 5000;
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    std::array<ring_state, rings> state;
    std::atomic<int> ran{0}, overlaps{0}, disorder{0};
    std::atomic<bool> stop{false};

    std::vector<std::thread> runners;
    runners.emplace_back([&] { ctx.run(); });
    for (int r = 0; r < 3; ++r)
        runners.emplace_back([&, r] {
            std::minstd_rand random(static_cast<unsigned>(r) + 1);
            while (!stop) {
                switch (random() % 4) {
                case 0:
                    ctx.run_for(1ms);
                    break;
                case 1:
                    ctx.poll();
                    break;
                case 2:
                    ctx.run_one_for(1ms);
                    break;
                default:
                    ctx.poll_one();
                    break;
                }
            }
        });

    std::vector<std::thread> senders;
    for (int p = 0; p < producers; ++p)
        senders.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                const auto ring = static_cast<std::size_t>(i % rings);
                net::post(ctx.ring_executor(static_cast<unsigned>(ring)), [&, ring, p, i] {
                    ring_state& s = state[ring];
                    if (s.busy.exchange(true))
                        ++overlaps;
                    int& last = s.last[static_cast<std::size_t>(p)];
                    if (last >= i)
                        ++disorder;
                    last = i;
                    s.busy = false;
                    ++ran;
                });
                net::post(ctx, [&] { ++ran; });
            }
        });
    for (auto& t : senders)
        t.join();
    work.reset();
    runners.front().join(); // run() returns when everything has run
    stop = true;
    for (std::size_t i = 1; i < runners.size(); ++i)
        runners[i].join();
    EXPECT_EQ(ran, producers * each * 2);
    EXPECT_EQ(overlaps, 0);
    EXPECT_EQ(disorder, 0);
    EXPECT_TRUE(ctx.stopped());
}

TEST(ExecutorStress, StopAndRestartLoseNothing) {
    aura::io_context ctx;
    constexpr int count = 20000;
    std::atomic<int> ran{0};
    auto work = net::make_work_guard(ctx);
    std::atomic<bool> finished{false};
    std::vector<std::thread> runners;
    for (int r = 0; r < 2; ++r)
        runners.emplace_back([&] {
            while (!finished)
                ctx.run();
        });
    std::thread stopper([&] {
        while (!finished) {
            ctx.stop();
            ctx.restart();
            std::this_thread::yield();
        }
        ctx.stop();
    });
    for (int i = 0; i < count; ++i)
        net::post(ctx.ring_executor(static_cast<unsigned>(i) % 2), [&] {
            if (++ran == count)
                finished = true;
        });
    stopper.join();
    for (auto& t : runners)
        t.join();
    EXPECT_EQ(ran, count);
}

TEST(ExecutorStress, AContextMayGoAsSoonAsAStrangerHasEndedItsWork) {
    // The last of the work ends in another thread, as when a pool destroys a handler's executor: run()
    // returns, and the context is destroyed, while that thread is still inside the executor's destructor.
    using tracked = decltype(net::require(std::declval<aura::io_context::executor_type>(),
                                          net::execution::outstanding_work.tracked));
    constexpr int rounds = 1000;
    std::atomic<std::optional<tracked>*> to_end{nullptr};
    std::atomic<int> ended{0};
    std::thread stranger([&] {
        for (int i = 0; i < rounds; ++i) {
            std::optional<tracked>* work = nullptr;
            while (!(work = to_end.exchange(nullptr, std::memory_order_acquire)))
                std::this_thread::yield();
            work->reset();
            ended.store(i + 1, std::memory_order_release);
        }
    });
    for (int i = 0; i < rounds; ++i) {
        std::optional<tracked> work;
        {
            aura::io_context ctx;
            work.emplace(net::require(ctx.get_executor(), net::execution::outstanding_work.tracked));
            net::post(ctx, [&] { to_end.store(&work, std::memory_order_release); });
            ctx.run();
        }
        while (ended.load(std::memory_order_acquire) != i + 1)
            std::this_thread::yield();
    }
    stranger.join();
}

} // namespace

// Timers: when they fire, in which order, from which thread; cancellation and destruction at any moment.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::error_code;

template <class Library>
class TimerFiring : public testing::Test {};
TYPED_TEST_SUITE(TimerFiring, test::libraries, test::library_names);

TYPED_TEST(TimerFiring, IsNeverEarlyAndInOrderOfDeadline) {
    constexpr std::size_t count = 2'000;
    typename TypeParam::context ctx;
    std::vector<typename TypeParam::steady_timer> timers;
    std::minstd_rand random(1);
    std::uniform_int_distribution<int> within_ns(0, 20'000'000);
    const auto begin = steady_clock::now();
    std::vector<steady_clock::time_point> fired;
    for (std::size_t i = 0; i != count; ++i) {
        const auto due = begin + std::chrono::nanoseconds(within_ns(random));
        timers.emplace_back(ctx, due);
        timers.back().async_wait([&fired, due](error_code error) {
            EXPECT_FALSE(error);
            EXPECT_GE(steady_clock::now(), due);
            fired.push_back(due);
        });
    }
    EXPECT_EQ(ctx.run(), count);
    EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

TYPED_TEST(TimerFiring, WaitsOfOneTimerFireInTheOrderTheyWereStarted) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 2ms);
    std::vector<int> order;
    for (int i = 0; i != 1'000; ++i)
        timer.async_wait([&order, i](error_code error) {
            EXPECT_FALSE(error);
            order.push_back(i);
        });
    EXPECT_EQ(ctx.run(), 1'000u);
    for (int i = 0; i != 1'000; ++i)
        ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
}

TYPED_TEST(TimerFiring, AnEarlierTimerShortensAWaitThatHasBegun) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer far(ctx, 1h), near(ctx);
    far.async_wait([](error_code error) { EXPECT_EQ(error, net::error::operation_aborted); });
    std::latch running(1);
    net::post(ctx, [&] { running.count_down(); });
    std::thread runner([&] { EXPECT_EQ(ctx.run(), 4u); });
    running.wait();
    net::post(ctx, [&] {
        near.expires_after(1ms);
        near.async_wait([&](error_code error) {
            EXPECT_FALSE(error);
            far.cancel();
        });
    });
    runner.join();
}

TYPED_TEST(TimerFiring, AWaitStartedByAnotherThreadFires) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::latch running(1);
    net::post(ctx, [&] { running.count_down(); });
    std::thread runner([&] { ctx.run(); });
    running.wait();
    for (int i = 0; i != 100; ++i) {
        typename TypeParam::steady_timer timer(ctx, 50us);
        std::latch fired(1);
        timer.async_wait(test::exactly_once([&](error_code error) {
            EXPECT_FALSE(error);
            EXPECT_EQ(std::this_thread::get_id(), runner.get_id());
            fired.count_down();
        }));
        fired.wait();
    }
    work.reset();
    runner.join();
}

TYPED_TEST(TimerFiring, RearmingInsideTheHandlerTicks) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 100us);
    int ticks = 0;
    struct tick {
        typename TypeParam::steady_timer& timer;
        int& ticks;
        void operator()(error_code error) {
            EXPECT_FALSE(error);
            EXPECT_GE(steady_clock::now(), timer.expiry());
            if (++ticks == 50)
                return;
            EXPECT_EQ(timer.expires_at(timer.expiry() + 100us), 0u);
            timer.async_wait(*this);
        }
    };
    timer.async_wait(tick{timer, ticks});
    EXPECT_EQ(ctx.run(), 50u);
    EXPECT_EQ(ticks, 50);
}

TYPED_TEST(TimerFiring, TheHandlerMayCancelOthersThatExpiredWithIt) {
    typename TypeParam::context ctx;
    const auto due = steady_clock::now() - 1s;
    typename TypeParam::steady_timer first(ctx, due), second(ctx, due + 1ms);
    std::size_t cancelled = 0;
    bool aborted = false;
    first.async_wait([&](error_code error) {
        EXPECT_FALSE(error);
        cancelled = second.cancel(); // 0 if it has been made ready together with this one
    });
    second.async_wait([&](error_code error) { aborted = error == net::error::operation_aborted; });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(aborted, cancelled == 1u);
}

TYPED_TEST(TimerFiring, CancelInAnotherThreadCountsExactly) {
    constexpr int waits = 10;
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    std::minstd_rand random(2);
    std::uniform_int_distribution<int> within_us(0, 200);
    for (int round = 0; round != 300; ++round) {
        const auto due = steady_clock::now() + std::chrono::microseconds(within_us(random));
        typename TypeParam::steady_timer timer(ctx, due);
        std::atomic<int> aborted = 0, expired = 0;
        std::latch all(waits);
        for (int i = 0; i != waits; ++i)
            timer.async_wait(test::exactly_once([&](error_code error) {
                ++(error ? aborted : expired);
                all.count_down();
            }));
        while (steady_clock::now() < due) // so that it meets the expiry
            std::this_thread::yield();
        std::size_t cancelled = timer.cancel_one();
        cancelled += timer.cancel();
        all.wait();
        EXPECT_EQ(static_cast<std::size_t>(aborted), cancelled);
        EXPECT_EQ(aborted + expired, waits);
    }
    work.reset();
    runner.join();
}

TYPED_TEST(TimerFiring, RearmingInAnotherThreadCountsExactly) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    typename TypeParam::steady_timer timer(ctx, 1h);
    constexpr int rounds = 2'000;
    std::atomic<int> aborted = 0, expired = 0;
    std::size_t cancelled = 0;
    for (int round = 0; round != rounds; ++round) {
        cancelled += timer.expires_after(round % 2 ? 1us : 30us);
        timer.async_wait([&](error_code error) { ++(error ? aborted : expired); });
    }
    cancelled += timer.cancel();
    work.reset();
    runner.join();
    EXPECT_EQ(static_cast<std::size_t>(aborted), cancelled);
    EXPECT_EQ(aborted + expired, rounds);
}

TYPED_TEST(TimerFiring, SeveralThreadsEachWithTimersOfTheirOwn) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::vector<std::thread> runners, users;
    std::atomic<int> handlers = 0;
    for (int i = 0; i != 2; ++i)
        runners.emplace_back([&] { ctx.run(); });
    for (int i = 0; i != 3; ++i)
        users.emplace_back([&, i] {
            for (int round = 0; round != 500; ++round) {
                typename TypeParam::steady_timer timer(ctx, std::chrono::microseconds(i * 10));
                timer.async_wait([&](error_code) { ++handlers; });
                if (round % 3 == 0)
                    timer.cancel();
                typename TypeParam::steady_timer moved(std::move(timer));
            }
        });
    for (auto& user : users)
        user.join();
    work.reset();
    for (auto& runner : runners)
        runner.join();
    EXPECT_EQ(handlers, 3 * 500);
}

TYPED_TEST(TimerFiring, DestructionAbortsPendingWaits) {
    typename TypeParam::context ctx;
    int aborted = 0;
    {
        typename TypeParam::steady_timer timer(ctx, 1h);
        for (int i = 0; i != 3; ++i)
            timer.async_wait(test::exactly_once([&](error_code error) {
                EXPECT_EQ(error, net::error::operation_aborted);
                ++aborted;
            }));
    }
    EXPECT_EQ(aborted, 0);
    EXPECT_EQ(ctx.run(), 3u);
    EXPECT_EQ(aborted, 3);
}

TYPED_TEST(TimerFiring, TheHandlerMayDestroyItsTimer) {
    typename TypeParam::context ctx;
    std::optional<typename TypeParam::steady_timer> timer(std::in_place, ctx, 1ms);
    int calls = 0;
    for (int i = 0; i != 3; ++i)
        timer->async_wait(test::exactly_once([&](error_code) {
            ++calls;
            timer.reset();
        }));
    EXPECT_EQ(ctx.run(), 3u);
    EXPECT_EQ(calls, 3);
}

TYPED_TEST(TimerFiring, TheHandlerMayOwnItsTimer) {
    typename TypeParam::context ctx;
    auto token = std::make_shared<int>();
    auto timer = std::make_unique<typename TypeParam::steady_timer>(ctx, 1ms);
    auto& reference = *timer;
    reference.async_wait(
        test::exactly_once([timer = std::move(timer), token](error_code error) { EXPECT_FALSE(error); }));
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(TimerFiring, DestructionInAnotherThreadWhileItFires) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::atomic<int> calls = 0;
    std::thread runner([&] { ctx.run(); });
    for (int round = 0; round != 500; ++round) {
        typename TypeParam::steady_timer timer(ctx, std::chrono::microseconds(round % 20));
        timer.async_wait([&](error_code) { ++calls; });
    }
    work.reset();
    runner.join();
    EXPECT_EQ(calls, 500);
}

TYPED_TEST(TimerFiring, ATimerMayOutliveItsLastRun) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1ms);
    int calls = 0;
    for (int i = 1; i != 4; ++i) {
        timer.expires_after(100us);
        timer.async_wait([&](error_code error) {
            EXPECT_FALSE(error);
            ++calls;
        });
        EXPECT_EQ(ctx.run(), 1u);
        EXPECT_EQ(calls, i);
        ctx.restart();
    }
}

TYPED_TEST(TimerFiring, AnExpiredTimerRunsAfterWhatWasPostedBefore) {
    // poll() with both ready runs both, whatever the order; neither is lost when poll_one() takes the other.
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, steady_clock::now() - 1s);
    int calls = 0;
    timer.async_wait([&](error_code) { ++calls; });
    net::post(ctx, [&] { ++calls; });
    EXPECT_EQ(ctx.poll_one(), 1u);
    EXPECT_EQ(ctx.poll_one(), 1u);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(ctx.poll_one(), 0u);
    EXPECT_TRUE(ctx.stopped());
}

} // namespace

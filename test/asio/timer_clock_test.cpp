// Timers on other clocks: the system clock, the high-resolution clock, clocks of the user's; extreme
// expiries.
#include "support/handlers.hpp"
#include "support/libraries.hpp"
#include "support/settable_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using test::error_code;

template <class Library>
class TimerClock : public testing::Test {};
TYPED_TEST_SUITE(TimerClock, test::libraries, test::library_names);

/// What any timer on a real clock does.
template <class Timer, class Context>
void fires_in_order_and_not_early(Context& ctx) {
    using clock = typename Timer::clock_type;
    const auto now = clock::now();
    Timer early(ctx, now + 1ms), late(ctx, now + 3ms), pending(ctx, now + 1h);
    std::vector<int> order;
    late.async_wait([&](error_code error) {
        EXPECT_FALSE(error);
        EXPECT_GE(clock::now(), late.expiry());
        order.push_back(2);
        EXPECT_EQ(pending.cancel(), 1u);
    });
    early.async_wait([&](error_code error) {
        EXPECT_FALSE(error);
        EXPECT_GE(clock::now(), early.expiry());
        order.push_back(1);
    });
    pending.async_wait([&](error_code error) {
        EXPECT_EQ(error, net::error::operation_aborted);
        order.push_back(3);
    });
    EXPECT_EQ(ctx.run(), 3u);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));

    Timer blocking(ctx, 1ms);
    blocking.wait();
    EXPECT_GE(clock::now(), blocking.expiry());
}

TYPED_TEST(TimerClock, SystemTimer) {
    typename TypeParam::context ctx;
    fires_in_order_and_not_early<typename TypeParam::system_timer>(ctx);
}

TYPED_TEST(TimerClock, HighResolutionTimer) {
    typename TypeParam::context ctx;
    fires_in_order_and_not_early<typename TypeParam::high_resolution_timer>(ctx);
}

/// Runs a thousand times as fast as the steady clock.
struct fast_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<fast_clock>;
    [[maybe_unused]] static constexpr bool is_steady = true;
    static constexpr int speed = 1'000;

    static time_point now() {
        static const auto begin = std::chrono::steady_clock::now();
        return time_point((std::chrono::steady_clock::now() - begin) * speed);
    }
};

struct fast_wait_traits {
    static fast_clock::duration to_wait_duration(const fast_clock::duration& d) {
        return d / fast_clock::speed;
    }
    static fast_clock::duration to_wait_duration(const fast_clock::time_point& t) {
        return to_wait_duration(t - fast_clock::now());
    }
};

TYPED_TEST(TimerClock, AClockOfAnotherPace) {
    using timer = typename TypeParam::template waitable_timer<fast_clock, fast_wait_traits>;
    typename TypeParam::context ctx;
    const auto now = fast_clock::now();
    timer second(ctx, now + 3s), first(ctx, now + 1s); // of the fast clock: in 3 ms and in 1 ms
    std::vector<int> order;
    second.async_wait([&](error_code error) {
        EXPECT_FALSE(error);
        EXPECT_GE(fast_clock::now(), second.expiry());
        order.push_back(2);
    });
    first.async_wait([&](error_code error) {
        EXPECT_FALSE(error);
        EXPECT_GE(fast_clock::now(), first.expiry());
        order.push_back(1);
    });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(order, (std::vector{1, 2}));
    first.expires_after(2s);
    first.wait();
    EXPECT_GE(fast_clock::now(), first.expiry());
}

TYPED_TEST(TimerClock, AClockThatIsSetByHand) {
    using timer_type =
        typename TypeParam::template waitable_timer<test::settable_clock, test::looked_at_every<1>>;
    typename TypeParam::context ctx;
    test::settable_clock::set(0ms);
    timer_type timer(ctx, 1h);
    bool expired = false;
    timer.async_wait([&](error_code error) { expired = !error; });
    EXPECT_EQ(ctx.run_for(5ms), 0u);
    EXPECT_FALSE(expired);
    test::settable_clock::set(1h - 1ms);
    EXPECT_EQ(ctx.run_for(5ms), 0u);
    EXPECT_FALSE(expired);
    test::settable_clock::jump(1ms);
    EXPECT_EQ(ctx.run_for(5s), 1u);
    EXPECT_TRUE(expired);
}

TYPED_TEST(TimerClock, TheLongestTimesDoNotOverflow) {
    using timer_type = typename TypeParam::steady_timer;
    typename TypeParam::context ctx;
    timer_type by_duration(ctx, timer_type::duration::max());
    timer_type by_time(ctx, timer_type::time_point::max());
    typename TypeParam::system_timer system(ctx, std::chrono::system_clock::time_point::max());
    EXPECT_EQ(by_duration.expiry(), timer_type::time_point::max());
    int aborted = 0;
    auto count = [&](error_code error) { aborted += error == net::error::operation_aborted; };
    by_duration.async_wait(count);
    by_time.async_wait(count);
    system.async_wait(count);
    EXPECT_EQ(ctx.run_for(5ms), 0u);
    EXPECT_EQ(by_duration.expires_after(timer_type::duration::max()), 1u);
    EXPECT_EQ(by_duration.expiry(), timer_type::time_point::max());
    EXPECT_EQ(by_time.cancel(), 1u);
    EXPECT_EQ(system.cancel(), 1u);
    EXPECT_EQ(ctx.run(), 3u);
    EXPECT_EQ(aborted, 3);
}

TYPED_TEST(TimerClock, TheShortestAndNegativeTimesHaveExpired) {
    using timer_type = typename TypeParam::steady_timer;
    typename TypeParam::context ctx;
    timer_type timers[] = {
        timer_type(ctx, 0s),
        timer_type(ctx, -1s),
        timer_type(ctx, timer_type::duration::min()),
        timer_type(ctx, timer_type::time_point::min()),
        timer_type(ctx, typename timer_type::time_point()),
    };
    int expired = 0;
    for (auto& timer : timers)
        timer.async_wait([&](error_code error) { expired += !error; });
    EXPECT_EQ(ctx.run(), 5u);
    EXPECT_EQ(expired, 5);
    for (auto& timer : timers)
        timer.wait(); // returns at once
}

TYPED_TEST(TimerClock, LongRunsOverTheLongestTimesReturn) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1ms);
    timer.async_wait([](error_code error) { EXPECT_FALSE(error); });
    EXPECT_EQ(ctx.run_until(std::chrono::steady_clock::time_point::max()), 1u);
    EXPECT_TRUE(ctx.stopped());
}

} // namespace

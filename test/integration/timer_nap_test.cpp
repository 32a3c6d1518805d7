// how long a timer sleeps before it looks at its clock again, which may have been set meanwhile.
#include <auraio/auraio.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace net = aura::net;
using namespace std::chrono_literals;

namespace {

template <class Clock>
using clock_of = aura::detail::timer_clock<Clock, net::wait_traits<Clock>>;

TEST(TimerNap, AClockThatCanBeSetIsLookedAtEveryFiveMinutes) {
    using clock = clock_of<std::chrono::system_clock>;
    constexpr aura::core::nanoseconds_t five_minutes = 300'000'000'000u;
    for (const auto& expiry : {std::chrono::system_clock::now() + std::chrono::hours(1),
                               std::chrono::system_clock::time_point::max()}) {
        const auto before = aura::core::monotonic_now();
        const auto deadline = clock::deadline(expiry);
        EXPECT_GE(deadline, before + five_minutes);
        EXPECT_LE(deadline, aura::core::monotonic_now() + five_minutes);
    }
    const auto soon = clock::deadline(std::chrono::system_clock::now() + 1s);
    EXPECT_LE(soon, aura::core::monotonic_now() + 1'000'000'000u);
    const auto passed = clock::deadline(std::chrono::system_clock::time_point::min());
    EXPECT_LE(passed, aura::core::monotonic_now());
}

TEST(TimerNap, TheMonotonicClockIsNot) {
    const auto expiry = std::chrono::steady_clock::now() + std::chrono::hours(1);
    EXPECT_EQ(clock_of<std::chrono::steady_clock>::deadline(expiry),
              static_cast<aura::core::nanoseconds_t>(expiry.time_since_epoch().count()));
}

} // namespace

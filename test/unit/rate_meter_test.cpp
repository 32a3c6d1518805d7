// rate_meter: sub-windows from counters.
#include "core/control/rate_meter.hpp"

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;

/// Every 10 ms so many complete, of 4 KiB, with this at the device and at the gate.
struct device {
    load_reading now;

    const load_reading& tick(std::uint64_t completed, std::uint64_t in_flight, std::uint64_t waiting = 0,
                             std::uint64_t size = 4096) {
        now.time += 10 * ms;
        now.load.completed += completed;
        now.load.submitted += completed;
        now.load.delayed += waiting != 0 ? completed : 0;
        now.load.bytes += size * completed;
        now.load.in_flight = in_flight;
        now.load.waiting = waiting;
        return now;
    }
};

struct RateMeter : testing::Test {
    controller_options options;
    rate_meter meter{options};
    device d;
};

TEST_F(RateMeter, ASubWindowEndsWithTimeAndCompletions) {
    meter.begin(d.now);
    meter.add(d.tick(20, 8));
    EXPECT_FALSE(meter.complete(d.now, 10 * ms)) << "too few completions";
    EXPECT_FALSE(meter.complete(d.now, 20 * ms)) << "too short";
    meter.add(d.tick(20, 16));
    ASSERT_TRUE(meter.complete(d.now, 20 * ms));
    const rate_meter::reading seen = meter.finish(d.now, no_limit);
    EXPECT_DOUBLE_EQ(seen.rate, 2'000);
    EXPECT_TRUE(seen.saturated) << "the gate is open";
    EXPECT_DOUBLE_EQ(meter.depth(), 12);
    EXPECT_DOUBLE_EQ(meter.latency(), 0.006) << "12 in flight at 2000 per second";
    EXPECT_EQ(meter.length(d.now), 0u) << "the next has begun";
}

TEST_F(RateMeter, FewCompletionsEndOneAfterALongTime) {
    meter.begin(d.now);
    for (int i = 0; i < 24; ++i)
        meter.add(d.tick(1, 4));
    EXPECT_FALSE(meter.complete(d.now, 10 * ms));
    meter.add(d.tick(1, 4));
    EXPECT_TRUE(meter.complete(d.now, 10 * ms));
}

TEST_F(RateMeter, SaturatedIsMoreThanFitsAndMostOfItDelayed) {
    meter.begin(d.now);
    meter.add(d.tick(100, 16, 16));
    EXPECT_TRUE(meter.finish(d.now, 16).saturated);
    meter.add(d.tick(100, 16, 1));
    EXPECT_FALSE(meter.finish(d.now, 16).saturated) << "hardly more than fits";
    meter.add(d.tick(100, 8));
    const rate_meter::reading seen = meter.finish(d.now, 16);
    EXPECT_FALSE(seen.saturated);
    EXPECT_FALSE(seen.full);
}

TEST_F(RateMeter, LargeOperationsCountMoreThanSmallOnesAfterEngaging) {
    meter.begin(d.now);
    meter.add(d.tick(100, 16));
    meter.engage(d.now, 16);
    EXPECT_DOUBLE_EQ(meter.rate(), 10'000);
    meter.add(d.tick(50, 16, 16, 3 * 4096));
    EXPECT_DOUBLE_EQ(meter.finish(d.now, 16).rate, 5'000 * 0.5 + 15'000 * 0.5);
}

TEST_F(RateMeter, ASubWindowSeesTwoServiceTimes) {
    meter.begin(d.now);
    meter.add(d.tick(10, 20)); // 20 ms each
    meter.engage(d.now, 20);
    EXPECT_EQ(meter.shortest(1), 40 * ms);
    EXPECT_EQ(meter.shortest(4), 160 * ms);
    meter.begin(d.now);
    meter.add(d.tick(10, 200)); // 200 ms each: no longer than a tenth of a second for that
    meter.engage(d.now, 200);
    EXPECT_EQ(meter.shortest(1), 100 * ms);
}

} // namespace

// loop_times: how a ring's time is spent, at times of the test's own; and what is added of several rings.
#include "auraio/core/stats/loop_times.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

class LoopTimes : public testing::Test {
protected:
    static constexpr nanoseconds_t ms = 1'000'000;

    std::uint64_t busy(nanoseconds_t now) { return look(now).busy_time; }
    std::uint64_t idle(nanoseconds_t now) { return look(now).idle_time; }
    ring_stats look(nanoseconds_t now) {
        ring_stats s;
        times_.read(*counters_, now, s);
        return s;
    }

    const std::unique_ptr<ring_counters> counters_ = std::make_unique<ring_counters>();
    loop_times times_;
};

TEST_F(LoopTimes, AreNothingWhileNobodyDrives) {
    EXPECT_EQ(busy(7 * ms), 0u);
    EXPECT_EQ(idle(7 * ms), 0u);
}

TEST_F(LoopTimes, AddTurns) {
    times_.begin(100 * ms);
    EXPECT_EQ(times_.move_on(104 * ms, *counters_), 4 * ms);
    EXPECT_EQ(times_.move_on(108 * ms, *counters_), 4 * ms);
    EXPECT_EQ(busy(108 * ms), 8 * ms);
    EXPECT_EQ(idle(108 * ms), 0u);
}

TEST_F(LoopTimes, ShowATurnWhileItLastsAndCountItOnce) {
    times_.begin(100 * ms);
    EXPECT_EQ(busy(130 * ms), 30 * ms);
    times_.move_on(131 * ms, *counters_);
    EXPECT_EQ(busy(131 * ms), 31 * ms);
    EXPECT_EQ(busy(99 * ms), 31 * ms) << "a reader's clock may be behind";
}

TEST_F(LoopTimes, ShowAWaitWhileItLastsAndCountItOnce) {
    times_.begin(100 * ms);
    times_.move_on(101 * ms, *counters_);
    times_.begin_wait();
    EXPECT_EQ(times_.turn_began(), never);
    EXPECT_EQ(idle(150 * ms), 49 * ms);
    EXPECT_EQ(busy(150 * ms), 1 * ms);
    EXPECT_EQ(times_.move_on(161 * ms, *counters_), 0u) << "of a wait";
    times_.end_wait();
    EXPECT_EQ(times_.turn_began(), 161 * ms);
    EXPECT_EQ(idle(170 * ms), 60 * ms);
    EXPECT_EQ(busy(170 * ms), 10 * ms);
}

TEST_F(LoopTimes, CountNoWaitThatTookNoTick) {
    times_.begin(100 * ms);
    times_.begin_wait();
    times_.end_wait();
    EXPECT_EQ(times_.turn_began(), 100 * ms);
    EXPECT_EQ(idle(100 * ms), 0u);
    times_.move_on(104 * ms, *counters_);
    EXPECT_EQ(busy(104 * ms), 4 * ms);
}

TEST_F(LoopTimes, NeverShowLessThanBefore) {
    times_.begin(100 * ms);
    EXPECT_EQ(busy(130 * ms), 30 * ms);
    times_.begin_wait(); // the thread had stood still between its look at the clock and this
    EXPECT_EQ(busy(131 * ms), 30 * ms);
}

TEST_F(LoopTimes, TakeAWaitThatFailedForOver) {
    times_.begin(100 * ms);
    times_.begin_wait(); // which fails, in a run() within a handler
    times_.move_on(103 * ms, *counters_);
    EXPECT_EQ(times_.turn_began(), 103 * ms);
    times_.move_on(110 * ms, *counters_);
    EXPECT_EQ(busy(110 * ms), 7 * ms);
    EXPECT_EQ(idle(110 * ms), 3 * ms);
}

TEST_F(LoopTimes, EndWithTheDriver) {
    times_.begin(100 * ms);
    times_.begin_wait(); // which fails
    times_.end_drive();
    EXPECT_EQ(idle(200 * ms), 0u);
    times_.begin(210 * ms);
    times_.move_on(220 * ms, *counters_);
    times_.end_drive();
    EXPECT_EQ(busy(300 * ms), 10 * ms);
}

TEST(RingStatistics, AreAddedByTheirTables) {
    ring_stats a, b;
    const auto counters = std::make_unique<ring_counters>();
    for (const ring_histogram& row : ring_histograms)
        ((*counters).*row.counter).record(7);
    counters->read(b);
    for (const ring_statistic& row : ring_statistics)
        b.*row.member = 3;
    a += b;
    a += b;
    for (const ring_histogram& row : ring_histograms)
        EXPECT_EQ((a.*row.member).count(), 2u) << row.name;
    for (const ring_statistic& row : ring_statistics)
        EXPECT_EQ(a.*row.member, row.with_others == ring_statistic::combined::sum ? 6u : 3u) << row.name;
}

} // namespace

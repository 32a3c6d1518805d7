// write_share: when writes give way to reads that have a ceiling to keep, and when they are let go on.
#include "core/control/write_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;

// A load of 1000 reads per tick and so many writes as want to be at the device; their P99 is what the test says.
class WriteShare : public testing::Test {
protected:
    WriteShare() { options.max_p99 = 2 * ms; }

    /// One judgement's worth of ticks.
    void run(double p99_ms, int ticks = 40, bool throttled = false) {
        for (int i = 0; i < ticks; ++i) {
            now += 10 * ms;
            seen.reads_completed += reads_per_tick;
            seen.writes_submitted += 1;
            samples += reads_per_tick;
            const std::uint64_t allowed = std::min<std::uint64_t>(share.limit(), writers);
            seen.writes_in_flight = allowed;
            seen.writes_waiting = writers - allowed;
            share.tick(now, seen, {samples, static_cast<nanoseconds_t>(p99_ms * ms)}, throttled);
            if (share.take_restart())
                samples = 0;
        }
    }

    controller_options options;
    write_share share{options};
    write_share::load seen;
    std::uint64_t samples = 0;
    std::uint64_t reads_per_tick = 1000;
    std::uint64_t writers = 128;
    nanoseconds_t now = 1'000'000'000'000;
};

TEST_F(WriteShare, DoesNothingWithoutACeiling) {
    options.max_p99 = 0;
    run(100);
    EXPECT_EQ(share.limit(), write_share::unlimited);
    EXPECT_FALSE(share.mixed());
}

TEST_F(WriteShare, DoesNothingWhileReadsKeepTheCeiling) {
    run(1.9);
    EXPECT_EQ(share.limit(), write_share::unlimited);
    EXPECT_TRUE(share.mixed());
}

TEST_F(WriteShare, IsCutByAsMuchAsReadsExceedTheCeiling) {
    run(8, 2);
    EXPECT_NEAR(share.limit(), 32, 2) << "a little less than what fits";
}

TEST_F(WriteShare, IsAtLeastOneWriteForAnEighthOfTheTime) {
    run(100, 80);
    EXPECT_FALSE(share.answers()) << "the limit of both has to";
    int open = 0;
    int paused = 0;
    for (int i = 0; i < 80; ++i) {
        run(100, 1);
        EXPECT_LE(share.limit(), 1u);
        open += share.limit() == 1;
        paused = share.limit() == 1 ? 0 : paused + 1;
        EXPECT_LT(paused, 8);
    }
    EXPECT_EQ(open, 10);
}

TEST_F(WriteShare, ReleasesWritesThatAreNotToBlame) {
    run(100, 10);
    ASSERT_NE(share.limit(), write_share::unlimited);
    for (int i = 0; i < 400 && share.limit() != write_share::unlimited; ++i)
        run(100, 1);
    EXPECT_EQ(share.limit(), write_share::unlimited) << "in four seconds";
    EXPECT_TRUE(share.mixed());
    EXPECT_FALSE(share.answers());
    int held = 0;
    for (int i = 0; i < 60'000; ++i) { // ten minutes
        run(100, 1);
        held += share.limit() != write_share::unlimited;
    }
    EXPECT_GT(held, 0) << "it is tried again";
    EXPECT_LT(held, 60'000 / 50);
}

TEST_F(WriteShare, ReleasesNoneWhereThatBringsLatency) {
    run(100, 60);
    for (int i = 0; i < 60'000; ++i) // above the ceiling without any, and far above it with them
        run(share.limit() == write_share::unlimited ? 100 : 3, 1);
    int free = 0;
    for (int i = 0; i < 60'000; ++i) {
        run(share.limit() == write_share::unlimited ? 100 : 3, 1);
        free += share.limit() == write_share::unlimited;
    }
    EXPECT_LT(free, 60'000 / 50);
}

TEST_F(WriteShare, RecoversStepByStepWhileWritesWait) {
    run(8, 2);
    const unsigned cut = share.limit();
    run(1.5, 30);
    EXPECT_GT(share.limit(), cut + 1);
    EXPECT_LT(share.limit(), 2 * cut);
    run(1.5, 400);
    EXPECT_GE(share.limit(), writers);
}

TEST_F(WriteShare, DoesNotGrowBeyondWhatIsAskedFor) {
    run(8, 2);
    writers = 8;
    const unsigned cut = share.limit();
    run(1, 400);
    EXPECT_NEAR(share.limit(), cut, 1);
}

TEST_F(WriteShare, WaitsForReadsToBeLetGoFirst) {
    run(8, 2);
    const unsigned cut = share.limit();
    run(1, 400, true);
    EXPECT_NEAR(share.limit(), cut, 1);
}

TEST_F(WriteShare, IsLiftedWhenReadsHaveGone) {
    run(8, 2);
    reads_per_tick = 0;
    run(8, 101);
    EXPECT_EQ(share.limit(), write_share::unlimited);
    EXPECT_FALSE(share.mixed()) << "the ceiling is for writes then";
}

TEST_F(WriteShare, IsLiftedWithTheCeiling) {
    run(8, 2);
    options.max_p99 = 0;
    run(8, 1);
    EXPECT_EQ(share.limit(), write_share::unlimited);
}

TEST_F(WriteShare, LeavesToTheLimitOfBothWhatWritesHaveNoPartIn) {
    writers = 0;
    run(100, 20);
    EXPECT_TRUE(share.mixed());
    EXPECT_EQ(share.limit(), write_share::unlimited);
    EXPECT_FALSE(share.answers());
}

} // namespace

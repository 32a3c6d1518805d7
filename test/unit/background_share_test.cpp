// background_share: what the background may have at a device while the foreground is idle, active, or waits.
#include "core/control/background_share.hpp"

#include <gtest/gtest.h>

namespace {

using aura::core::background_share;
using aura::core::foreground_activity;
using aura::core::nanoseconds_t;

constexpr nanoseconds_t ms = 1'000'000;
constexpr nanoseconds_t start = 1'000'000 * ms;

TEST(BackgroundShare, IsEverythingWhereNoForegroundHasEverBeen) {
    background_share share;
    EXPECT_TRUE(share.look_due(start));
    share.look(start, {});
    EXPECT_FALSE(share.look_due(start + ms - 1));
    EXPECT_TRUE(share.look_due(start + ms));
    EXPECT_EQ(share.allowed(start, 0, 0), background_share::unlimited);
    EXPECT_FALSE(share.yields());
}

TEST(BackgroundShare, IsAnEighthOfTheForegroundsDepthAndNeverLessThanOne) {
    background_share share;
    share.look(start, {.submitted = 100, .in_flight = 32, .background_rings = 1});
    EXPECT_EQ(share.allowed(start, 0, 0), 4u);
    EXPECT_TRUE(share.yields());
    share.look(start, {.submitted = 200, .in_flight = 32, .background_rings = 2});
    EXPECT_EQ(share.allowed(start, 0, 0), 2u);
    share.look(start, {.submitted = 300, .in_flight = 1, .background_rings = 1});
    EXPECT_EQ(share.allowed(start, 0, 0), 1u);
    share.look(start, {.submitted = 400, .in_flight = 32, .background_rings = 100});
    EXPECT_EQ(share.allowed(start, 0, 0), 1u);
}

TEST(BackgroundShare, IsEverythingAgainTenMillisecondsAfterTheLastForeground) {
    background_share share;
    share.look(start, {.submitted = 100});
    share.look(start + ms, {.submitted = 101}); // it came and went between two looks
    EXPECT_EQ(share.allowed(start + ms, 0, 0), 1u);
    share.look(start + 10 * ms, {.submitted = 101});
    EXPECT_EQ(share.allowed(start + 11 * ms - 1, 0, 0), 1u);
    EXPECT_EQ(share.allowed(start + 11 * ms, 0, 0), background_share::unlimited);
}

TEST(BackgroundShare, TheOwnRingsForegroundIsSeenBetweenLooks) {
    background_share share;
    share.look(start, {});
    EXPECT_EQ(share.allowed(start, 0, 0), background_share::unlimited);
    EXPECT_EQ(share.allowed(start + 1, 1, 0), 1u);
    EXPECT_EQ(share.allowed(start + 10 * ms, 1, 0), 1u);
    EXPECT_EQ(share.allowed(start + 10 * ms + 1, 1, 0), background_share::unlimited);
}

TEST(BackgroundShare, IsNothingWhileTheForegroundWaitsHereOrElsewhere) {
    background_share share;
    share.look(start, {});
    share.note_turn(start);
    EXPECT_EQ(share.allowed(start, 4, 1), 0u);
    EXPECT_EQ(share.allowed(start, 4, 0), 1u); // it waits no more, and is active
    share.look(start + ms, {.submitted = 50, .in_flight = 32, .waiting = 7, .background_rings = 1});
    EXPECT_EQ(share.allowed(start + ms, 4, 0), 0u);
    EXPECT_EQ(share.allowed(start + 2 * ms, 4, 0), 0u) << "no look is due";
    share.look(start + 2 * ms, {.submitted = 60, .in_flight = 32, .background_rings = 1});
    EXPECT_EQ(share.allowed(start + 2 * ms, 4, 0), 4u);
}

TEST(BackgroundShare, OneGoesWhoeverWaitsWhenNoneHasForTooLong) {
    background_share share;
    share.note_turn(start);
    EXPECT_EQ(share.allowed(start + background_share::patience - 1, 4, 1), 0u);
    EXPECT_TRUE(share.overdue(start + background_share::patience));
    EXPECT_EQ(share.allowed(start + background_share::patience, 4, 1), 1u);
    share.note_turn(start + background_share::patience);
    EXPECT_EQ(share.allowed(start + background_share::patience, 4, 1), 0u);
}

TEST(BackgroundShare, ALookThatFailsLeavesWhatWasSeen) {
    background_share share;
    share.look(start, {.submitted = 100, .in_flight = 32, .background_rings = 1});
    share.look_failed(start + ms);
    EXPECT_FALSE(share.look_due(start + 2 * ms - 1));
    EXPECT_EQ(share.allowed(start + ms, 0, 0), 4u);
}

} // namespace

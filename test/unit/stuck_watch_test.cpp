// stuck_watch: what counts as stuck, and how often it looks.
#include "core/loop/stuck_watch.hpp"

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t limit = 1'000'000;

class StuckWatch : public testing::Test {
protected:
    bool look(nanoseconds_t now, std::uintptr_t handler, std::uint64_t turns, bool asleep = false) {
        watch_.begin(now);
        return watch_.see({this, handler, turns, asleep});
    }
    stuck_watch watch_{limit};
};

TEST_F(StuckWatch, AHandlerThatIsThereAtTwoLooksALimitApartIsStuck) {
    EXPECT_FALSE(look(0, 8, 1));
    EXPECT_FALSE(look(limit - 1, 8, 1));
    EXPECT_TRUE(look(limit, 8, 1));
}

TEST_F(StuckWatch, AnotherHandlerOrAnotherTurnBeginsAnew) {
    EXPECT_FALSE(look(0, 8, 1));
    EXPECT_FALSE(look(limit, 16, 1));
    EXPECT_FALSE(look(2 * limit, 16, 2));
    EXPECT_TRUE(look(3 * limit, 16, 2));
}

TEST_F(StuckWatch, AThreadInNoHandlerIsNotStuck) {
    EXPECT_FALSE(look(0, 0, 1));
    EXPECT_FALSE(look(10 * limit, 0, 1));
}

TEST_F(StuckWatch, LooksRarelyUntilOneWasStuckAndThenOften) {
    (void)look(0, 8, 1);
    EXPECT_EQ(watch_.next_look(), 50'000'000U);
    EXPECT_TRUE(look(50'000'000, 8, 1));
    EXPECT_EQ(watch_.next_look(), 50'000'000U + limit);
    (void)look(6'000'000'000, 8, 2);
    EXPECT_EQ(watch_.next_look(), 6'050'000'000U);
}

TEST_F(StuckWatch, DoesNotLookWhileAllSleep) {
    (void)look(0, 0, 1, true);
    EXPECT_EQ(watch_.next_look(), never);
}

TEST_F(StuckWatch, WhoHasMovedInTheListIsLookedAtAfresh) {
    const int other = 0;
    EXPECT_FALSE(look(0, 8, 1));
    watch_.begin(limit);
    EXPECT_FALSE(watch_.see({&other, 8, 1, false}));
    EXPECT_FALSE(watch_.see({this, 8, 1, false}));
}

} // namespace

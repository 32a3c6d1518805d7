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
        return watch_.see(memory_, {handler, turns, asleep});
    }
    stuck_watch watch_{limit};
    stuck_watch::memory memory_;
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
    (void)look(0, 0, 1);
    EXPECT_EQ(watch_.next_look(), 50'000'000U);
    (void)look(50'000'000 - limit, 8, 1);
    EXPECT_EQ(watch_.next_look(), 50'000'000U);
    EXPECT_TRUE(look(50'000'000, 8, 1));
    EXPECT_EQ(watch_.next_look(), 50'000'000U + limit);
    (void)look(6'000'000'000, 0, 2);
    EXPECT_EQ(watch_.next_look(), 6'050'000'000U);
}

TEST_F(StuckWatch, LooksTwiceWhereThereIsAHandlerAndThenRarelyAgain) {
    (void)look(0, 8, 1);
    EXPECT_EQ(watch_.next_look(), limit);
    (void)look(limit, 8, 2);
    EXPECT_EQ(watch_.next_look(), limit + 50'000'000U);
}

TEST_F(StuckWatch, DoesNotLookWhileAllSleep) {
    (void)look(0, 0, 1, true);
    EXPECT_EQ(watch_.next_look(), never);
}

TEST_F(StuckWatch, EachThreadIsRememberedByItself) {
    stuck_watch::memory other;
    EXPECT_FALSE(look(0, 8, 1));
    watch_.begin(limit);
    EXPECT_FALSE(watch_.see(other, {8, 1, false}));
    EXPECT_TRUE(watch_.see(memory_, {8, 1, false}));
    watch_.begin(2 * limit);
    EXPECT_TRUE(watch_.see(other, {8, 1, false}));
    EXPECT_FALSE(watch_.see(memory_, {16, 1, false}));
}

TEST_F(StuckWatch, SeesHandlersThatAreShorterThanTheDistanceBetweenItsLooks) {
    // One of 5 ms every 71 ms, of a thread that sleeps in between; who watches hears when it wakes up.
    constexpr nanoseconds_t period = 71'000'000, length = 5'000'000;
    nanoseconds_t now = 0;
    int looks = 0;
    for (bool stuck = false; !stuck; ++looks) {
        ASSERT_LT(looks, 200);
        const std::uint64_t turn = now / period;
        const bool asleep = now % period >= length;
        stuck = look(now, asleep ? 0 : 8, turn, asleep);
        const nanoseconds_t next = watch_.next_look();
        now = next == never ? (turn + 1) * period : next;
    }
    EXPECT_EQ(looks, 2);
}

TEST_F(StuckWatch, SeesThemAlsoWhereAnotherThreadIsAlwaysAwake) {
    constexpr nanoseconds_t period = 71'000'000, length = 5'000'000;
    stuck_watch::memory other;
    nanoseconds_t now = 0;
    bool stuck = false;
    while (!stuck && now < 10'000'000'000) {
        const bool asleep = now % period >= length;
        watch_.begin(now);
        (void)watch_.see(other, {0, now, false});
        stuck = watch_.see(memory_, {asleep ? std::uintptr_t{0} : 8, now / period, asleep});
        now = watch_.next_look();
    }
    EXPECT_TRUE(stuck);
}

} // namespace

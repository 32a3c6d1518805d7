// handler_pace: when the handlers of a ring count as long.
#include "auraio/core/stats/handler_pace.hpp"

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t long_one = handler_pace::long_handler;

/// So many times in a row.
void note(handler_pace& pace, nanoseconds_t time, unsigned count = 1) {
    for (unsigned i = 0; i != count; ++i)
        pace.note(time);
}

TEST(HandlerPace, ShortHandlersAreNeverLong) {
    handler_pace pace;
    note(pace, long_one - 1, 100'000);
    EXPECT_FALSE(pace.is_long());
}

TEST(HandlerPace, OneThatTookAnyTimeIsNotEnough) {
    handler_pace pace;
    note(pace, 1000 * long_one);
    EXPECT_FALSE(pace.is_long());
    note(pace, long_one / 2, 4);
    note(pace, 1000 * long_one);
    EXPECT_FALSE(pace.is_long()); // the first is forgotten
}

TEST(HandlerPace, TwoInARowThatTookFourTimesAsLongAreEnough) {
    handler_pace pace;
    note(pace, 4 * long_one, 2);
    EXPECT_TRUE(pace.is_long());
}

TEST(HandlerPace, OfThoseThatAreHardlyLongItTakesFive) {
    handler_pace pace;
    note(pace, long_one, 4);
    EXPECT_FALSE(pace.is_long());
    note(pace, long_one);
    EXPECT_TRUE(pace.is_long());
}

TEST(HandlerPace, EveryFourthThatTakesLongIsEnoughAndEveryFifthIsNot) {
    handler_pace fourth, fifth;
    bool fifth_was = false;
    for (int i = 0; i != 100; ++i) {
        note(fourth, 4 * long_one);
        note(fourth, 0, 3);
        note(fifth, 4 * long_one);
        fifth_was = fifth_was || fifth.is_long();
        note(fifth, 0, 4);
    }
    note(fourth, 4 * long_one);
    EXPECT_TRUE(fourth.is_long());
    EXPECT_FALSE(fifth_was);
}

TEST(HandlerPace, HoweverLongTheyWereAFewShortOnesEndIt) {
    handler_pace pace;
    note(pace, 1000 * long_one, 1000);
    note(pace, 0, 7);
    EXPECT_TRUE(pace.is_long());
    note(pace, 0);
    EXPECT_FALSE(pace.is_long());
}

} // namespace

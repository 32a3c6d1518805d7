// handler_pace: which handlers of a ring count as long.
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

/// Kinds are told apart by an address.
constexpr char kinds[20] = {};

TEST(HandlerPaces, EachKindHasItsOwn) {
    handler_paces paces;
    for (int i = 0; i != 10; ++i) {
        paces.note(&kinds[0], 4 * long_one);
        paces.note(&kinds[1], 1);
    }
    EXPECT_TRUE(paces.any_long());
    EXPECT_TRUE(paces.is_long(&kinds[0]));
    EXPECT_FALSE(paces.is_long(&kinds[1]));
    EXPECT_FALSE(paces.is_long(&kinds[2]));
}

TEST(HandlerPaces, OneThatIsNotMeasuredAnyMoreIsForgotten) {
    handler_paces paces;
    for (int i = 0; i != 10; ++i)
        paces.note(&kinds[0], 1000 * long_one);
    for (int i = 0; i != 40; ++i)
        paces.note(&kinds[1], 1);
    EXPECT_TRUE(paces.is_long(&kinds[0]));
    for (int i = 0; i != 60; ++i)
        paces.note(&kinds[1], 1);
    EXPECT_FALSE(paces.any_long());
}

TEST(HandlerPaces, OneOfTenThatTakesLongIsKept) {
    handler_paces paces;
    for (int i = 0; i != 1000; ++i) {
        paces.note(&kinds[0], i % 10 == 0 ? 4 * long_one : 1);
        paces.note(&kinds[1], i % 10 == 5 ? 4 * long_one : 1);
    }
    EXPECT_FALSE(paces.any_long()); // each of the two has many that are short
    for (int i = 0; i != 1000; ++i)
        paces.note(&kinds[i % 10 == 0 ? 2 : 3], i % 10 == 0 ? 4 * long_one : 1);
    EXPECT_TRUE(paces.is_long(&kinds[2]));
    EXPECT_FALSE(paces.is_long(&kinds[3]));
}

TEST(HandlerPaces, WhereThereAreMoreThanHaveRoomThoseThatAreKnownStay) {
    handler_paces paces;
    for (int i = 0; i != 10; ++i)
        for (int kind = 0; kind != 20; ++kind)
            paces.note(&kinds[kind], 4 * long_one);
    int known = 0;
    for (const char& kind : kinds)
        known += paces.is_long(&kind);
    EXPECT_EQ(known, 8);
}

} // namespace

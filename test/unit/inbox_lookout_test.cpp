// inbox_lookout: looks go on for as long as answers come at once, and become rare where they do not.
#include "core/loop/inbox_lookout.hpp"

#include <gtest/gtest.h>

#include <cstdint>

using aura::core::inbox_lookout;
using aura::core::nanoseconds_t;

namespace {

constexpr nanoseconds_t soon = inbox_lookout::saved / 4;

struct looked {
    unsigned count = 0;
    std::int64_t lost = 0; // nanoseconds in excess of what they have saved
};

/// What becomes of so many messages, when each look ends as `how(number of the look)` says: in vain with 0.
template <class How>
looked look(inbox_lookout& l, unsigned messages, How how) {
    looked all;
    for (unsigned i = 0; i < messages; ++i)
        if (l.pays()) {
            const nanoseconds_t found_after = how(all.count++);
            const nanoseconds_t took = found_after != 0 ? found_after : inbox_lookout::longest;
            l.has_looked(took, found_after != 0);
            all.lost += static_cast<std::int64_t>(took);
            all.lost -= found_after != 0 ? static_cast<std::int64_t>(inbox_lookout::saved) : 0;
        }
    return all;
}

looked look_in_vain(inbox_lookout& l, unsigned messages) {
    return look(l, messages, [](unsigned) { return nanoseconds_t{0}; });
}
looked find_soon(inbox_lookout& l, unsigned messages) {
    return look(l, messages, [](unsigned) { return soon; });
}

TEST(InboxLookout, GoesOnWhileAnswersComeAtOnce) {
    inbox_lookout l;
    EXPECT_EQ(find_soon(l, 100'000).count, 100'000u);
}

TEST(InboxLookout, TheFirstAnswersMayComeFromOneThatHasToBeWoken) {
    inbox_lookout l;
    EXPECT_EQ(look_in_vain(l, 2).count, 2u);
    EXPECT_EQ(look(l, 1, [](unsigned) { return inbox_lookout::longest / 2; }).count, 1u);
    EXPECT_EQ(find_soon(l, 1000).count, 1000u);
}

TEST(InboxLookout, InVainBecomesRare) {
    inbox_lookout l;
    const std::int64_t first = look_in_vain(l, 100'000).lost;
    EXPECT_LT(first, 2'000'000) << "20 ns for each of the first messages";
    EXPECT_LT(look_in_vain(l, 1'000'000).lost, 5'000'000) << "5 ns of the later ones";
}

TEST(InboxLookout, AnswersThatTakeLongAreNoReasonToStayAwake) {
    inbox_lookout l;
    (void)look(l, 1'000'000, [](unsigned) { return inbox_lookout::longest / 2; });
    EXPECT_LT(look(l, 1'000'000, [](unsigned) { return inbox_lookout::longest / 2; }).lost, 5'000'000);
}

TEST(InboxLookout, SomeThatAreFoundAtOnceDoNotPayForManyInVain) {
    inbox_lookout l;
    const auto every_fourth = [](unsigned i) { return i % 4 == 0 ? soon : nanoseconds_t{0}; };
    (void)look(l, 1'000'000, every_fourth);
    EXPECT_LT(look(l, 1'000'000, every_fourth).lost, 5'000'000);
}

TEST(InboxLookout, ManyThatAreFoundAtOncePayForSomeInVain) {
    inbox_lookout l;
    const auto but_a_few = [](unsigned i) { return i % 40 == 39 ? nanoseconds_t{0} : soon; };
    const looked all = look(l, 100'000, but_a_few);
    EXPECT_EQ(all.count, 100'000u);
    EXPECT_LT(all.lost, 0);
}

TEST(InboxLookout, WhoTriesAgainCallsTheOther) {
    inbox_lookout one;
    inbox_lookout other;
    (void)look_in_vain(one, 500'000);
    (void)look_in_vain(other, 520'000);
    // They send each other messages, and each finds out only while both look.
    for (unsigned messages = 0; messages < 40'000; ++messages) {
        const bool first = one.pays();
        const bool second = other.pays();
        if (first)
            one.has_looked(second ? soon : inbox_lookout::longest, second);
        if (second)
            other.has_looked(first ? soon : inbox_lookout::longest, first);
    }
    EXPECT_EQ(find_soon(one, 1000).count, 1000u);
    EXPECT_EQ(find_soon(other, 1000).count, 1000u);
}

TEST(InboxLookout, ComesBackWhenAnswersComeAtOnceAgain) {
    inbox_lookout l;
    (void)look_in_vain(l, 1'000'000);
    EXPECT_GT(find_soon(l, 70'000).count, 30'000u);
    EXPECT_EQ(find_soon(l, 1000).count, 1000u);
    EXPECT_LT(look_in_vain(l, 250).count, 10u);
    EXPECT_GT(find_soon(l, 300).count, 0u) << "and its first pause is short again";
}

} // namespace

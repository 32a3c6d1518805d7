// trigger_choice: after how many receives in vain the kernel is to tell by level, and when no more.
#include "backend/epoll/trigger_choice.hpp"

#include <algorithm>
#include <gtest/gtest.h>

using aura::core::epoll::trigger_choice;

namespace {

/// How many receives in vain it takes.
unsigned receives_until_change(trigger_choice& t) {
    unsigned count = 1;
    while (!t.note_attempt(true))
        ++count;
    return count;
}

TEST(TriggerChoice, ReceivesInVainMakeItLevel) {
    trigger_choice t;
    EXPECT_FALSE(t.is_by_level());
    EXPECT_EQ(receives_until_change(t), trigger_choice::enough_in_vain);
}

TEST(TriggerChoice, AStreamThatOftenHasMoreStaysAtEdges) {
    trigger_choice t;
    for (int i = 0; i < 1000; ++i) // a header and its body, say: every second receive finds something
        EXPECT_FALSE(t.note_attempt(i % 2 == 0)) << i;
}

TEST(TriggerChoice, WhatStillSucceedsAtOnceGoesBackToEdges) {
    trigger_choice t;
    t.change(true);
    EXPECT_FALSE(t.note_attempt(false)) << "may be chance";
    EXPECT_FALSE(t.note_attempt(true));
    EXPECT_FALSE(t.note_attempt(false));
    EXPECT_TRUE(t.note_attempt(false));
    int attempts = 0;
    for (unsigned i = 0; i < 10 * trigger_choice::receives_between_attempts; ++i)
        attempts += t.is_time_to_try();
    EXPECT_EQ(attempts, 10);
}

TEST(TriggerChoice, WhatNobodyTakesMakesItRarer) {
    trigger_choice t;
    for (unsigned i = 1; i < 100; ++i) {
        t.change(true);
        t.note_untaken();
        t.change(false);
        EXPECT_EQ(receives_until_change(t),
                  trigger_choice::enough_in_vain << std::min<unsigned>(i, trigger_choice::most_patience));
    }
}

} // namespace

// regime_watch: changes of the device, patience with one that changes all the time, and wandering.
#include "core/control/regime_watch.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;

struct RegimeWatch : testing::Test {
    controller_options options;
    regime_watch watch{options};
    nanoseconds_t now = 0;

    void SetUp() override {
        watch.engage();
        watch.restart();
    }
    /// Blocks of four sub-windows of 10 ms at this rate, one letter each: f and r for what has changed.
    std::string blocks(unsigned count, double rate) {
        std::string text;
        for (unsigned i = 0; i < count; ++i) {
            for (int j = 0; j < 4; ++j) {
                now += 10 * ms;
                if (const auto block = watch.add(rate)) {
                    EXPECT_EQ(j, 3);
                    const auto change = watch.judge(*block, now);
                    text += change == regime_watch::change::none   ? '.'
                            : change == regime_watch::change::fell ? 'f'
                                                                   : 'r';
                }
            }
        }
        return text;
    }
};

TEST_F(RegimeWatch, ThreeBlocksInARowAreAChange) {
    EXPECT_EQ(blocks(4, 100), "....");
    EXPECT_EQ(watch.reference().count(), 16u);
    EXPECT_EQ(blocks(2, 70), "..");
    EXPECT_FALSE(watch.calm());
    EXPECT_EQ(blocks(2, 100), "..") << "what comes and goes is no change";
    EXPECT_TRUE(watch.calm());
    EXPECT_EQ(watch.reference().count(), 32u) << "it belongs to what the device does";
}

TEST_F(RegimeWatch, SaysWhichWayAndWithWhatRates) {
    blocks(4, 100);
    EXPECT_EQ(blocks(3, 70), "..f");
    EXPECT_NEAR(watch.deviating().estimate().rate, 70, 0.1);
    watch.restart();
    EXPECT_EQ(blocks(2, 70), "..");
    EXPECT_EQ(blocks(3, 100), "..r");
}

TEST_F(RegimeWatch, PatienceDoublesWhileItChangesAllTheTimeAndEndsInCalm) {
    const auto blocks_until_change = [&](double rate) {
        watch.restart();
        blocks(4, rate);
        unsigned count = 1;
        for (; blocks(1, rate * 0.5) == "."; ++count)
            if (count == 100)
                break;
        return count;
    };
    std::string text;
    for (int i = 0; i < 4; ++i)
        text += std::to_string(blocks_until_change(100)) + " ";
    EXPECT_EQ(text, "3 3 6 12 ");
    EXPECT_EQ(watch.stretch(), 4u) << "and sub-windows average over more";
    now += 25'000 * ms;
    EXPECT_EQ(blocks_until_change(100), 24u);
    EXPECT_EQ(blocks_until_change(100), 3u);
}

TEST_F(RegimeWatch, WandersWhereNeighboursResembleEachOtherAndScatterIsMoreThanCounting) {
    rate_window slow;
    rate_window fast;
    for (int i = 0; i < 32; ++i) {
        slow.add(100 + 10 * std::sin(i * 0.4));
        fast.add(100 + (i % 2 == 0 ? 10 : -10));
    }
    watch.watch_wandering(fast, 5);
    EXPECT_FALSE(watch.wanders()) << "independent";
    watch.watch_wandering(slow, 1.9);
    EXPECT_FALSE(watch.wanders()) << "no more than counting";
    watch.watch_wandering(slow, 2.1);
    EXPECT_TRUE(watch.wanders());
    watch.watch_wandering(slow, 1.5);
    EXPECT_TRUE(watch.wanders()) << "some distance lies between";
    watch.watch_wandering(slow, 1.3);
    EXPECT_FALSE(watch.wanders());
}

struct FarOff : RegimeWatch {
    using change = regime_watch::change;

    void SetUp() override {
        RegimeWatch::SetUp();
        blocks(6, 10'000);
    }
    /// Sub-windows at this rate until it is far off; 0: not within two seconds.
    nanoseconds_t far_off_after(double rate, change expected, nanoseconds_t length = 10 * ms) {
        const nanoseconds_t begin = now;
        while (now - begin < 2'000 * ms) {
            now += length;
            const change seen = watch.far_off(rate, now, length);
            if (seen == change::none)
                continue;
            EXPECT_EQ(seen, expected);
            return now - begin;
        }
        return 0;
    }
};

TEST_F(FarOff, LessThanHalfIsAnotherDeviceAtOnce) {
    EXPECT_EQ(far_off_after(5100, change::fell), 0);
    EXPECT_EQ(far_off_after(4000, change::fell), 100 * ms);
}

TEST_F(FarOff, APauseIsNot) {
    for (int i = 0; i < 20; ++i) {
        now += 90 * ms;
        EXPECT_EQ(watch.far_off(100, now, 90 * ms), change::none);
        now += 10 * ms;
        EXPECT_EQ(watch.far_off(10000, now, 10 * ms), change::none);
    }
}

TEST_F(FarOff, TheSubWindowInWhichItChangedDoesNotCount) {
    now += 10 * ms;
    EXPECT_EQ(watch.far_off(4500, now, 10 * ms), change::none);
    EXPECT_GT(far_off_after(200, change::fell, 70 * ms), 0);
    EXPECT_NEAR(watch.deviating().estimate().rate, 200, 1);
}

TEST_F(FarOff, ADeviceThatChangesAllTheTimeHasToStayThereForLonger) {
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(far_off_after(4000, change::fell), 100 * ms);
        watch.restart();
        blocks(6, 10'000);
    }
    EXPECT_EQ(far_off_after(4000, change::fell), 200 * ms);
}

TEST_F(FarOff, WhatWasSeenBeforeALowLoadDoesNotCount) {
    now += 10 * ms;
    EXPECT_EQ(watch.far_off(100, now, 10 * ms), change::none);
    watch.forget_far_off();
    now += 500 * ms;
    for (int i = 0; i < 4; ++i) { // a pause
        now += 10 * ms;
        EXPECT_EQ(watch.far_off(100, now, 10 * ms), change::none);
    }
}

TEST_F(FarOff, HalfOfAFewCompletionsComesByChance) {
    watch.restart();
    blocks(6, 100); // one in a sub-window
    EXPECT_EQ(far_off_after(10, change::fell), 0);
    EXPECT_EQ(far_off_after(10, change::fell, 100 * ms), 400 * ms); // and that in which it changed
}

TEST_F(FarOff, MoreThanTwiceIsAnotherDeviceAtOnce) {
    EXPECT_EQ(far_off_after(19000, change::rose), 0);
    EXPECT_EQ(far_off_after(21000, change::rose), 100 * ms);
}

} // namespace

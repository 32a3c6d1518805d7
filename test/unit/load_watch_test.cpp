// load_watch: which loads engage, which let go, and which are left alone.
#include "core/control/load_watch.hpp"

#include <string>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;

struct LoadWatch : testing::Test {
    controller_options options;
    rate_meter meter{options};
    load_watch watch{options};
    load_reading now;

    void SetUp() override {
        watch.begin();
        meter.begin(now);
    }
    /// One letter a tick: e when it is to engage, . when not.
    std::string open_ticks(unsigned count, std::uint64_t in_flight, std::uint64_t per_tick) {
        std::string text;
        for (unsigned i = 0; i < count; ++i) {
            now.time += 10 * ms;
            now.load.completed += per_tick;
            now.load.in_flight = in_flight;
            const bool engages = watch.queues(now, meter);
            text += engages ? 'e' : '.';
            if (engages)
                meter.begin(now);
        }
        return text;
    }
    /// One letter a tick: g when demand is gone.
    std::string shut_ticks(const std::string& enough) {
        std::string text;
        for (const char c : enough) {
            now.time += 10 * ms;
            text += watch.demand_gone(now.time, c == 'y') ? 'g' : '.';
        }
        return text;
    }
};

TEST_F(LoadWatch, EngagesAfterATenthOfASecondOfQueueing) {
    EXPECT_EQ(open_ticks(11, 16, 320), ".........e."); // 500 us each
    EXPECT_EQ(open_ticks(12, 16, 1000), "............") << "160 us each";
    EXPECT_EQ(open_ticks(10, 8, 80), ".........e") << "fewer, and longer ones";
    EXPECT_EQ(open_ticks(12, 1, 0), "............") << "one is no queue, however long it takes";
}

TEST_F(LoadWatch, AnInterruptionBeginsAnew) {
    EXPECT_EQ(open_ticks(9, 16, 320), ".........");
    EXPECT_EQ(open_ticks(1, 0, 320), ".");
    EXPECT_EQ(open_ticks(10, 16, 320), ".........e");
}

TEST_F(LoadWatch, LetsGoWhenThereHasNotBeenEnoughForATenthOfASecond) {
    watch.engage(now.time, 16);
    EXPECT_EQ(shut_ticks("nnnnnnnnnnyn"), "............");
    EXPECT_EQ(shut_ticks("nnnnnnnnnnn"), ".........gg");
    watch.restart_idle();
    EXPECT_EQ(shut_ticks("nnnnnnnnnnn"), "..........g");
}

TEST_F(LoadWatch, AGateAtWhichMostDoNotWaitIsNotNeeded) {
    watch.engage(now.time, 16);
    EXPECT_FALSE(watch.unsaturated(1'500 * ms, 0));
    EXPECT_TRUE(watch.unsaturated(1'501 * ms, 0));
    EXPECT_FALSE(watch.unsaturated(1'501 * ms, 10 * ms)) << "the phase is younger";
    watch.note_saturated(1'000 * ms);
    EXPECT_FALSE(watch.unsaturated(2'500 * ms, 0));
}

TEST_F(LoadWatch, ALoadThatNeedsNoGateIsLeftAloneForAMinuteThenForTwo) {
    std::string text;
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(open_ticks(10, 16, 320), ".........e");
        watch.engage(now.time, 16);
        watch.note_needless_at_rate(16, 32'000);
        watch.set_needless(true);
        EXPECT_TRUE(watch.gate_opens(now.time, true));
        meter.begin(now);
        const nanoseconds_t since = now.time;
        unsigned ticks = 0;
        while (open_ticks(1, 16, 320) == ".")
            ASSERT_LT(++ticks, 60'000u);
        text += std::to_string((now.time - since) / (1'000 * ms)) + " ";
        meter.begin(now);
    }
    EXPECT_EQ(text, "60 120 240 ");
}

TEST_F(LoadWatch, ALargerLoadAndOneThatLeftForAnotherReasonAreNotKnown) {
    const auto found_needless = [&](bool not_binding) {
        watch.engage(now.time, 16);
        watch.note_needless_at_rate(16, 32'000);
        watch.set_needless(true);
        EXPECT_EQ(watch.gate_opens(now.time, not_binding), not_binding);
        meter.begin(now);
    };
    found_needless(true);
    EXPECT_EQ(open_ticks(10, 16, 320), "..........");
    EXPECT_EQ(open_ticks(10, 21, 420), ".........e") << "deeper by more than a quarter";
    found_needless(false);
    EXPECT_EQ(open_ticks(10, 16, 320), ".........e");
}

} // namespace

// latency_guard and latency_ceiling: judgements of a P99.
#include "core/control/latency_ceiling.hpp"
#include "core/control/latency_guard.hpp"

#include <string>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t us = 1'000;
constexpr nanoseconds_t ms = 1'000'000;

TEST(LatencyGuard, TripsAtTenTimesTheKneesP99TwiceInARow) {
    const controller_options options;
    latency_guard guard(options);
    std::string text;
    for (const nanoseconds_t p99 : {9 * ms, 1 * ms, 89 * ms, 91 * ms, 1 * ms, 91 * ms, 91 * ms, 91 * ms})
        text += guard.exceeded(p99, 0.000'5) ? 'x' : '.';
    EXPECT_EQ(text, "......x.") << "the first is the knee's, and after a trip the next is again";
    guard.reset();
    EXPECT_FALSE(guard.exceeded(10 * ms, 0.000'5)) << "until it is known, 10 ms are allowed";
    guard.forget_baseline();
    EXPECT_FALSE(guard.exceeded(900 * ms, 0.1)) << "or ten times the mean";
}

TEST(LatencyGuard, JudgesByFourHundredSamples) {
    const controller_options options;
    const latency_guard guard(options);
    EXPECT_FALSE(guard.may_judge({399, ms}));
    EXPECT_TRUE(guard.may_judge({400, ms}));
}

struct LatencyCeiling : testing::Test {
    controller_options options;
    latency_ceiling ceiling{options};

    void SetUp() override { options.max_p99 = 1 * ms; }
    std::string judge(std::uint64_t count, nanoseconds_t p99, bool open = false, bool searching = false) {
        const auto share = ceiling.judge({count, p99}, open, searching);
        if (!share)
            return "-";
        return ceiling.exceeded(*share) ? "above" : ceiling.has_room(*share) ? "below" : "there";
    }
};

TEST_F(LatencyCeiling, TheNearerItIsTheMoreSamplesItTakes) {
    EXPECT_EQ(judge(399, 2 * ms), "-");
    EXPECT_EQ(judge(400, 2 * ms), "above");
    EXPECT_EQ(judge(200, 2 * ms, true), "above") << "with the gate open half as many";
    EXPECT_EQ(judge(1'599, 1'200 * us), "-");
    EXPECT_EQ(judge(1'600, 1'200 * us), "above");
    EXPECT_EQ(judge(6'399, 1'020 * us), "-");
    EXPECT_EQ(judge(6'400, 1'020 * us), "there");
    EXPECT_EQ(judge(400, 500 * us), "there") << "it is not what limits";
    ceiling.set_bound(true);
    EXPECT_EQ(judge(400, 500 * us), "below");
    EXPECT_EQ(judge(400, 500 * us, false, true), "-") << "lower depths are being tried";
    EXPECT_EQ(judge(400, 2 * ms, false, true), "above");
    options.max_p99 = 0;
    EXPECT_EQ(judge(100'000, 2 * ms), "-");
}

TEST_F(LatencyCeiling, CutsAtOnceWithTheGateOpenAndByAFifthAtMostElse) {
    EXPECT_DOUBLE_EQ(ceiling.cut(100, 4, true), 25);
    EXPECT_DOUBLE_EQ(ceiling.cut(100, 4, false), 80);
    EXPECT_DOUBLE_EQ(ceiling.cut(100, 1.1, false), 100 / 1.1);
    EXPECT_DOUBLE_EQ(ceiling.cut(4, 1.1, false), 3) << "one at least";
    EXPECT_DOUBLE_EQ(ceiling.raised(100, 0.95), 100 / 0.95);
    EXPECT_DOUBLE_EQ(ceiling.raised(100, 0.5), 115);
    EXPECT_DOUBLE_EQ(ceiling.raised(4, 0.95), 5);
}

TEST_F(LatencyCeiling, IsLiftedByAHigherOneWhileItLimits) {
    ceiling.change(2 * ms);
    EXPECT_FALSE(ceiling.take_lifted()) << "it did not limit";
    ceiling.set_bound(true);
    ceiling.change(1 * ms);
    ceiling.change(500 * us);
    EXPECT_FALSE(ceiling.take_lifted());
    ceiling.change(0);
    EXPECT_TRUE(ceiling.take_lifted());
    EXPECT_FALSE(ceiling.take_lifted()) << "once";
}

TEST_F(LatencyCeiling, ForbidsTrialsThatWouldExceedIt) {
    ceiling.note(900 * us);
    EXPECT_FALSE(ceiling.forbids(1.1));
    EXPECT_TRUE(ceiling.forbids(1.25));
    ceiling.set_bound(true);
    EXPECT_TRUE(ceiling.forbids(1.0));
    options.max_p99 = 0;
    EXPECT_FALSE(ceiling.forbids(2));
}

} // namespace

// knee_trials and trial_schedule: which trial is when, from where to where, and what follows from it.
#include "core/control/knee_trials.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;
using kind = trial_schedule::kind;
using verdict = depth_trial::verdict;

constexpr nanoseconds_t ms = 1'000'000;

TEST(TrialSchedule, GapsDoubleFromThreeTenthsOfASecondToTwo) {
    const controller_options options;
    trial_schedule schedule(options);
    nanoseconds_t now = 0;
    schedule.restart(now);
    const auto wait = [&](kind which) {
        const nanoseconds_t since = now;
        while (!schedule.due(which, now))
            now += 10 * ms;
        return std::to_string((now - since) / ms) + " ";
    };
    std::string text = wait(kind::raise);
    for (int i = 0; i < 4; ++i) {
        schedule.postpone(kind::raise, now);
        text += wait(kind::raise);
    }
    EXPECT_EQ(text, "300 600 1200 2000 2000 ");
    EXPECT_TRUE(schedule.due(kind::cut, now));
    schedule.restart(now);
    EXPECT_EQ(wait(kind::cut), "600 ");
}

TEST(TrialSchedule, ATrialHasItsShareOfTheTime) {
    const controller_options options;
    trial_schedule schedule(options);
    schedule.restart(0);
    schedule.postpone(kind::raise, 0, 60 * ms, 0.06, 10'000);
    EXPECT_FALSE(schedule.due(kind::raise, 999 * ms));
    EXPECT_TRUE(schedule.due(kind::raise, 1'000 * ms));
    schedule.postpone(kind::raise, 0, 600 * ms, 0.06, 10'000);
    EXPECT_TRUE(schedule.due(kind::raise, 3'000 * ms)) << "capacity may have come back";
    schedule.postpone(kind::raise, 0, 600 * ms, 0.06, 100);
    EXPECT_FALSE(schedule.due(kind::raise, 9'999 * ms)) << "not on a slow device";
    schedule.postpone(kind::cut, 0, 600 * ms, 0.006, 10'000);
    EXPECT_FALSE(schedule.due(kind::cut, 99'999 * ms)) << "nor where a step is coarse";
    schedule.repeat(kind::cut, 0);
    EXPECT_TRUE(schedule.due(kind::cut, 0));
}

/// A device whose rate is a function of depth, with a little scatter.
struct KneeTrials : testing::Test {
    controller_options options;
    latency_ceiling ceiling{options};
    knee_trials trials{options};
    rate_window reference;
    nanoseconds_t now = 0;
    unsigned limit = 40;
    double per_operation = 1'000;
    unsigned servers = 40;
    bool wanders = false;
    bool disturbed = false;
    unsigned open = 0;
    int count = 0;

    double rate(unsigned depth) {
        return per_operation * std::min(depth, servers) * (1 + (count++ % 2) * 0.002);
    }
    void SetUp() override {
        trials.restart(now);
        measure();
    }
    void measure() {
        reference.clear();
        for (int i = 0; i < 16; ++i)
            reference.add(rate(limit));
    }
    /// The next trial: where it goes, and how it ends.
    std::string next() {
        const knee_trials::ground here{limit, rate(limit), reference, wanders, disturbed, open};
        const nanoseconds_t end = now + 10'000 * ms;
        while (!trials.start_due(now, here, ceiling)) {
            now += 10 * ms;
            if (now > end)
                return "none";
        }
        std::string text = std::to_string(limit) + ">" + std::to_string(trials.depth());
        for (verdict v = verdict::undecided; v == verdict::undecided;) {
            const unsigned depth = trials.depth();
            now += 10 * ms;
            v = trials.add(now, rate(depth), true, depth);
            if (v == verdict::undecided)
                continue;
            const depth_trial& trial = trials.finish();
            if (v == verdict::rejected) {
                trials.rejected(trial, now, rate(limit), 0);
                return text + " rejected";
            }
            trials.kept(trial);
            limit = trial.probe();
            text += trials.far_below_knee(trial) ? " far below"
                    : trials.far_above_knee()    ? " far above"
                                                 : " kept";
        }
        trials.restart_schedule(now);
        measure();
        return text;
    }
};

TEST_F(KneeTrials, AtTheKneeNeitherMoreNorLessIsKept) {
    EXPECT_EQ(next(), "40>44 rejected");
    EXPECT_EQ(next(), "40>36 rejected");
    EXPECT_EQ(next(), "40>44 rejected");
    EXPECT_DOUBLE_EQ(trials.share_of_best(), 1);
}

TEST_F(KneeTrials, BelowItAGainThatIsNearlyLinearCallsForASearch) {
    servers = 100;
    measure();
    EXPECT_EQ(next(), "40>44 far below");
}

TEST_F(KneeTrials, AboveItTheSecondCutInARowCallsForASearch) {
    servers = 20;
    measure();
    EXPECT_EQ(next(), "40>44 rejected");
    EXPECT_EQ(next(), "40>36 kept");
    EXPECT_LT(trials.share_of_best(), 1) << "what looked good is less good";
    EXPECT_EQ(next(), "36>40 rejected");
    EXPECT_EQ(next(), "36>33 far above");
}

TEST_F(KneeTrials, WhereSpeedWandersStepsAreLargeAndInPairs) {
    wanders = true;
    EXPECT_EQ(next(), "40>80 rejected");
    EXPECT_EQ(next(), "40>27 rejected");
    servers = 400;
    measure();
    EXPECT_EQ(next(), "40>80 kept") << "the first, whose pairs said no, goes on";
}

TEST_F(KneeTrials, NotAboveTheCeilingNorBelowTheMinimum) {
    options.max_p99 = 1 * ms;
    options.min_in_flight = 40;
    ceiling.note(990'000);
    EXPECT_EQ(next(), "none");
    options.min_in_flight = 39;
    EXPECT_EQ(next(), "40>39 rejected");
}

TEST_F(KneeTrials, LeapsTellWhetherCapacityHasComeBackAllAtOnce) {
    open = 256;
    disturbed = true;
    std::string seen;
    while (!seen.starts_with("40>80") && now < 10'000 * ms)
        seen = next();
    EXPECT_EQ(seen, "40>80 rejected");
    const nanoseconds_t since = now;
    for (seen.clear(); !seen.starts_with("40>80") && now < 20'000 * ms;)
        seen = next();
    EXPECT_GE(now - since, options.leap_gap);
    open = 79;
    for (int i = 0; i < 20; ++i)
        EXPECT_FALSE(next().starts_with("40>80")) << "beyond the load";
}

TEST_F(KneeTrials, OneThatTheLoadDoesNotFillIsRejected) {
    const knee_trials::ground here{limit, rate(limit), reference, false, false, 0};
    now = 300 * ms;
    ASSERT_TRUE(trials.start_due(now, here, ceiling));
    EXPECT_EQ(trials.add(now + 10 * ms, rate(44), false, 41), verdict::undecided) << "all of it is inside";
    EXPECT_EQ(trials.add(now + 20 * ms, rate(44), false, 40), verdict::rejected);
}

} // namespace

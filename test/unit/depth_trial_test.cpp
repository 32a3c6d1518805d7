// depth_trial: verdicts on pairs of rates.
#include "core/control/depth_trial.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace {

using aura::core::depth_trial;
using aura::core::rate_window;
using verdict = aura::core::depth_trial::verdict;

struct device {
    double base_rate;
    double probe_rate;
    double noise;
    std::mt19937 random{7};
    std::normal_distribution<double> normal{};

    double rate(bool at_probe) { return (at_probe ? probe_rate : base_rate) * (1 + noise * normal(random)); }
    rate_window window() {
        rate_window w;
        for (int i = 0; i < 16; ++i)
            w.add(rate(false));
        return w;
    }
    verdict run(depth_trial& trial) {
        verdict v = verdict::undecided;
        while (v == verdict::undecided)
            v = trial.add(rate(trial.at_probe()));
        return v;
    }
};

TEST(DepthTrial, KeepsALinearGain) {
    device d{100, 110, 0.02};
    depth_trial trial;
    trial.start(40, 44, 1.03, d.window());
    EXPECT_TRUE(trial.raises());
    EXPECT_EQ(trial.depth(), 44u);
    EXPECT_EQ(d.run(trial), verdict::kept);
    EXPECT_NEAR(trial.ratio().value, 1.1, 0.03);
}

TEST(DepthTrial, RejectsWhatGainsNothing) {
    unsigned kept = 0;
    for (unsigned seed = 1; seed <= 50; ++seed) {
        device d{100, 100, 0.03};
        d.random.seed(seed);
        depth_trial trial;
        trial.start(40, 44, 1.03, d.window());
        kept += d.run(trial) == verdict::kept;
    }
    EXPECT_LE(kept, 2u);
}

TEST(DepthTrial, RejectsAtAGlanceWhatCannotBeRight) {
    device d{100, 100, 0.001};
    depth_trial trial;
    trial.start(1, 2, 1.2, d.window());
    EXPECT_EQ(trial.add(d.rate(true)), verdict::rejected);
}

TEST(DepthTrial, UndecidedIsRejectedInTheEnd) {
    device d{100, 103, 0.3};
    depth_trial trial;
    trial.start(40, 44, 1.03, d.window());
    int sub_windows = 0;
    verdict v = verdict::undecided;
    while (v == verdict::undecided) {
        v = trial.add(d.rate(trial.at_probe()));
        ASSERT_LE(++sub_windows, 20);
    }
    EXPECT_NE(v, verdict::undecided);
}

TEST(DepthTrial, ResumedGathersProofThatOneTrialHasNot) {
    // A cut that costs nothing, on a device so noisy that a single trial cannot tell.
    device d{100, 100, 0.06};
    depth_trial trial;
    trial.start(40, 36, 0.97, d.window());
    verdict v = d.run(trial);
    for (int i = 0; i < 40 && v != verdict::kept; ++i) {
        trial.resume(0.97);
        v = d.run(trial);
    }
    EXPECT_EQ(v, verdict::kept);
}

// A device whose speed wanders by 15 %, for some ten sub-windows in one direction.
struct wandering_device : device {
    double path = 0;

    double step(bool at_probe) {
        constexpr double kept = 0.9;
        path = kept * path + 0.15 * std::sqrt(1 - kept * kept) * normal(random);
        return rate(at_probe) * std::exp(path);
    }
    verdict run_paired(depth_trial& trial) {
        verdict v = verdict::undecided;
        while (v == verdict::undecided)
            v = trial.add(step(trial.at_probe()));
        return v;
    }
};

TEST(DepthTrial, PairsFindAGainInARateThatWandersByMore) {
    unsigned kept = 0;
    for (unsigned seed = 1; seed <= 50; ++seed) {
        wandering_device d{{100, 115, 0.02}};
        d.random.seed(seed);
        depth_trial trial;
        trial.start_paired(40, 80, 1.03, d.step(false));
        EXPECT_TRUE(trial.at_probe());
        verdict v = d.run_paired(trial);
        for (int again = 0; again < 10 && v != verdict::kept; ++again) {
            trial.resume(1.03, d.step(false));
            v = d.run_paired(trial);
        }
        kept += v == verdict::kept;
    }
    EXPECT_GE(kept, 45u);
}

TEST(DepthTrial, PairsRejectWhatGainsNothing) {
    unsigned kept = 0;
    for (unsigned seed = 1; seed <= 100; ++seed) {
        wandering_device d{{100, 100, 0.02}};
        d.random.seed(seed);
        depth_trial trial;
        trial.start_paired(40, 80, 1.03, d.step(false));
        kept += d.run_paired(trial) == verdict::kept;
    }
    EXPECT_LE(kept, 6u);
}

TEST(DepthTrial, PairsForgetTheDeviceOfThePast) {
    wandering_device d{{100, 100, 0.02}};
    depth_trial trial;
    trial.start_paired(1, 2, 1.03, d.step(false));
    for (int i = 0; i < 30; ++i) {
        d.run_paired(trial);
        trial.resume(1.03, d.step(false));
    }
    d.probe_rate = 200; // capacity comes back
    verdict v = d.run_paired(trial);
    int sessions = 1;
    for (; v != verdict::kept && sessions < 20; ++sessions) {
        trial.resume(1.03, d.step(false));
        v = d.run_paired(trial);
    }
    EXPECT_LE(sessions, 5);
}

} // namespace

// gate_proof: what is shown of a limit beside the open gate, how soon, and how often it is asked again.
#include "core/control/gate_proof.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;
using verdict = gate_proof::verdict;

constexpr nanoseconds_t ms = 1'000'000;

/// A device of 100 000/s with 256 in flight, measured for 10 ms at a time, 10 ms after each change.
struct GateProof : testing::Test {
    controller_options options;
    gate_proof proof{options};
    nanoseconds_t now = 0;
    unsigned sub_windows = 0;
    double kept = 1;  // of the rate, by a limit of 64
    double swing = 0; // of the device's speed, from one sub-window to the next
    double p99 = 3;   // times the mean
    nanoseconds_t length = 10 * ms;
    double slowest = 0; // seconds, that the P99 is at least

    proof_sample measured(bool open) {
        now += 20 * ms;
        const double speed = 1 + (sub_windows++ / 2 % 2 == 0 ? swing : -swing);
        const double rate = 100'000 * speed * (open ? 1 : kept);
        const double mean = (open ? 256 : 64) / rate;
        return {rate,
                mean,
                length,
                {100, static_cast<nanoseconds_t>(std::max(p99 * mean, slowest) * nanoseconds_per_second)},
                rate / 100};
    }
    verdict run() {
        for (;;) {
            const verdict result = proof.add(now, measured(proof.at_open()));
            if (result != verdict::undecided)
                return result;
        }
    }
    verdict prove() {
        proof.begin(now, 64, 256);
        return run();
    }
    verdict renew() {
        proof.renew(now, 64, 256, measured(false));
        return run();
    }
};

TEST_F(GateProof, HoldsWhereTheRateIsKeptAndTheLatencyFalls) {
    kept = 0.995;
    EXPECT_EQ(prove(), verdict::holds);
    EXPECT_LE(now, 200 * ms) << "a device without scatter needs few comparisons";
    EXPECT_FALSE(proof.active());
}

TEST_F(GateProof, ALimitThatCostsRateIsTooLow) {
    kept = 0.93;
    EXPECT_EQ(prove(), verdict::too_low);
    EXPECT_NEAR(proof.share_of_rate(), 0.93, 0.001);
}

TEST_F(GateProof, ALimitFarTooLowIsFoundInTwoComparisons) {
    kept = 0.1;
    EXPECT_EQ(prove(), verdict::too_low);
    EXPECT_LE(now, 100 * ms);
}

TEST_F(GateProof, AP99ThatStaysIsNoReasonForAGate) {
    length = 40 * ms;
    slowest = 0.050; // a few requests take long at any depth
    EXPECT_EQ(prove(), verdict::useless);
}

TEST_F(GateProof, ALimitNearTheLoadLowersTooLittle) {
    EXPECT_TRUE(proof.too_close(200, 256));
    EXPECT_FALSE(proof.too_close(190, 256));
}

TEST_F(GateProof, ADeviceWhoseSpeedSwingsHasToShowIt) {
    swing = 0.2;
    kept = 0.9;
    EXPECT_EQ(prove(), verdict::too_low);
    kept = 1;
    EXPECT_EQ(prove(), verdict::holds);
}

TEST_F(GateProof, IsRenewedByOneComparison) {
    EXPECT_TRUE(proof.due(now));
    ASSERT_EQ(prove(), verdict::holds);
    EXPECT_FALSE(proof.due(now + options.proof_gap_min - 1));
    EXPECT_TRUE(proof.due(now + 54'000 * ms)) << "four comparisons, of which the gate was open in 40 ms each";
    now += 54'000 * ms;
    const nanoseconds_t since = now;
    EXPECT_EQ(renew(), verdict::holds);
    EXPECT_EQ(now - since, 60 * ms);
    EXPECT_TRUE(proof.due(now + 14'000 * ms)) << "one comparison is a small share of that";
}

TEST_F(GateProof, OpensWhenTheProofFails) {
    ASSERT_EQ(prove(), verdict::holds);
    kept = 0.6;
    EXPECT_EQ(renew(), verdict::too_low);
    kept = 1;
    ASSERT_EQ(prove(), verdict::holds);
    kept = 0.9; // creeping: it takes the renewals of a minute
    int renewals = 1;
    while (renew() == verdict::holds && renewals < 10)
        ++renewals;
    EXPECT_LE(renewals, 6);
}

} // namespace

// hold_proof: writes that are held back for nothing are released, and those that hurt are not.
#include "core/control/hold_proof.hpp"

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;
constexpr nanoseconds_t second = 1000 * ms;
constexpr std::uint64_t many = 100'000; // samples

class HoldProof : public testing::Test {
protected:
    /// Nothing has mended it for as long as it takes.
    bool doubt() {
        bool doubtful = false;
        for (int i = 0; i < 300 && !doubtful; ++i) {
            doubtful = proof.doubtful(now, true);
            now += 10 * ms;
        }
        if (doubtful)
            proof.release(now);
        return doubtful;
    }
    /// What is compared has this rate per second meanwhile.
    nanoseconds_t until_measured(std::uint64_t rate) {
        const nanoseconds_t began = now;
        for (; !proof.measured(now, many) && now - began < 1000 * second; now += 10 * ms, done += rate / 100)
            if (proof.measure_due(now))
                proof.measure(now, done);
        return now - began;
    }
    /// Released, and held back again: with this P99 and rate each. Whether they stay held back.
    bool compare(nanoseconds_t p99_without, std::uint64_t rate_without, nanoseconds_t p99_held,
                 std::uint64_t rate_held) {
        paused = until_measured(rate_without);
        proof.try_again(now, done, p99_without);
        EXPECT_TRUE(proof.on_trial());
        EXPECT_LT(until_measured(rate_held), second);
        return proof.judge(now, done, p99_held);
    }

    controller_options options;
    hold_proof proof{options};
    nanoseconds_t now = 1000 * second;
    nanoseconds_t paused = 0;
    std::uint64_t done = 0;
};

TEST_F(HoldProof, DoubtsWhatHasLasted) {
    EXPECT_FALSE(proof.doubtful(now, true));
    EXPECT_FALSE(proof.doubtful(now + second, true));
    EXPECT_FALSE(proof.doubtful(now + 3 * second / 2, false)) << "it was mended";
    EXPECT_FALSE(proof.doubtful(now + 2 * second, true));
    EXPECT_TRUE(proof.doubtful(now + 4 * second, true));
}

TEST_F(HoldProof, GoesOnHoldingBackWhereLatencyFallsByAQuarter) {
    ASSERT_TRUE(doubt());
    EXPECT_TRUE(compare(10 * ms, 1000, 7 * ms, 1000));
    EXPECT_FALSE(proof.decides());
    EXPECT_FALSE(doubt()) << "it has been shown";
    now += 120 * second;
    EXPECT_TRUE(doubt()) << "and weakens with age";
}

TEST_F(HoldProof, GoesOnHoldingBackWhereTheDeviceDoesMoreInAll) {
    ASSERT_TRUE(doubt());
    EXPECT_TRUE(compare(10 * ms, 1000, 10 * ms, 2000));
}

TEST_F(HoldProof, ReleasesForLongerAndLongerWhatBringsNothing) {
    ASSERT_TRUE(doubt());
    nanoseconds_t before = 0;
    for (int i = 0; i < 12; ++i) {
        EXPECT_FALSE(compare(10 * ms, 1000, 8 * ms, 1100));
        EXPECT_TRUE(proof.released());
        EXPECT_GE(paused, before);
        EXPECT_LE(paused, hold_proof::longest_pause + second);
        before = paused;
    }
    EXPECT_GE(paused, hold_proof::longest_pause);
}

TEST_F(HoldProof, BeginsAnewWithAnotherCeiling) {
    ASSERT_TRUE(doubt());
    EXPECT_FALSE(compare(10 * ms, 1000, 10 * ms, 1000));
    EXPECT_FALSE(compare(10 * ms, 1000, 10 * ms, 1000));
    proof.forget();
    EXPECT_FALSE(proof.decides());
    ASSERT_TRUE(doubt());
    EXPECT_FALSE(compare(10 * ms, 1000, 10 * ms, 1000));
    EXPECT_LE(paused, hold_proof::first_pause + second);
}

TEST_F(HoldProof, IsContentWithFewReadsAfterASecond) {
    proof.release(now);
    proof.measure(now, 0);
    const nanoseconds_t end = now + hold_proof::first_pause;
    EXPECT_FALSE(proof.measured(end, 100));
    EXPECT_TRUE(proof.measured(end, many));
    EXPECT_TRUE(proof.measured(end + second, 100));
    EXPECT_FALSE(proof.measured(end + second, 5));
}

} // namespace

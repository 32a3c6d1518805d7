// The controller on simulated devices must keep the numbers of doc/controller.md.
#include "requirements.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace {

using namespace simulation;

std::string joined(const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines)
        all += "\n  " + line;
    return all;
}

std::string test_name(const std::string& text) {
    std::string name;
    bool upper = true;
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
            upper = true;
            continue;
        }
        name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = false;
    }
    return name;
}

// Devices on which a requirement is missed, and by how much it may be: doc/controller.md says why.
requirements allowed(const std::string& name) {
    requirements r;
    if (name.starts_with("flickering neighbour")) {
        r.throughput = 0.9;
        r.variation = 1.5;
    }
    if (name.starts_with("shared disk")) { // each step is a factor of two, and takes its time to be proven
        r.throughput = 0.9;
        r.latency = 2.5;
        r.variation = 2.5;
        r.convergence = 5;
    }
    return r;
}

class FixedDevice : public testing::TestWithParam<entry> {};

TEST_P(FixedDevice, MeetsTheRequirements) {
    const entry& e = GetParam();
    const score s = evaluate(e.run, e.what == purpose::open_gate, 1);
    const auto missed = misses(e, s, allowed(e.run.name));
    EXPECT_TRUE(missed.empty()) << e.run.name << joined(missed);
}

INSTANTIATE_TEST_SUITE_P(Simulation, FixedDevice, testing::ValuesIn(fixed_scenarios()),
                         [](const auto& tested) { return test_name(tested.param.run.name); });

// Of devices nobody chose, most have to meet everything, and all have to come near.
class RandomDevices : public testing::TestWithParam<family> {};

TEST_P(RandomDevices, MostMeetTheRequirements) {
    constexpr std::uint64_t devices = 4;
    std::uint64_t met = 0;
    std::string all;
    for (std::uint64_t seed = 101; seed < 101 + devices; ++seed) {
        const entry e = GetParam().make(seed);
        const score s = evaluate(e.run, e.what == purpose::open_gate, seed);
        const auto missed = misses(e, s);
        met += missed.empty();
        all += "\n " + e.run.name + joined(missed);
        for (const segment_score& segment : s.segments)
            EXPECT_GT(segment.throughput(), 0.8) << e.run.name;
    }
    // The flatter the curve the less an estimate of the knee is worth.
    const bool flat =
        GetParam().name == "soft" || GetParam().name == "disturbed" || GetParam().name == "wandering";
    EXPECT_GE(met, flat ? 0 : devices / 2) << all;
}

INSTANTIATE_TEST_SUITE_P(Simulation, RandomDevices, testing::ValuesIn(families()),
                         [](const auto& tested) { return test_name(tested.param.name); });

// The failure that this device is in the catalogue for: a limit found in a bad moment, and kept, at 0.6 to
// 0.8 of the rate.
TEST(SharedDisk, KeepsTheRateWhateverItsPath) {
    for (const entry& e : fixed_scenarios()) {
        if (!e.run.name.starts_with("shared disk"))
            continue;
        for (std::uint64_t seed = 2; seed <= 4; ++seed)
            EXPECT_GT(evaluate(e.run, false, seed).segments[0].throughput(), 0.9) << "seed " << seed;
    }
}

// Kept at the depth of the disk as it was, 512 reads wait for their tokens inside it: that took 6 s to be followed.
TEST(ThrottledDisk, IsFollowedWithinASecond) {
    for (const entry& e : fixed_scenarios()) {
        if (e.run.name != "recorded disk, 128 reads")
            continue;
        scenario s = e.run;
        s.load.closed_depth = 512;
        s.segments.push_back({10, s.segments[0].device});
        s.segments[1].device.token_burst = 50;
        for (const double reads_per_second : {5'000, 20'000}) {
            s.segments[1].device.tokens_per_second = reads_per_second;
            const interval seen = run_adaptive(s, {{11, 12}}, 1).intervals[0];
            EXPECT_GT(seen.rate(), 0.95 * reads_per_second);
            const double all_inside_us = 512 / reads_per_second * 1e6;
            EXPECT_LT(static_cast<double>(seen.latency.percentile(0.5)) / 1e3, 0.1 * all_inside_us);
        }
    }
}

// With four in flight it serves throttled about as many as it does without the throttle, and its speed wanders: raises
// by one do not see what has come back. Took 7.3 s.
TEST(ThrottledDisk, HasItsRateAgainThreeSecondsAfterwards) {
    for (const entry& e : fixed_scenarios()) {
        if (e.run.name != "recorded disk, 128 reads")
            continue;
        scenario s = e.run;
        s.segments.push_back({10, s.segments[0].device});
        s.segments.push_back({20, s.segments[0].device});
        s.segments[1].device.token_burst = 50;
        s.segments[1].device.tokens_per_second = 20'000;
        const auto seen = run_adaptive(s, {{5, 10}, {23, 26}}, 2).intervals;
        EXPECT_GT(seen[1].rate(), 0.9 * seen[0].rate());
    }
}

// The same world twice is the same to the last operation: a failure can be run again.
TEST(World, IsReproducible) {
    const entry e = fixed_scenarios().front();
    const outcome a = run_adaptive(e.run, {{0, 1}}, 7);
    const outcome b = run_adaptive(e.run, {{0, 1}}, 7);
    EXPECT_EQ(a.intervals[0].completed, b.intervals[0].completed);
    EXPECT_EQ(a.ticks.size(), b.ticks.size());
}

// The model against queueing theory: n exponential servers, never idle, serve n / mean.
TEST(World, ServersServeAtTheirRate) {
    scenario s;
    s.segments = {{0, device_spec{}}};
    s.load.closed_depth = 64;
    const double rate = run_static(s, 0, {{0.2, 2.2}}, 3).intervals[0].rate();
    EXPECT_NEAR(rate, 32 / 200e-6, 0.01 * 32 / 200e-6);
    EXPECT_NEAR(run_static(s, 16, {{0.2, 2.2}}, 3).intervals[0].rate(), 16 / 200e-6, 0.015 * 16 / 200e-6);
}

// Ticks are armed only while operations are under way.
TEST(World, AnIdleProcessHasNoTicks) {
    scenario s;
    s.segments = {{0, device_spec{}}};
    s.load.burst = 1;
    s.load.burst_every_ms = 500;
    const outcome run = run_adaptive(s, {{0, 5}}, 1);
    EXPECT_LT(run.ticks.size(), 40u);
}

} // namespace

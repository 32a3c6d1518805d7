// Writers that flood a simulated device beside reads with a ceiling: what reads keep, and what is left to writes.
#include "flooded_device.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace simulation;

constexpr double from_s = 2; // what it has to converge
constexpr double to_s = 22;

device_spec flash(double write_us) { // a channel for each address, and a write takes it for long
    return {.servers = 16, .hashed = true, .service_us = 100, .write_us = write_us};
}

std::vector<flood> floods() {
    return {
        {.name = "Flash", .device = flash(800), .ceiling_ms = 3, .readers = 8, .writers = 128},
        {.name = "FromAnotherRing",
         .device = flash(800),
         .ceiling_ms = 3,
         .rings = 2,
         .readers = 8,
         .writers = 128},
        {.name = "ReadsThatDoNotWait",
         .device = flash(800),
         .ceiling_ms = 3,
         .reads_per_second = 10'000,
         .writers = 128},
        {.name = "OneWriteIsTooMuch",
         .device = flash(800),
         .ceiling_ms = 1.5,
         .reads_per_second = 10'000,
         .writers = 128},
        {.name = "WritesAboveTheCeiling",
         .device = {.servers = 32, .service_us = 200, .write_us = 2000},
         .ceiling_ms = 2,
         .reads_per_second = 20'000,
         .writers = 256},
        {.name = "WritesAsReads",
         .device = {.servers = 32, .hashed = true, .service_us = 200},
         .ceiling_ms = 1.5,
         .reads_per_second = 30'000,
         .writers = 256},
        {.name = "SyncsThatWriteOut",
         .device = {.servers = 16, .hashed = true, .service_us = 100, .flush_us = 300, .flush_write_us = 10},
         .ceiling_ms = 1.2,
         .readers = 8,
         .writers = 32,
         .syncing = 32},
    };
}

flood_result without_writers(flood f) {
    f.writers = 0;
    return run_flood(f, {.adaptive = false}, 0.5, 3);
}

/// The highest rate of writes that a fixed share gives while reads keep the ceiling; 0: none does.
double best_fixed(const flood& f) {
    double best = 0;
    for (unsigned share = 1; share < f.writers; share += 1 + share / 6) {
        const flood_result r = run_flood(f, {.adaptive = false, .writes_max = share}, 0.5, 4);
        if (static_cast<double>(r.reads.percentile(0.99)) <= f.ceiling_ms * 1e6)
            best = std::max(best, r.write_rate());
        else if (best != 0)
            break;
    }
    return best;
}

class WriteFlood : public testing::TestWithParam<flood> {};

TEST_P(WriteFlood, LeavesTheCeilingToReadsAndTheRestToWrites) {
    const flood& f = GetParam();
    const flood_result seen = run_flood(f, {}, from_s, to_s);
    EXPECT_GE(seen.kept(1.1e3 * f.ceiling_ms), 0.95);
    EXPECT_GE(seen.write_rate(), 0.9 * best_fixed(f));
    if (f.reads_per_second > 0) {
        EXPECT_GT(seen.read_rate(), 0.97 * f.reads_per_second);
        EXPECT_LT(static_cast<double>(seen.reads_waited.percentile(0.99)), 1.1e6 * f.ceiling_ms)
            << "reads wait at the gate instead";
    }
}

INSTANTIATE_TEST_SUITE_P(Simulation, WriteFlood, testing::ValuesIn(floods()),
                         [](const auto& tested) { return tested.param.name; });

// Each flush takes longer than the ceiling allows: no share of the depth mends that, but fewer of them do.
TEST(FloodOfSyncs, SyncsWaitForATenthOfASecondAtMost) {
    const flood f{.name = "",
                  .device = {.servers = 16, .hashed = true, .service_us = 100, .flush_us = 2000},
                  .ceiling_ms = 1.5,
                  .readers = 8,
                  .writers = 4,
                  .syncing = 4};
    const flood_result seen = run_flood(f, {}, from_s, to_s);
    EXPECT_GT(seen.read_rate(), 0.8 * without_writers(f).read_rate());
    EXPECT_GT(seen.syncs.count(), 200u);
    EXPECT_LT(static_cast<double>(seen.syncs.percentile(0.9999)), 100e6);
}

// What the kernel writes back later, and at once, is not at the device when it is let through.
TEST(FloodOfTheCache, IsSlowedDown) {
    const flood f{.name = "",
                  .device = flash(800),
                  .ceiling_ms = 3,
                  .readers = 8,
                  .writers = 1,
                  .cached_us = 100,
                  .write_back_every_s = 1,
                  .write_back_depth = 128};
    const flood_result seen = run_flood(f, {}, from_s, to_s);
    EXPECT_GE(seen.kept(1.1e3 * f.ceiling_ms), 0.9);
    EXPECT_GT(seen.write_rate(), 500);
}

// These reads exceed the ceiling without any write: it is the limit of both that keeps it, and half of that is the
// writes', as if there were no share.
TEST(FloodBesideTooManyReads, IsNotHeldBackForNothing) {
    const flood f{.name = "",
                  .device = {.servers = 32, .hashed = true, .service_us = 200},
                  .ceiling_ms = 2,
                  .readers = 256,
                  .writers = 256};
    const flood_result seen = run_flood(f, {}, from_s, to_s);
    EXPECT_GE(seen.kept(1.1e3 * f.ceiling_ms), 0.95);
    EXPECT_GT(seen.write_rate(), 0.35 * (seen.read_rate() + seen.write_rate()));
    EXPECT_GT(seen.read_rate() + seen.write_rate(), 80'000);
}

// No limit brings a device below what it takes for one.
TEST(FloodOfASlowDevice, IsNotHeldBackForNothing) {
    const flood f{.name = "",
                  .device = {.servers = 8, .service = distribution::fixed, .service_us = 5000},
                  .ceiling_ms = 2,
                  .readers = 16,
                  .writers = 16};
    const flood_result seen = run_flood(f, {}, from_s, 62); // few reads say little, and late
    EXPECT_GT(seen.write_rate(), 0.35 * (seen.read_rate() + seen.write_rate()));
}

// Without a ceiling there is no share.
TEST(FloodWithoutACeiling, IsLeftAlone) {
    flood f = floods().front();
    f.ceiling_ms = 0;
    const flood_result seen = run_flood(f, {}, 0, 3);
    EXPECT_TRUE(std::all_of(seen.shares.begin(), seen.shares.end(),
                            [](unsigned share) { return share == aura::core::no_limit; }));
}

} // namespace

// score: the controller against the best static depth of the same device and load.
#pragma once

#include "world.hpp"

namespace simulation {

/// What a static depth gives.
struct static_point {
    unsigned depth = 0;
    double rate = 0;
    double p99_us = 0;
    double cost_us = 0;
};

/// How the best static depth is chosen: the smallest one with this share of the highest rate in the sweep;
/// with a ceiling, the one with the highest rate among those whose P99 keeps it.
inline constexpr double full_rate = 0.98;

struct sweep_result {
    static_point best;
    std::vector<static_point> points; ///< ascending depth
};

/// Sweeps static depths over the device of one segment, alone.
sweep_result sweep(const scenario& s, std::size_t segment, std::uint64_t seed);

/// One segment of a scenario, in steady state (its last half) unless said otherwise.
struct segment_score {
    static_point best;
    double rate = 0;
    double p99_us = 0;
    double limit = 0; ///< median; 0: mostly open
    double converged_s =
        0; ///< from the segment's begin until the limit first stays near that median; < 0: never
    double variation = 0;  ///< (95th - 5th percentile) / median of the limit
    double shut_share = 0; ///< of the whole segment
    double cost_us = 0;    ///< of the processor for each operation, where rings take time
    double fairness = 1;   ///< Jain's index over rings

    double throughput() const { return rate / best.rate; }
    double latency() const { return p99_us / best.p99_us; }
    double cost() const { return best.cost_us > 0 ? cost_us / best.cost_us : 1; }
};

struct score {
    std::string name;
    std::vector<segment_score> segments;
    outcome run;
};

/// Compares with the best static depth of each segment, or with an open gate.
score evaluate(const scenario& s, bool against_no_gate, std::uint64_t seed);

} // namespace simulation

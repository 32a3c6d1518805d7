// requirements: what the controller must reach, and which of it a run has missed.
#pragma once

#include "catalogue.hpp"
#include "score.hpp"

#include <string>
#include <vector>

namespace simulation {

struct requirements {
    double throughput = 0.95;
    double latency = 1.25;
    /// Where the gate stays open because no depth lowers the P99 by a quarter: the whole rate, and what a
    /// quarter more or less makes of the P99.
    double open_knee_throughput = 0.98;
    double open_knee_latency = 4.0 / 3;
    double variation = 0.25; ///< or one operation, at small depths
    double fairness = 0.9;
    double convergence = 1; ///< of convergence_max_s()
    double open_throughput = 0.99;
    double open_latency = 1.05;
    double open_shut = 0.01;
    double open_cost = 1.03;
    double ceiling_throughput = 0.90;
    double ceiling_latency = 1.10;
    double reaction_lost_s = 2;
    double reaction_regained_s = 4;
};

/// Convergence: 1 s at 50 000 operations per second, 3 s below and where the device is disturbed, 60 s at
/// 150.
double convergence_max_s(const scenario& s, std::size_t segment, double rate);

/// One line for each requirement missed; empty when all are met.
std::vector<std::string> misses(const entry& e, const score& s, const requirements& required = {});

} // namespace simulation

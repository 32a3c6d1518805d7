// world: clients, rings with their gates, and a device, run in virtual time under the controller or a static
// limit.
#pragma once

#include "device.hpp"
#include "histogram.hpp"

#include "core/control/device_controller.hpp"

#include <memory>
#include <string>
#include <vector>

namespace simulation {

/// What is asked of the device, by each of `rings` rings alike.
struct load_spec {
    unsigned rings = 1;
    /// Closed loop: so many operations over all rings, each started again when it has completed.
    unsigned closed_depth = 0;
    /// Open loop: Poisson arrivals per second, over all rings.
    double open_rate = 0;
    /// And bursts: this many operations at once, every so often.
    unsigned burst = 0;
    double burst_every_ms = 0;

    double write_share = 0;
    std::uint32_t bytes = 4096;
    double large_share = 0; ///< of operations, that are `large_bytes` long
    std::uint32_t large_bytes = 131072;

    /// A ring that takes completions as they have gathered, runs a handler for each, and submits what those have
    /// started in one system call, which costs this much; 0: all that takes no time.
    double turn_us = 0;
    double handler_us = 0;
};

/// A device that becomes another at `from_s`.
struct segment {
    double from_s = 0;
    device_spec device;
};

struct scenario {
    std::string name;
    std::vector<segment> segments; ///< the first from 0
    load_spec load;
    double duration_s = 20;
    aura::core::controller_options options;
};

/// The state at a tick.
struct tick_sample {
    double time_s = 0;
    unsigned limit = 0; ///< that is kept, also while it is compared with the open gate
    aura::core::controller_phase phase = aura::core::controller_phase::passthrough;
    std::uint64_t in_flight = 0;
    std::uint64_t waiting = 0;
    std::uint64_t completed = 0;
};

/// What happened between two times.
struct interval {
    double from_s = 0;
    double to_s = 0;
    std::uint64_t completed = 0;
    histogram latency;       ///< from admission to completion
    std::uint64_t turns = 0; ///< of rings that take time
    double shut_s = 0;       ///< time in which an operation waited at the gate
    std::vector<std::uint64_t> completed_by_ring;

    double seconds() const { return to_s - from_s; }
    /// Of the processor, for each operation.
    double cost_us(const load_spec& load) const {
        return load.handler_us + load.turn_us * static_cast<double>(turns) / static_cast<double>(completed);
    }
    double rate() const { return static_cast<double>(completed) / seconds(); }
    double p99_us() const { return static_cast<double>(latency.percentile(0.99)) / 1e3; }
    double shut_share() const { return shut_s / seconds(); }
};

struct outcome {
    std::vector<tick_sample> ticks;
    std::vector<interval> intervals; ///< as asked for
    std::vector<aura::core::controller_event> events;
    std::uint64_t most_in_flight = 0;
};

/// Times of interest, in seconds: [from, to) each, ascending, not overlapping.
using intervals_wanted = std::vector<std::pair<double, double>>;

/// Under the controller.
outcome run_adaptive(const scenario& s, const intervals_wanted& wanted, std::uint64_t seed);

/// With at most `limit` in flight; 0: no gate.
outcome run_static(const scenario& s, unsigned limit, const intervals_wanted& wanted, std::uint64_t seed);

} // namespace simulation

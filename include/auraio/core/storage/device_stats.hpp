// device_stats: a storage device at one moment, as statistics show it.
#pragma once

#include "auraio/core/control/controller_events.hpp"
#include "auraio/core/storage/block_device.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace aura::core {

/// What the rings of all contexts of the process do on one device. Counters count since the process first
/// used it, and leave out contexts whose requests are never held back.
struct device_stats {
    device_id id;
    std::string name; ///< as the kernel has it ("sda", "nvme0n1"), else "major:minor"
    unsigned rings = 0;

    controller_phase phase = controller_phase::passthrough;
    unsigned limit = no_limit; ///< so many requests may be in flight; no_limit: the gate is open

    std::uint64_t in_flight = 0;
    std::uint64_t waiting = 0; ///< held back now
    std::uint64_t submitted = 0;
    std::uint64_t completed = 0;
    std::uint64_t delayed = 0; ///< of `submitted`: those that were held back
    std::uint64_t bytes = 0;

    /// Requests per second, over the last 200 ms or more under load; 0 at rest.
    double throughput = 0;
    /// The 99th percentile of latencies sampled since the controller last asked for a fresh start, in
    /// nanoseconds, from admission to completion; and how many those are. As of the last tick.
    std::uint64_t p99_latency = 0;
    std::uint64_t latency_samples = 0;

    /// The latest changes of phase with their reasons, oldest first; times on the monotonic clock. `changes`
    /// is how many there have been.
    std::vector<controller_event> trace;
    std::uint64_t changes = 0;
};

} // namespace aura::core

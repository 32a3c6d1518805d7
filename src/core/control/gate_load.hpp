// gate_load: what has passed a device's gate, and what was sampled of its latencies.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>

namespace aura::core {

/// What has passed a device's gate, summed over the rings. Counters count from any origin and only grow.
struct gate_load {
    std::uint64_t submitted = 0; ///< let through to the device
    std::uint64_t completed = 0;
    std::uint64_t delayed = 0;   ///< of `submitted`: those that had to wait first
    std::uint64_t bytes = 0;     ///< of `completed`; 0 throughout: all operations count alike
    std::uint64_t in_flight = 0; ///< now
    std::uint64_t waiting = 0;   ///< now
};

/// The load at one moment.
struct load_reading {
    nanoseconds_t time = 0;
    gate_load load;

    /// What is at the device and what would like to be.
    double demand() const noexcept {
        return static_cast<double>(load.in_flight) + static_cast<double>(load.waiting);
    }
};

/// Latencies sampled since the controller last asked for a fresh start, from admission to completion.
struct latency_sample {
    std::uint64_t count = 0;
    nanoseconds_t p99 = 0;
};

inline constexpr double nanoseconds_per_second = 1e9;

constexpr double in_seconds(nanoseconds_t time) noexcept {
    return static_cast<double>(time) / nanoseconds_per_second;
}

} // namespace aura::core

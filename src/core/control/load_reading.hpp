// load_reading: the load of a device at one moment, and what was sampled of its latencies.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/control/gate_load.hpp"

#include <cstdint>

namespace aura::core {

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

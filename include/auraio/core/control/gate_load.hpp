// gate_load: what has passed a device's gate.
#pragma once

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
    // Of the background, for statistics; what yields to the foreground is in nothing above.
    std::uint64_t background_delayed = 0; ///< that had to wait first, for the foreground or the limit
    std::uint64_t background_waiting = 0; ///< now, for either
};

} // namespace aura::core

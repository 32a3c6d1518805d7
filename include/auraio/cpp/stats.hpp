// stats: what an engine of the C++ layer has counted.
#pragma once

#include "auraio/cpp/error.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace aura {

/// What happened since the engine was made, and what is pending: aura_stats_t, whose members say what they are.
struct Stats : aura_stats_t {
    Stats() noexcept
        : aura_stats_t{} {
        struct_size = sizeof(aura_stats_t);
    }
};

/// What the buffers of an engine take, in bytes, and counts.
struct BufferStats : aura_buffer_stats_t {
    BufferStats() noexcept
        : aura_buffer_stats_t{} {
        struct_size = sizeof(aura_buffer_stats_t);
    }
};

/// A storage device, and what its controller is doing.
struct DeviceStats : aura_device_stats_t {
    DeviceStats() noexcept
        : aura_device_stats_t{} {
        struct_size = sizeof(aura_device_stats_t);
    }
};

/// How long reads or writes took; about one in 64 is measured.
struct Histogram : aura_histogram_t {
    Histogram() noexcept
        : aura_histogram_t{} {
        struct_size = sizeof(aura_histogram_t);
    }
    /// The smallest latency such that at least `fraction` (0 to 1) of all are no longer, at most 3.1 % too long.
    std::chrono::nanoseconds percentile(double fraction) const noexcept {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(aura_histogram_percentile(this, fraction)));
    }
};

namespace cpp_detail {

inline std::vector<DeviceStats> all_device_stats(const aura_engine_t* engine) {
    std::vector<DeviceStats> devices;
    for (int i = 0;; ++i) {
        DeviceStats device;
        const int result = aura_get_device_stats(engine, i, &device);
        if (result == -ENOENT)
            return devices;
        checked(result, "device_stats");
        devices.push_back(device);
    }
}

} // namespace cpp_detail
} // namespace aura

// device_stats: a storage device at one moment, as statistics show it.
#pragma once

#include "auraio/core/control/controller_events.hpp"
#include "auraio/core/control/gate_load.hpp"
#include "auraio/core/storage/block_device.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace aura::core {

/// What the rings of all contexts of the process do on one device. Counters count since the process first
/// used it, and leave out contexts whose requests are never held back.
struct device_stats {
    device_id id;       ///< its numbers
    std::string name;   ///< as the kernel has it ("sda", "nvme0n1"), else "major:minor"
    unsigned rings = 0; ///< that use it

    controller_phase phase = controller_phase::passthrough; ///< what its controller is doing
    unsigned limit = no_limit; ///< so many requests may be in flight; no_limit: the gate is open

    std::uint64_t in_flight = 0; ///< at the device now
    std::uint64_t waiting = 0;   ///< held back now
    std::uint64_t submitted = 0; ///< let through or held back
    std::uint64_t completed = 0; ///< of `submitted`
    std::uint64_t delayed = 0;   ///< of `submitted`: those that were held back
    std::uint64_t bytes = 0;     ///< moved
    /// Of the background (io_class), for the foreground or the limit: held back now, and so far.
    std::uint64_t background_waiting = 0;
    std::uint64_t background_delayed = 0; ///< see background_waiting

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

/// A figure of a device, wherever it goes: a new one is a member of device_stats and a row here. What reads
/// and prints them goes through the rows; the C library's struct is held to them where it is filled.
struct device_statistic {
    using figure =
        std::variant<std::uint64_t device_stats::*, double device_stats::*, unsigned device_stats::*>;

    figure member;
    std::uint64_t gate_load::* counter; ///< null: it comes from elsewhere
    const char* name;                   ///< of the metric for Prometheus
    const char* type;
    const char* help;
    double unit; ///< how many make one of what the metric is in
};

// clang-format off
inline constexpr std::array device_statistics{
    device_statistic{&device_stats::submitted, &gate_load::submitted,
        "auraio_device_requests_submitted_total", "counter", "Reads and writes let through to the device.", 1},
    device_statistic{&device_stats::completed, &gate_load::completed,
        "auraio_device_requests_completed_total", "counter", "Of those, the completed ones.", 1},
    device_statistic{&device_stats::delayed, &gate_load::delayed,
        "auraio_device_requests_delayed_total", "counter", "Of those let through, the ones held back before.", 1},
    device_statistic{&device_stats::bytes, &gate_load::bytes,
        "auraio_device_transferred_bytes_total", "counter", "Bytes read and written.", 1},
    device_statistic{&device_stats::in_flight, &gate_load::in_flight,
        "auraio_device_requests_in_flight", "gauge", "Reads and writes in flight on the device.", 1},
    device_statistic{&device_stats::waiting, &gate_load::waiting,
        "auraio_device_requests_waiting", "gauge", "Reads and writes that are held back.", 1},
    device_statistic{&device_stats::background_delayed, &gate_load::background_delayed,
        "auraio_device_background_delayed_total", "counter", "Reads and writes of the background held back.", 1},
    device_statistic{&device_stats::background_waiting, &gate_load::background_waiting,
        "auraio_device_background_waiting", "gauge", "Reads and writes of the background that are held back.", 1},
    device_statistic{&device_stats::limit, nullptr,
        "auraio_device_limit", "gauge", "How many may be in flight; +Inf: the gate is open.", 1},
    device_statistic{&device_stats::rings, nullptr,
        "auraio_device_rings", "gauge", "Rings that use the device.", 1},
    device_statistic{&device_stats::throughput, nullptr,
        "auraio_device_throughput", "gauge", "Requests per second, lately.", 1},
    device_statistic{&device_stats::p99_latency, nullptr,
        "auraio_device_p99_latency_seconds", "gauge", "99th percentile of latencies sampled lately.", 1e9},
    device_statistic{&device_stats::latency_samples, nullptr,
        "auraio_device_latency_samples", "gauge", "How many latencies that is of.", 1},
    device_statistic{&device_stats::changes, nullptr,
        "auraio_device_phase_changes_total", "counter", "Changes of the controller's phase.", 1},
};
// clang-format on

} // namespace aura::core

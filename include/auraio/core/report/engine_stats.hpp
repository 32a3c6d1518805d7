// engine_stats: a context's rings and storage devices at one moment.
#pragma once

#include "auraio/core/stats/ring_stats.hpp"
#include "auraio/core/storage/device_stats.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace aura::core {

/// A context at one moment.
struct engine_stats {
    /// Those that have been used, in the order of their first use.
    std::vector<ring_stats> rings;
    /// The storage devices that files of the context lie on, as all contexts of the process use them.
    std::vector<device_stats> devices;
    /// How often no ring could be made for want of descriptors or memory: while that lasts, threads in run()
    /// share those there are.
    std::uint64_t ring_shortages = 0;
    /// Threads in run() that have no ring for that reason.
    unsigned spare_threads = 0;
    /// Threads in run() that drive nothing because processors are short: see engine_options::pack_rings.
    unsigned reserve_threads = 0;
    /// What carries out I/O, and why: see io_context::backend(), backend_reason().
    std::string backend;
    std::string backend_reason;
    /// All rings together.
    ring_stats total() const noexcept;
};

} // namespace aura::core

// engine_stats: a context's rings and storage devices at one moment.
#pragma once

#include "auraio/core/stats/ring_stats.hpp"
#include "auraio/core/storage/device_stats.hpp"

#include <vector>

namespace aura::core {

/// A context at one moment.
struct engine_stats {
    std::vector<ring_stats> rings;
    /// The storage devices that files of the context lie on, as all contexts of the process use them.
    std::vector<device_stats> devices;
    /// All rings together.
    ring_stats total() const noexcept;
};

} // namespace aura::core

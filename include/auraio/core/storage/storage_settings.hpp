// storage_settings: what a context asks of the gate before its storage devices.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <optional>

namespace aura::core {

/// What the owner of rings (a context) asks of a device. What is unset stays as it is.
struct storage_settings {
    std::optional<bool> adaptive = {};                 ///< false: its requests are never held back
    std::optional<nanoseconds_t> max_p99_latency = {}; ///< 0: no ceiling
    std::optional<unsigned> min_in_flight = {};        ///< the controller never goes below
    std::optional<unsigned> max_in_flight = {};        ///< 0: no bound

    /// Takes over what `change` sets.
    void merge(const storage_settings& change) noexcept;
};

} // namespace aura::core

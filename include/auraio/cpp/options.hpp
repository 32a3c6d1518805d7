// options: how an engine of the C++ layer is made.
#pragma once

#include <auraio/aura.h>

#include <cstdint>

namespace aura {

/**
 * How an engine is made: `aura::Engine engine({.ring_count = 2});`. 0 in a field means its default, which
 * the environment may have changed (AURAIO_SQ_ENTRIES and its like); aura_options_t has ranges and defaults.
 */
struct Options {
    /// At most so many rings, 1 to 512. Default: the processors that this process may use.
    int ring_count = 0;
    /// Submission queue entries of each ring. More operations than this may be pending.
    int queue_depth = 0;
    /// Completion queue entries of each ring.
    int completion_depth = 0;
    /// How operations are spread over the rings.
    aura_ring_select_t ring_select = AURA_SELECT_ADAPTIVE;
    /// io_uring, epoll, or the best that the machine allows.
    aura_backend_t backend = AURA_BACKEND_AUTO;
    /// Latency that 99 of 100 reads and writes of files shall stay below, in milliseconds. Default: no bound.
    double max_p99_latency_ms = 0;
    /// Microseconds in one callback after which its ring is given to another thread, if one has nothing to do; -1:
    /// never.
    int takeover_after = 0;

    /// The same for C.
    aura_options_t c_options() const noexcept {
        aura_options_t options;
        aura_options_init(&options);
        options.ring_count = ring_count;
        options.queue_depth = queue_depth;
        options.completion_depth = completion_depth;
        options.ring_select = ring_select;
        options.backend = backend;
        options.max_p99_latency_ms = max_p99_latency_ms;
        options.takeover_after = takeover_after;
        return options;
    }
};

/**
 * What an engine asks of the gate of a storage device: see aura_storage_t. -1 in a field: it stays as it is.
 */
struct StorageSettings {
    std::int64_t max_p99_latency_ns = -1; ///< nanoseconds; 0: no ceiling
    int min_in_flight = -1;               ///< the controller never goes below
    int max_in_flight = -1;               ///< 0: no bound
    int adaptive = -1;                    ///< 0: requests of this engine are never held back; 1: they may be

    /// The same for C.
    aura_storage_t c_storage() const noexcept {
        aura_storage_t storage;
        aura_storage_init(&storage);
        storage.max_p99_latency_ns = max_p99_latency_ns;
        storage.min_in_flight = min_in_flight;
        storage.max_in_flight = max_in_flight;
        storage.adaptive = adaptive;
        return storage;
    }
};

} // namespace aura

// controller_events: the phases of the adaptive controller, and what it notes when it changes them.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>
#include <limits>

namespace aura::core {

/// The limit of a gate that is open.
inline constexpr unsigned no_limit = std::numeric_limits<unsigned>::max();

/// What the controller is doing. doc/controller.md draws the transitions.
enum class controller_phase : std::uint8_t {
    passthrough, ///< the gate is open; watching whether a queue builds up in the device
    baseline,    ///< the gate is open; measuring the rate with everything in flight
    probing,     ///< searching for the smallest depth that keeps the best rate
    steady,      ///< at the knee; trying a little more and a little less now and then
    backoff,     ///< latency has left its guard: the limit was cut
    settling,    ///< waiting for what was started under the former limit
    converged,   ///< steady, without a change of the limit for a while
};

/// Why a phase was entered.
enum class controller_reason : std::uint8_t {
    queue_in_device,     ///< passthrough -> baseline: depth and latency say that operations queue
    baseline_known,      ///< baseline -> probing
    knee_found,          ///< probing -> settling
    no_knee_below_load,  ///< probing -> settling: every lower depth loses throughput; the gate is not needed
    settled,             ///< settling -> steady
    unchanged,           ///< steady -> converged
    limit_raised,        ///< converged -> steady: more depth gained throughput
    limit_cut,           ///< converged -> steady: less depth lost none
    rate_fell,           ///< -> probing: the device or the workload has changed
    rate_rose,           ///< -> probing: the same
    gains_in_a_row,      ///< -> probing: upwards
    cuts_in_a_row,       ///< -> probing: downwards
    latency_above_guard, ///< -> backoff
    backed_off,          ///< backoff -> settling
    search_again,        ///< settling -> probing, after a backoff
    ceiling_exceeded,    ///< -> settling: P99 above max_p99
    ceiling_changed,     ///< -> probing: the setter was called while the ceiling was what limited
    gate_not_binding,    ///< -> passthrough: nothing waits and less than the limit is in flight
    switched_off,        ///< -> passthrough: set_enabled(false)
    abandoned,           ///< -> passthrough: no ring that looks after the device is left
};

/// In words, as statistics and the Prometheus text have them.
const char* name(controller_phase phase) noexcept;
const char* name(controller_reason reason) noexcept;

/// One phase change.
struct controller_event {
    nanoseconds_t time = 0;                                         ///< when, on the monotonic clock
    controller_phase from = controller_phase::passthrough;          ///< the phase that ended
    controller_phase to = controller_phase::passthrough;            ///< the one that began
    controller_reason reason = controller_reason::gate_not_binding; ///< what the controller saw
    unsigned limit = 0; ///< after the change; no_limit when the gate is open
};

} // namespace aura::core

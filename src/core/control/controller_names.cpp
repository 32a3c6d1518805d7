// The names of the controller's phases and reasons, as statistics and logs print them.
#include "auraio/core/control/controller_events.hpp"

namespace aura::core {

const char* name(controller_phase phase) noexcept {
    switch (phase) {
    case controller_phase::passthrough:
        return "passthrough";
    case controller_phase::baseline:
        return "baseline";
    case controller_phase::probing:
        return "probing";
    case controller_phase::steady:
        return "steady";
    case controller_phase::backoff:
        return "backoff";
    case controller_phase::settling:
        return "settling";
    case controller_phase::converged:
        return "converged";
    }
    return "?";
}

const char* name(controller_reason reason) noexcept {
    switch (reason) {
    case controller_reason::queue_in_device:
        return "queue in device";
    case controller_reason::baseline_known:
        return "baseline known";
    case controller_reason::knee_found:
        return "knee found";
    case controller_reason::no_knee_below_load:
        return "no knee below load";
    case controller_reason::settled:
        return "settled";
    case controller_reason::unchanged:
        return "unchanged";
    case controller_reason::limit_raised:
        return "limit raised";
    case controller_reason::limit_cut:
        return "limit cut";
    case controller_reason::rate_fell:
        return "rate fell";
    case controller_reason::rate_rose:
        return "rate rose";
    case controller_reason::gains_in_a_row:
        return "gains in a row";
    case controller_reason::cuts_in_a_row:
        return "cuts in a row";
    case controller_reason::latency_above_guard:
        return "latency above guard";
    case controller_reason::backed_off:
        return "backed off";
    case controller_reason::search_again:
        return "search again";
    case controller_reason::ceiling_exceeded:
        return "ceiling exceeded";
    case controller_reason::ceiling_changed:
        return "ceiling changed";
    case controller_reason::gate_not_binding:
        return "gate not binding";
    case controller_reason::switched_off:
        return "switched off";
    case controller_reason::abandoned:
        return "abandoned";
    }
    return "?";
}

} // namespace aura::core

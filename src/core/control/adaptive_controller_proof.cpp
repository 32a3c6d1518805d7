// adaptive_controller: whether the gate brings anything, asked before it is kept shut and now and then while it is.
#include "core/control/adaptive_controller.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr nanoseconds_t overdue_after = 2'000'000'000; // a device that is never calm has to prove it too
constexpr double step_calm = 1.25;
constexpr double step_wandering = 1.5;
constexpr unsigned deep_enough = 32;
} // namespace

// What thirty-two times the depth does not bring, more of it does not either; and each operation that is started
// meanwhile waits for as long as there are more of them.
unsigned adaptive_controller::proof_depth(unsigned limit) const noexcept {
    return std::max(limit, std::min(open_depth_, deep_enough * limit));
}

proof_sample adaptive_controller::sample_of(const rate_meter::reading& seen,
                                            const latency_sample& latency) const noexcept {
    return {seen.rate, meter_.latency(), seen.length, latency, seen.completions};
}

bool adaptive_controller::start_due_proof(const rate_meter::reading& seen,
                                          const latency_sample& latency) noexcept {
    if (!proof_wanted() || !proof_.due(now_.time) ||
        (!regime_.calm() && !proof_.due(now_.time - overdue_after)))
        return false;
    if (proof_.too_close(limit_, open_depth_)) {
        gate_useless();
        return true;
    }
    proof_.set_patient(regime_.restless() && !regime_.wanders());
    proof_.renew(now_.time, limit_, proof_depth(limit_), sample_of(seen, latency));
    set_limit(proof_.depth());
    return true;
}

// In Probing: before the limit is kept at all.
void adaptive_controller::prove(unsigned limit) noexcept {
    if (proof_.too_close(limit, open_depth_)) {
        gate_useless();
        return;
    }
    proof_.set_patient(regime_.restless() && !regime_.wanders());
    proof_.begin(now_.time, limit, proof_depth(limit));
    set_limit(proof_.depth());
}

void adaptive_controller::proof_sub_window(const rate_meter::reading& seen,
                                           const latency_sample& latency) noexcept {
    switch (proof_.add(now_.time, sample_of(seen, latency))) {
    case gate_proof::verdict::undecided:
        set_limit(proof_.depth());
        break;
    case gate_proof::verdict::holds:
        proof_holds();
        break;
    case gate_proof::verdict::too_low:
        limit_too_low();
        break;
    case gate_proof::verdict::useless:
        gate_useless();
    }
}

void adaptive_controller::proof_holds() noexcept {
    set_limit(proof_.shut());
    restart_latency_ = true;
    if (phase_ == controller_phase::probing)
        settle(controller_reason::knee_found);
    else
        regime_.drop_block();
}

// More depth may keep the rate and still be worth it.
void adaptive_controller::limit_too_low() noexcept {
    const double step = regime_.wanders() || proof_.disturbed() ? step_wandering : step_calm;
    const double highest = std::floor(options_.proof_latency * open_depth_);
    // For servers in parallel the knee is where the line through the origin meets the open gate's rate.
    const double factor = std::max(step, 1 / std::max(proof_.share_of_rate(), 0.01));
    double next = std::max(proof_.shut() + 1.0, std::round(factor * proof_.shut()));
    if (proof_.shut() < highest)
        next = std::min(next, highest);
    if (at_knee()) {
        regime_.drop_reference();
        limit_changed_in_steady(controller_reason::limit_raised);
    }
    prove(static_cast<unsigned>(next));
}

// Opens, and leaves this load alone for a while.
void adaptive_controller::gate_useless() noexcept {
    trials_.stop();
    load_.set_wandering(regime_.wanders() || proof_.disturbed());
    proof_.forget();
    load_.set_needless(true);
    load_.note_needless_at_rate(open_depth_, std::max(meter_.rate(), 1.0));
    set_limit(1.25 * open_depth_ + 1);
    settle(controller_reason::no_knee_below_load);
}

} // namespace aura::core

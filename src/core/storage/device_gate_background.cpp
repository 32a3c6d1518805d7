// device_gate: operations of the background, which yield to others.
#include "auraio/core/loop/engine.hpp"
#include "core/base/probe.hpp"
#include "core/storage/device_gate.hpp"

#include <algorithm>
#include <optional>

namespace aura::core {

bool gated_file::admits_background(io_operation& op) {
    if (!gate_ && !join())
        return true;
    op.enter_line(*this);
    if (gate_->admit_background(op))
        return true;
    gate_->hold_background(*this, op);
    return false;
}

bool device_gate::admit_background(io_operation& op) {
    if (!ticking_)
        begin_ticking();
    // Nobody overtakes what waits already.
    if (turn_[static_cast<std::size_t>(gate_lane::background)] || !background_may_go(monotonic_now()))
        return false;
    op.set_at_gate(io_operation::gate_place::inside);
    start_background(op);
    return true;
}

void device_gate::hold_background(gated_file& file, io_operation& op) {
    op.set_at_gate(io_operation::gate_place::waiting);
    AURAIO_PROBE4(gate__wait, &op, device_.id().major, device_.id().minor, home_.index());
    const bool first = ring_.background_held() == 0;
    ring_.hold_background();
    gated_file::line& l = file.of(gate_lane::background);
    if (l.length++ == 0) {
        l.first = &op;
        link(file, gate_lane::background);
    }
    if (first)
        share_.note_turn(monotonic_now());
    // As in hold(): the limit has no share for this ring yet.
    if (first && ring_.limit() == 0 && ring_.in_flight() == 0 && ring_.waiting() != 0) {
        device_.reshare();
        drain();
        if (op.at_gate() != io_operation::gate_place::waiting)
            return;
    }
    ring_.count_background_delay();
    ring_counters::bump(home_.counters().gate_waits);
}

/// One that waited was cancelled.
void device_gate::forget_background() noexcept {
    ring_.let_background_go();
    ring_.set_background_waiting(std::min(ring_.waiting(gate_lane::background), ring_.background_held()));
}

/// Whether one more may go; it is then counted as in flight.
bool device_gate::background_may_go(nanoseconds_t now) {
    if (share_.look_due(now)) {
        if (const auto activity = device_.look_at_foreground(now))
            share_.look(now, *activity);
        else
            share_.look_failed(now);
    }
    const std::uint64_t allowed =
        share_.allowed(now, ring_.foreground_submitted(), ring_.foreground_waiting());
    const std::uint64_t in_flight = ring_.in_flight(gate_lane::background);
    if (in_flight >= allowed) {
        ring_.set_background_waiting(0); // the controller is not to make room for it
        if (may_give_back_ && allowed == 0) [[unlikely]]
            give_share_back();
        return false;
    }
    if (!ring_.try_admit_background()) {
        // One at least: that which asks may be on its way into its line.
        const std::uint64_t waiting = std::max<std::uint64_t>(ring_.background_held(), 1);
        ring_.set_background_waiting(std::min(waiting, allowed - in_flight));
        return false;
    }
    share_.note_turn(now);
    may_give_back_ = ring_.limit() != ring_gate::unlimited;
    return true;
}

/// The one that went whoever waits is over. Where the limit is less than the rings, the foreground of another one
/// may have no share because of it, and would stand still until the next tick. Once for each that went.
void device_gate::give_share_back() noexcept {
    if (ring_.in_flight() != 0 || ring_.waiting() != 0)
        return;
    const unsigned limit = ring_.limit();
    if (limit == 0 || limit == ring_gate::unlimited || device_.give_back(*this))
        may_give_back_ = false;
}

/// Its latency counts while there is no foreground, whose latencies are what the controller looks after.
void device_gate::start_background(io_operation& op) noexcept {
    if (!share_.yields() && ring_.sampled(gate_lane::background))
        begin_sample(op);
    if (op.gate_clock() == 0)
        op.set_gate_clock(unmeasured);
}

void device_gate::complete_marked(io_operation& op) noexcept {
    ring_.complete(lane_of(op), bytes_of(op));
    if (op.gate_clock() == unmeasured)
        op.set_gate_clock(0);
    else
        end_sample(op);
}

void device_gate::drain_background(nanoseconds_t now) {
    constexpr auto background = gate_lane::background;
    while (turn_[static_cast<std::size_t>(background)]) {
        if (drop_disturbed(background))
            continue;
        if (!background_may_go(now))
            return;
        ring_.let_background_go();
        release_one(background);
    }
}

} // namespace aura::core

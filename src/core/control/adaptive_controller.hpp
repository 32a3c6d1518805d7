// adaptive_controller: how many operations a storage device should have in flight, found from its rate.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/control/controller_events.hpp"
#include "core/control/controller_options.hpp"
#include "core/control/gate_proof.hpp"
#include "core/control/knee_search.hpp"
#include "core/control/knee_trials.hpp"
#include "core/control/latency_ceiling.hpp"
#include "core/control/latency_guard.hpp"
#include "core/control/limit_change.hpp"
#include "core/control/load_reading.hpp"
#include "core/control/load_watch.hpp"
#include "core/control/phase_trace.hpp"
#include "core/control/rate_meter.hpp"
#include "core/control/regime_watch.hpp"

#include <cstddef>
#include <cstdint>

namespace aura::core {

/// Finds and keeps the knee of a device: the depth at which its throughput is full and beyond which only
/// latency grows. The knee is searched for by throughput against depth; latency is a guard and, where the
/// user sets max_p99, a ceiling.
///
/// Each part judges one thing (load_watch whether the gate is needed, rate_meter the rate, knee_search and
/// knee_trials the depth, gate_proof whether that is worth a gate, regime_watch whether the device has changed,
/// latency_guard and latency_ceiling the P99); the controller asks the parts that its phase calls for, and
/// changes phase and limit.
///
/// Pure: no clock, no thread, no system call; time, load and latencies are arguments. Not thread-safe:
/// whoever ticks holds the device's lock (device_controller says how rings and ticks meet).
///
/// Submissions and completions are not reported one by one but as counters that grow, gathered on the tick:
/// that is what keeps the operation's path free of shared cache lines.
class adaptive_controller {
public:
    static constexpr unsigned unlimited = no_limit;
    static constexpr std::size_t trace_capacity = phase_trace::capacity;

    explicit adaptive_controller(const controller_options& options = {}) noexcept;
    adaptive_controller(const adaptive_controller&) = delete; // the parts refer to options_

    /// Looks at the load, and may change limit(). `now` never goes back. Returns when to tick next: `never`
    /// while there is nothing to watch, until the next operation is submitted.
    nanoseconds_t tick(nanoseconds_t now, const gate_load& load, const latency_sample& latency) noexcept;

    /// There is nobody any more who would tick: opens the gate, and forgets what was being measured.
    void rest() noexcept;

    /// How many operations may be in flight on the device; `unlimited` when the gate is open.
    unsigned limit() const noexcept { return limit_; }
    /// The limit that is kept, also while it is compared with the open gate.
    unsigned kept_limit() const noexcept { return proof_.active() ? proof_.shut() : limit_; }
    controller_phase phase() const noexcept { return phase_; }

    /// True once after latencies sampled so far have become meaningless: the caller clears its histogram.
    bool take_latency_restart() noexcept {
        const bool restart = restart_latency_;
        restart_latency_ = false;
        return restart;
    }

    /// One in 2^n latencies is to be sampled: n is 6 with the gate open, 3 engaged, and 0 on a device so slow
    /// that two readings of the clock cost nothing.
    unsigned sample_shift() const noexcept { return sample_shift_; }

    // ---- setters, effective at the next tick ----

    void set_enabled(bool enabled) noexcept { options_.enabled = enabled; }
    /// 0: no ceiling.
    void set_max_p99(nanoseconds_t max_p99) noexcept {
        ceiling_.change(max_p99);
        options_.max_p99 = max_p99;
    }
    void set_min_in_flight(unsigned count) noexcept { options_.min_in_flight = count != 0 ? count : 1; }
    const controller_options& options() const noexcept { return options_; }

    // ---- for statistics ----

    /// Phase changes so far.
    std::uint64_t event_count() const noexcept { return trace_.count(); }
    /// The i-th phase change, counted from 0; the last `trace_capacity` are kept.
    const controller_event& event(std::uint64_t i) const noexcept { return trace_[i]; }
    /// Rate at the present limit, operations per second; 0 when unknown.
    double rate() const noexcept { return meter_.rate(); }

private:
    bool at_knee() const noexcept {
        return phase_ == controller_phase::steady || phase_ == controller_phase::converged;
    }

    // What tick() asks, in order. True: it has changed the phase, or nothing more is to be asked.
    void watch_load() noexcept;
    bool watch_demand() noexcept;
    bool watch_ceiling(const latency_sample& latency) noexcept;
    bool watch_guard(const latency_sample& latency) noexcept;
    bool watch_change() noexcept;
    void watch_sub_window(const latency_sample& latency) noexcept;

    // What a finished sub-window means, by phase.
    void baseline_sub_window(double rate) noexcept;
    void probing_sub_window(double rate, bool full) noexcept;
    void steady_sub_window(const rate_meter::reading& seen, const latency_sample& latency) noexcept;
    void trial_sub_window(double rate, bool saturated) noexcept;
    void block_complete(const rate_window& block) noexcept;
    bool watch_far_off(const rate_meter::reading& seen) noexcept;

    void engage(double depth) noexcept;
    void open_gate(controller_reason reason) noexcept;
    void exceed_ceiling(double depth, double share) noexcept;
    void explore(const rate_window& rates, bool upwards_first, controller_reason reason,
                 double first = 0.5) noexcept;
    void follow(knee_search::step step) noexcept;
    void finish_search() noexcept;
    void settle(controller_reason reason) noexcept;
    void become_steady() noexcept;
    void start_due_trial() noexcept;
    void end_trial(depth_trial::verdict verdict) noexcept;

    // Whether the gate brings anything (adaptive_controller_proof.cpp).
    bool proof_wanted() const noexcept {
        return options_.max_p99 == 0 && open_depth_ != 0 && meter_.rate() >= slow_trials;
    }
    unsigned proof_depth(unsigned limit) const noexcept;
    bool start_due_proof(const rate_meter::reading& seen, const latency_sample& latency) noexcept;
    void prove(unsigned limit) noexcept;
    void proof_sub_window(const rate_meter::reading& seen, const latency_sample& latency) noexcept;
    void proof_holds() noexcept;
    void limit_too_low() noexcept;
    void gate_useless() noexcept;
    proof_sample sample_of(const rate_meter::reading& seen, const latency_sample& latency) const noexcept;
    void limit_changed_in_steady(controller_reason reason) noexcept;
    double excess_scatter(const rate_window& rates) const noexcept;

    void enter(controller_phase phase, controller_reason reason) noexcept;
    void set_limit(double limit) noexcept;

    controller_options options_;
    controller_phase phase_ = controller_phase::passthrough;
    nanoseconds_t changed_ = 0; // the phase
    unsigned limit_ = unlimited;
    unsigned sample_shift_ = 6;
    bool restart_latency_ = false;
    bool started_ = false;
    phase_trace trace_;

    load_reading now_;
    load_reading last_;
    rate_meter meter_;
    load_watch load_;
    limit_change change_;

    rate_window baseline_; // sub-windows of that phase
    knee_search search_;
    unsigned unusable_ = 0;              // sub-windows of a search in which the load did not reach the depth
    unsigned last_knee_ = 0;             // when the gate opened
    unsigned open_depth_ = 0;            // of the load when the gate was shut
    bool search_after_settling_ = false; // the rate after a cut is not known yet
    bool search_from_next_block_ = false;

    knee_trials trials_;
    gate_proof proof_;
    regime_watch regime_;
    latency_guard guard_;
    latency_ceiling ceiling_;
};

} // namespace aura::core

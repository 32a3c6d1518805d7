// adaptive_controller: how many operations a storage device should have in flight, found from its rate.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/control/controller_events.hpp"
#include "core/control/controller_options.hpp"
#include "core/control/depth_trial.hpp"
#include "core/control/knee_search.hpp"
#include "core/control/rate_window.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace aura::core {

/// What has passed a device's gate, summed over the rings. Counters count from any origin and only grow.
struct gate_load {
    std::uint64_t submitted = 0; ///< let through to the device
    std::uint64_t completed = 0;
    std::uint64_t delayed = 0;   ///< of `submitted`: those that had to wait first
    std::uint64_t bytes = 0;     ///< of `completed`; 0 throughout: all operations count alike
    std::uint64_t in_flight = 0; ///< now
    std::uint64_t waiting = 0;   ///< now
};

/// Latencies sampled since the controller last asked for a fresh start, from admission to completion.
struct latency_sample {
    std::uint64_t count = 0;
    nanoseconds_t p99 = 0;
};

/// Finds and keeps the knee of a device: the depth at which its throughput is full and beyond which only
/// latency grows. The knee is searched for by throughput against depth; latency is a guard and, where the
/// user sets max_p99, a ceiling.
///
/// Pure: no clock, no thread, no system call; time, load and latencies are arguments. Not thread-safe:
/// whoever ticks holds the device's lock (device_controller says how rings and ticks meet).
///
/// Submissions and completions are not reported one by one but as counters that grow, gathered on the tick:
/// that is what keeps the operation's path free of shared cache lines.
class adaptive_controller {
public:
    static constexpr unsigned unlimited = no_limit;
    static constexpr std::size_t trace_capacity = 32;

    explicit adaptive_controller(const controller_options& options = {}) noexcept;
    adaptive_controller(const adaptive_controller&) = delete; // search_ refers to options_

    /// Looks at the load, and may change limit(). `now` never goes back. Returns when to tick next: `never`
    /// while there is nothing to watch, until the next operation is submitted.
    nanoseconds_t tick(nanoseconds_t now, const gate_load& load, const latency_sample& latency) noexcept;

    /// There is nobody any more who would tick: opens the gate, and forgets what was being measured.
    void rest() noexcept;

    /// How many operations may be in flight on the device; `unlimited` when the gate is open.
    unsigned limit() const noexcept { return limit_; }
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
    void set_max_p99(nanoseconds_t max_p99) noexcept;
    void set_min_in_flight(unsigned count) noexcept { options_.min_in_flight = count != 0 ? count : 1; }
    const controller_options& options() const noexcept { return options_; }

    // ---- for statistics ----

    /// Phase changes so far.
    std::uint64_t event_count() const noexcept { return event_count_; }
    /// The i-th phase change, counted from 0; the last `trace_capacity` are kept.
    const controller_event& event(std::uint64_t i) const noexcept { return trace_[i % trace_capacity]; }
    /// Rate at the present limit, operations per second; 0 when unknown.
    double rate() const noexcept { return rate_; }

private:
    struct counters {
        nanoseconds_t time = 0;
        gate_load load;
    };

    struct schedule {
        nanoseconds_t due = 0;
        nanoseconds_t gap = 0;
    };

    // The engaged side of tick(), in order.
    void watch_load() noexcept;
    bool watch_demand() noexcept;
    bool watch_ceiling(const latency_sample& latency) noexcept;
    bool watch_guard(const latency_sample& latency) noexcept;
    bool skipping() noexcept;
    void watch_sub_window() noexcept;

    // What a finished sub-window means, by phase.
    void baseline_sub_window(double rate) noexcept;
    void probing_sub_window(double rate, bool full) noexcept;
    void steady_sub_window(double rate, bool saturated) noexcept;
    void trial_sub_window(double rate, bool saturated) noexcept;

    void engage(double depth) noexcept;
    void open_gate(controller_reason reason) noexcept;
    void explore(const rate_window& rates, bool upwards_first, controller_reason reason) noexcept;
    void follow(knee_search::step step) noexcept;
    void finish_search() noexcept;
    void settle(controller_reason reason) noexcept;
    void become_steady() noexcept;
    void limit_changed_in_steady(controller_reason reason) noexcept;
    void end_trial(depth_trial::verdict verdict) noexcept;
    void postpone(schedule& trials, nanoseconds_t spent, double share) noexcept;
    void restart_schedules() noexcept;
    bool coarse(double step) const noexcept;
    void maybe_start_trial() noexcept;
    bool start_raise() noexcept;
    bool start_cut() noexcept;
    double trial_step(double largest) const noexcept;
    void begin_trial(depth_trial& trial) noexcept;
    void stop_trial() noexcept;
    void watch_regime(double rate) noexcept;
    void learn_patience() noexcept;
    void watch_wandering(const rate_window& rates) noexcept;
    bool start_paired(depth_trial& trial, double depth, double threshold) noexcept;

    void enter(controller_phase phase, controller_reason reason) noexcept;
    void set_limit(double limit) noexcept;
    void start_sub_window() noexcept;
    nanoseconds_t shortest_sub_window() const noexcept;
    double excess_scatter(const rate_window& rates) const noexcept;
    double raise_share(double factor) const noexcept;
    double work_since(const counters& start) const noexcept;
    double latency_now() const noexcept;
    double demand() const noexcept {
        return static_cast<double>(now_.load.in_flight) + static_cast<double>(now_.load.waiting);
    }
    bool nearly_known_load(double depth, double latency) const noexcept;

    controller_options options_;
    controller_phase phase_ = controller_phase::passthrough;
    bool restart_latency_ = false;
    bool started_ = false;
    unsigned limit_ = unlimited;
    unsigned sample_shift_ = 6;
    double rate_ = 0;
    double depth_ = 0;          // mean depth of the last sub-window
    double bytes_per_op_ = 0;   // of the regime: what makes large and small operations comparable
    nanoseconds_t changed_ = 0; // the phase

    counters now_;
    counters last_;
    counters window_; // start of the sub-window
    double depth_sum_ = 0;
    double demand_sum_ = 0;
    unsigned unusable_ = 0; // sub-windows of a search in which the load did not reach the depth
    unsigned ticks_ = 0;
    unsigned stretch_ = 1; // of sub-windows, on a disturbed device
    nanoseconds_t skip_until_ = 0;
    bool draining_ = false;
    nanoseconds_t saturated_ = 0;  // last time that most operations had to wait
    nanoseconds_t idle_since_ = 0; // the gate has not been binding since; `never` when it is

    // Loads that turned out not to need the gate.
    double known_depth_ = 0;
    double known_latency_ = 0;
    nanoseconds_t known_until_ = 0;
    nanoseconds_t known_for_ = 0;
    bool gate_not_needed_ = false;
    unsigned last_knee_ = 0;

    rate_window window_rates_; // baseline
    knee_search search_;
    bool search_after_settling_ = false;

    depth_trial raise_;
    depth_trial cut_;
    depth_trial* trial_ = nullptr; // the one that is under way
    schedule raises_;
    schedule cuts_;
    nanoseconds_t probe_since_ = 0;
    nanoseconds_t at_probe_ = 0; // time at the depth of the trial
    unsigned cuts_in_a_row_ = 0;
    double share_of_best_ = 1;
    rate_window reference_; // at the present limit
    rate_window block_;     // the sub-windows that are compared with it
    rate_window deviating_;
    unsigned deviations_ = 0;
    unsigned patience_ = 3; // deviating blocks in a row that are a change of the device
    nanoseconds_t regime_changed_ = 0;
    bool search_from_next_block_ = false;
    bool wanders_ = false; // the device's speed does, by itself

    nanoseconds_t baseline_p99_ = 0;
    nanoseconds_t p99_ = 0; // last judged
    unsigned guard_trips_ = 0;
    bool ceiling_bound_ = false;
    bool ceiling_changed_ = false;

    std::uint64_t event_count_ = 0;
    std::array<controller_event, trace_capacity> trace_{};
};

} // namespace aura::core

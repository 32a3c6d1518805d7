// adaptive_controller: from ticks to sub-windows, and the phases up to the knee.
#include "core/control/adaptive_controller.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {

constexpr double per_second = 1e9;
constexpr nanoseconds_t longest_skip = 1'000'000'000;
constexpr double slow_device = 5'000; // operations per second below which every latency is sampled
constexpr nanoseconds_t longest_alias = 100'000'000;
constexpr double disturbed = 2.5;     // times the scatter of counting
constexpr unsigned unusable_max = 10; // sub-windows
constexpr double crowded = 1.1;       // times the limit: a gate that holds back less is not worth a decision

double seconds(nanoseconds_t from, nanoseconds_t to) noexcept {
    return static_cast<double>(to - from) / per_second;
}

} // namespace

adaptive_controller::adaptive_controller(const controller_options& options) noexcept
    : options_(options)
    , search_(options_) {
    options_.min_in_flight = std::max(1u, options_.min_in_flight);
}

nanoseconds_t adaptive_controller::tick(nanoseconds_t now, const gate_load& load,
                                        const latency_sample& latency) noexcept {
    now_ = {now, load};
    if (!started_) {
        started_ = true;
        last_ = window_ = now_;
        idle_since_ = never;
    }
    if (!options_.enabled) {
        if (phase_ != controller_phase::passthrough)
            open_gate(controller_reason::switched_off);
    } else if (phase_ == controller_phase::passthrough) {
        if (!watch_ceiling(latency))
            watch_load();
    } else if (!watch_demand() && !watch_ceiling(latency) && !watch_guard(latency) && !skipping()) {
        watch_sub_window();
    }

    const bool active = load.in_flight != 0 || load.waiting != 0 || load.completed != last_.load.completed;
    last_ = now_;
    if (phase_ == controller_phase::passthrough && !active) {
        started_ = false; // time that passes without ticks is in no window
        return never;
    }
    return now + options_.tick;
}

void adaptive_controller::rest() noexcept {
    if (phase_ != controller_phase::passthrough)
        open_gate(controller_reason::abandoned);
    started_ = false;
}

void adaptive_controller::set_max_p99(nanoseconds_t max_p99) noexcept {
    if (max_p99 == options_.max_p99)
        return;
    if (ceiling_bound_ && (max_p99 == 0 || max_p99 > options_.max_p99))
        ceiling_changed_ = true;
    options_.max_p99 = max_p99;
}

// --- Passthrough ---

// Engages when at every tick for a while operations have been queueing in the device: many are in flight and
// each takes long. Depth alone is no sign (fast completions), nor is latency (a slow disk with one
// operation).
void adaptive_controller::watch_load() noexcept {
    const double elapsed = seconds(window_.time, now_.time);
    if (elapsed <= 0)
        return;
    const double depth = static_cast<double>(now_.load.in_flight);
    const double rate = static_cast<double>(now_.load.completed - window_.load.completed) / elapsed;
    sample_shift_ = rate < slow_device ? 0 : 6;
    const double latency = rate > 0 ? depth / rate : elapsed;
    const double needed = static_cast<double>(options_.engage_latency) / per_second *
                          std::max(1.0, static_cast<double>(options_.engage_depth) / std::max(depth, 1.0));
    if (depth < 2 || latency < needed) {
        start_sub_window();
        return;
    }
    depth_sum_ += depth;
    ++ticks_;
    if (now_.time - window_.time < options_.engage_after)
        return;
    const double mean_depth = depth_sum_ / ticks_;
    if (nearly_known_load(mean_depth, rate > 0 ? mean_depth / rate : elapsed)) {
        start_sub_window();
        return;
    }
    engage(mean_depth);
}

// Whether this is a load that was searched before and did not need the gate.
bool adaptive_controller::nearly_known_load(double depth, double latency) const noexcept {
    return now_.time < known_until_ && depth < known_depth_ * options_.engage_again_growth &&
           latency < known_latency_ * options_.engage_again_growth;
}

void adaptive_controller::engage(double depth) noexcept {
    enter(controller_phase::baseline, controller_reason::queue_in_device);
    const double ops = static_cast<double>(now_.load.completed - window_.load.completed);
    bytes_per_op_ = ops > 0 ? static_cast<double>(now_.load.bytes - window_.load.bytes) / ops : 0;
    rate_ = ops / seconds(window_.time, now_.time);
    depth_ = depth;
    window_rates_.clear();
    stretch_ = 1;
    wanders_ = false;
    known_depth_ = depth;
    known_latency_ = 0;
    idle_since_ = never;
    saturated_ = now_.time;
    skip_until_ = 0;
    draining_ = false;
    baseline_p99_ = 0;
    guard_trips_ = 0;
    restart_latency_ = true;
    sample_shift_ = rate_ < slow_device ? 0 : 3;
    start_sub_window();
}

void adaptive_controller::open_gate(controller_reason reason) noexcept {
    stop_trial();
    if (gate_not_needed_ && reason == controller_reason::gate_not_binding) {
        known_for_ = known_for_ == 0 ? options_.engage_again_after
                                     : std::min(known_for_ * 2, 16 * options_.engage_again_after);
        known_until_ = now_.time + known_for_;
    } else {
        known_for_ = 0;
        known_until_ = 0;
        if (phase_ == controller_phase::steady || phase_ == controller_phase::converged)
            last_knee_ = limit_;
    }
    gate_not_needed_ = false;
    ceiling_bound_ = false;
    limit_ = unlimited;
    sample_shift_ = rate_ < slow_device ? 0 : 6;
    restart_latency_ = true;
    enter(controller_phase::passthrough, reason);
    start_sub_window();
}

// --- what every engaged phase watches ---

// A gate at which nothing waits decides nothing: back to Passthrough.
bool adaptive_controller::watch_demand() noexcept {
    if (phase_ == controller_phase::baseline) { // open: the load itself has to last
        if (now_.load.in_flight >= 2) {
            idle_since_ = never;
            return false;
        }
    } else if (now_.time - std::max(saturated_, changed_) > options_.disengage_unsaturated &&
               phase_ != controller_phase::probing) {
        gate_not_needed_ = true;
        known_depth_ = std::max(known_depth_, static_cast<double>(limit_));
        known_latency_ = std::max(known_latency_, latency_now());
        open_gate(controller_reason::gate_not_binding);
        return true;
    } else if (now_.load.in_flight + now_.load.waiting >= limit_ ||
               (phase_ == controller_phase::probing && search_.at_top())) {
        idle_since_ = never;
        return false;
    }
    if (idle_since_ == never)
        idle_since_ = now_.time;
    if (now_.time - idle_since_ < options_.disengage_after)
        return false;
    if (phase_ == controller_phase::probing && now_.load.in_flight >= 2) {
        if (search_.depth() > search_.knee()) { // climbing: this is all there is
            idle_since_ = never;
            follow(search_.demand_ends());
            return true;
        }
    }
    if (phase_ == controller_phase::probing && !search_.lowered())
        gate_not_needed_ =
            true; // the backlog of the first lower depth is through: the device had room for it
    open_gate(controller_reason::gate_not_binding);
    return true;
}

// Keeps the P99 below the user's ceiling: proportional cuts, small raises.
bool adaptive_controller::watch_ceiling(const latency_sample& latency) noexcept {
    if (ceiling_changed_) {
        ceiling_changed_ = false;
        if (phase_ == controller_phase::steady || phase_ == controller_phase::converged) {
            explore(reference_, true, controller_reason::ceiling_changed);
            return true;
        }
    }
    if (options_.max_p99 == 0 || phase_ == controller_phase::settling)
        return false;
    const bool open = limit_ == unlimited;
    if (latency.count < (open ? options_.p99_samples / 2 : options_.p99_samples))
        return false;
    const double share = static_cast<double>(latency.p99) / static_cast<double>(options_.max_p99);
    // Near the aim a surer figure is needed.
    const double off = std::abs(share - 1);
    if ((off < 0.4 && latency.count < std::uint64_t{4} * options_.p99_samples) ||
        (off < 0.1 && latency.count < std::uint64_t{16} * options_.p99_samples))
        return false;
    if (phase_ == controller_phase::probing && share <= 1)
        return false;
    p99_ = latency.p99;
    restart_latency_ = true;
    const double depth = open ? static_cast<double>(now_.load.in_flight) : static_cast<double>(limit_);
    if (share > options_.ceiling_high) {
        if (depth <= options_.min_in_flight)
            return false;
        if (open) {
            engage(depth);
            search_after_settling_ = true;
        }
        stop_trial();
        ceiling_bound_ = true;
        const double factor = options_.ceiling_aim / share;
        set_limit(std::min(depth - 1, depth * (open ? factor : std::max(options_.backoff, factor))));
        settle(controller_reason::ceiling_exceeded);
        return true;
    }
    if (share < options_.ceiling_low && ceiling_bound_ && trial_ == nullptr && !open &&
        now_.load.waiting != 0) {
        // Latency grows more slowly than depth: aiming at the ceiling falls short of it.
        set_limit(std::max(depth + 1, depth * std::min(1.15, options_.ceiling_aim / share)));
        limit_changed_in_steady(controller_reason::limit_raised);
        return true;
    }
    return false;
}

// A P99 far above what it was at the knee: whatever the reason, less depth and a new search.
bool adaptive_controller::watch_guard(const latency_sample& latency) noexcept {
    if (phase_ == controller_phase::backoff) {
        search_after_settling_ = true;
        settle(controller_reason::backed_off);
        return true;
    }
    if ((phase_ != controller_phase::steady && phase_ != controller_phase::converged) ||
        latency.count < options_.p99_samples)
        return false;
    if (options_.max_p99 == 0) { // else watch_ceiling() judges and restarts
        p99_ = latency.p99;
        restart_latency_ = true;
    }
    const double guard = baseline_p99_ != 0 ? options_.guard_multiple * static_cast<double>(baseline_p99_)
                                            : std::max(static_cast<double>(options_.guard_ceiling),
                                                       options_.guard_multiple * latency_now() * per_second);
    if (static_cast<double>(latency.p99) <= guard) {
        guard_trips_ = 0;
        if (baseline_p99_ == 0)
            baseline_p99_ = latency.p99;
        return false;
    }
    if (++guard_trips_ < 2)
        return false;
    guard_trips_ = 0;
    baseline_p99_ = 0;
    stop_trial();
    set_limit(options_.backoff * limit_);
    enter(controller_phase::backoff, controller_reason::latency_above_guard);
    return true;
}

// Operations started under a former limit say nothing about the present one.
bool adaptive_controller::skipping() noexcept {
    if (skip_until_ == 0)
        return false;
    const bool drained = !draining_ || now_.load.in_flight <= std::uint64_t{limit_} + 1;
    if (now_.time < skip_until_ || !drained)
        return true;
    skip_until_ = 0;
    draining_ = false;
    start_sub_window();
    return true;
}

// --- sub-windows ---

void adaptive_controller::start_sub_window() noexcept {
    window_ = now_;
    depth_sum_ = 0;
    demand_sum_ = 0;
    ticks_ = 0;
}

// Operations completed since, each counted half as one and half by its bytes: of a mixture of sizes, a
// stretch with few large ones has more operations and fewer bytes, and the sum varies less than either.
double adaptive_controller::work_since(const counters& start) const noexcept {
    const double ops = static_cast<double>(now_.load.completed - start.load.completed);
    if (bytes_per_op_ <= 0)
        return ops;
    return 0.5 * ops + 0.5 * static_cast<double>(now_.load.bytes - start.load.bytes) / bytes_per_op_;
}

// Little: depth / rate, in seconds.
double adaptive_controller::latency_now() const noexcept {
    return rate_ > 0 ? depth_ / rate_ : seconds(0, options_.engage_after);
}

// Scatter of the rate, in units of what the counts of independent completions have. Also the scatter of
// service times.
double adaptive_controller::excess_scatter(const rate_window& rates) const noexcept {
    const double count = rates.estimate().rate * seconds(0, shortest_sub_window());
    return rates.scatter() * std::sqrt(std::max(count, static_cast<double>(options_.sub_window_completions)));
}

// Completions may come in bursts, one per service time: a sub-window has to see more than one.
nanoseconds_t adaptive_controller::shortest_sub_window() const noexcept {
    const auto burst = static_cast<nanoseconds_t>(2 * latency_now() * per_second);
    const unsigned stretch = trial_ != nullptr && trial_->paired() ? 1 : stretch_;
    return stretch * std::max(options_.tick, std::min(burst, longest_alias));
}

void adaptive_controller::watch_sub_window() noexcept {
    depth_sum_ += static_cast<double>(now_.load.in_flight);
    demand_sum_ += demand();
    ++ticks_;
    const nanoseconds_t length = now_.time - window_.time;
    if (phase_ == controller_phase::settling) {
        if (now_.time - changed_ >= options_.settle)
            become_steady();
        return;
    }
    const nanoseconds_t shortest = shortest_sub_window();
    const std::uint64_t completed = now_.load.completed - window_.load.completed;
    if (length < shortest ||
        (completed < options_.sub_window_completions && length < options_.sub_window_max))
        return;

    const std::uint64_t submitted = now_.load.submitted - window_.load.submitted;
    const std::uint64_t delayed = now_.load.delayed - window_.load.delayed;
    depth_ = depth_sum_ / ticks_;
    // More than fits, and most had to wait: else the application has set the rate, or the division among
    // rings.
    const bool saturated =
        limit_ == unlimited || (demand_sum_ > crowded * ticks_ * limit_ && 2 * delayed > submitted);
    const bool full = depth_ > 0.9 * limit_;
    const double rate = work_since(window_) / seconds(window_.time, now_.time);
    rate_ = rate;
    if (saturated)
        saturated_ = now_.time;
    start_sub_window();
    switch (phase_) {
    case controller_phase::baseline:
        baseline_sub_window(rate);
        break;
    case controller_phase::probing:
        probing_sub_window(rate, full);
        break;
    default:
        steady_sub_window(rate, saturated);
    }
}

void adaptive_controller::baseline_sub_window(double rate) noexcept {
    window_rates_.add(rate);
    const rate_estimate estimate = window_rates_.estimate();
    const bool sure = window_rates_.count() >= options_.window_sub_windows &&
                      now_.time - changed_ >= options_.baseline_min &&
                      estimate.error <= options_.baseline_error * estimate.rate;
    if (!sure && window_rates_.count() < options_.window_sub_windows_max)
        return;
    watch_wandering(window_rates_);
    // More scatter than independent completions have: something slower goes on, average over more of it.
    if (!sure && !wanders_ && stretch_ == 1 && excess_scatter(window_rates_) > disturbed) {
        stretch_ = 4;
        window_rates_.clear();
        return;
    }
    enter(controller_phase::probing, controller_reason::baseline_known);
    follow(search_.descend(static_cast<unsigned>(std::clamp(depth_, 1.0, 1e6)), window_rates_, last_knee_));
}

// --- Probing ---

// `full`: the depth was reached; else the load, not the device, has set the rate.
void adaptive_controller::probing_sub_window(double rate, bool full) noexcept {
    if (!full) {
        if (++unusable_ < unusable_max)
            return;
        unusable_ = 0;
        if (search_.depth() > search_.knee())
            follow(search_.demand_ends());
        else
            open_gate(controller_reason::gate_not_binding);
        return;
    }
    unusable_ = 0;
    follow(search_.add(rate, demand()));
}

void adaptive_controller::follow(knee_search::step step) noexcept {
    if (step == knee_search::step::next_depth)
        set_limit(search_.depth());
    else if (step == knee_search::step::finished)
        finish_search();
}

void adaptive_controller::explore(const rate_window& rates, bool upwards_first,
                                  controller_reason reason) noexcept {
    const rate_window start = rates; // may be a member that is cleared
    stop_trial();
    enter(controller_phase::probing, reason);
    // The same device as before, or another one, whose best is not known.
    const bool same = reason == controller_reason::cuts_in_a_row;
    follow(search_.explore(limit_, start, demand(), upwards_first, same ? share_of_best_ : 1));
}

void adaptive_controller::finish_search() noexcept {
    share_of_best_ = search_.share_of_best();
    const bool from_baseline = event(event_count_ - 1).reason == controller_reason::baseline_known;
    gate_not_needed_ = from_baseline && (search_.load_limited() || !search_.lowered());
    if (gate_not_needed_) {
        known_depth_ = std::max<double>(search_.knee(), known_depth_);
        known_latency_ = window_rates_.estimate().rate > 0 ? known_depth_ / window_rates_.estimate().rate : 0;
        // Wide enough not to bind, but what has queued up meanwhile does not rush in at once.
        set_limit(1.25 * search_.knee() + 1);
        settle(controller_reason::no_knee_below_load);
    } else {
        if (search_.lowered())
            ceiling_bound_ = false; // it is the knee that limits
        set_limit(search_.knee());
        settle(controller_reason::knee_found);
    }
}

// --- Settling, and small helpers ---

void adaptive_controller::settle(controller_reason reason) noexcept {
    enter(controller_phase::settling, reason);
    restart_latency_ = true;
}

void adaptive_controller::enter(controller_phase phase, controller_reason reason) noexcept {
    trace_[event_count_++ % trace_capacity] = {now_.time, phase_, phase, reason, limit_};
    phase_ = phase;
    changed_ = now_.time;
}

void adaptive_controller::set_limit(double limit) noexcept {
    const auto wanted =
        std::max(options_.min_in_flight, static_cast<unsigned>(std::lround(std::max(limit, 1.0))));
    if (wanted == limit_)
        return;
    draining_ = wanted < limit_;
    limit_ = wanted;
    const auto stale = static_cast<nanoseconds_t>(2 * latency_now() * per_second);
    skip_until_ = now_.time + std::max(options_.skip, std::min(stale, longest_skip));
}

} // namespace aura::core

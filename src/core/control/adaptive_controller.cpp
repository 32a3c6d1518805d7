// adaptive_controller: which part is asked in which phase, and what its answer does to phase and limit.
#include "core/control/adaptive_controller.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr double slow_device = 5'000; // operations per second below which every latency is sampled
constexpr double disturbed = 2.5;     // times the scatter of counting
constexpr unsigned unusable_max = 10; // sub-windows
constexpr double little_more = 1.25;  // than a rate asks for: a depth that just fails sends a search upwards
} // namespace

adaptive_controller::adaptive_controller(const controller_options& options) noexcept
    : options_(options)
    , meter_(options_)
    , load_(options_)
    , change_(options_)
    , search_(options_)
    , trials_(options_)
    , proof_(options_)
    , regime_(options_)
    , guard_(options_)
    , ceiling_(options_) {
    options_.min_in_flight = std::max(1u, options_.min_in_flight);
}

nanoseconds_t adaptive_controller::tick(nanoseconds_t now, const gate_load& load,
                                        const latency_sample& latency) noexcept {
    now_ = {now, load};
    if (!started_) {
        started_ = true;
        last_ = now_;
        meter_.begin(now_);
        load_.begin();
    }
    if (!options_.enabled) {
        if (phase_ != controller_phase::passthrough)
            open_gate(controller_reason::switched_off);
    } else if (phase_ == controller_phase::passthrough) {
        if (!watch_ceiling(latency))
            watch_load();
    } else if (!watch_demand() && !watch_ceiling(latency) && !watch_guard(latency) && !watch_change()) {
        watch_sub_window(latency);
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

// --- Passthrough ---

void adaptive_controller::watch_load() noexcept {
    if (meter_.length(now_) == 0)
        return;
    sample_shift_ = meter_.plain_rate(now_) < slow_device ? 0 : 6;
    if (load_.queues(now_, meter_))
        engage(meter_.mean_depth());
}

void adaptive_controller::engage(double depth) noexcept {
    enter(controller_phase::baseline, controller_reason::queue_in_device);
    meter_.engage(now_, depth);
    load_.engage(now_.time, depth);
    regime_.engage();
    guard_.reset();
    change_.forget();
    proof_.restart();
    open_depth_ = static_cast<unsigned>(std::clamp(depth, 1.0, 1e6));
    baseline_.clear();
    restart_latency_ = true;
    sample_shift_ = meter_.rate() < slow_device ? 0 : 3;
}

void adaptive_controller::open_gate(controller_reason reason) noexcept {
    trials_.stop();
    proof_.stop();
    const bool left_alone = load_.gate_opens(now_.time, reason == controller_reason::gate_not_binding);
    if (!left_alone && at_knee())
        last_knee_ = limit_;
    ceiling_.set_bound(false);
    limit_ = unlimited;
    sample_shift_ = meter_.rate() < slow_device ? 0 : 6;
    restart_latency_ = true;
    enter(controller_phase::passthrough, reason);
    meter_.begin(now_);
}

// --- what every engaged phase watches ---

// A gate at which nothing waits decides nothing: back to Passthrough.
bool adaptive_controller::watch_demand() noexcept {
    const bool probing = phase_ == controller_phase::probing;
    const bool baseline = phase_ == controller_phase::baseline; // open: the load itself has to last
    if (!baseline && !probing && load_.unsaturated(now_.time, changed_)) {
        load_.set_needless(true);
        load_.note_needless(limit_, meter_.latency());
        open_gate(controller_reason::gate_not_binding);
        return true;
    }
    const bool enough = baseline          ? now_.load.in_flight >= 2
                        : proof_.active() ? now_.demand() >= proof_.shut()
                                          : now_.load.in_flight + now_.load.waiting >= limit_ ||
                                                (probing && search_.at_top());
    if (!load_.demand_gone(now_.time, enough))
        return false;
    if (probing && !proof_.active() && now_.load.in_flight >= 2 && search_.depth() > search_.knee()) {
        load_.restart_idle(); // climbing: this is all there is
        follow(search_.demand_ends());
        return true;
    }
    if (probing && !search_.lowered())
        load_.set_needless(true); // the backlog of the first lower depth is through: the device had room
    open_gate(controller_reason::gate_not_binding);
    return true;
}

bool adaptive_controller::watch_ceiling(const latency_sample& latency) noexcept {
    if (ceiling_.take_lifted() && at_knee()) {
        explore(regime_.reference(), true, controller_reason::ceiling_changed);
        return true;
    }
    if (phase_ == controller_phase::settling)
        return false;
    const bool open = limit_ == unlimited;
    const auto share = ceiling_.judge(latency, open, phase_ == controller_phase::probing);
    if (!share)
        return false;
    restart_latency_ = true;
    const double depth = open ? static_cast<double>(now_.load.in_flight) : static_cast<double>(limit_);
    if (ceiling_.exceeded(*share)) {
        if (depth <= options_.min_in_flight)
            return false;
        exceed_ceiling(depth, *share);
        return true;
    }
    if (ceiling_.has_room(*share) && !trials_.active() && !open && now_.load.waiting != 0) {
        set_limit(ceiling_.raised(depth, *share));
        limit_changed_in_steady(controller_reason::limit_raised);
        return true;
    }
    return false;
}

void adaptive_controller::exceed_ceiling(double depth, double share) noexcept {
    const bool open = limit_ == unlimited;
    if (open) {
        engage(depth);
        search_after_settling_ = true;
    }
    trials_.stop();
    proof_.stop();
    ceiling_.set_bound(true);
    set_limit(ceiling_.cut(depth, share, open));
    settle(controller_reason::ceiling_exceeded);
}

// A P99 far above what it was at the knee: whatever the reason, less depth and a new search.
bool adaptive_controller::watch_guard(const latency_sample& latency) noexcept {
    if (phase_ == controller_phase::backoff) {
        search_after_settling_ = true;
        settle(controller_reason::backed_off);
        return true;
    }
    if (!at_knee() || proof_.active() || !guard_.may_judge(latency))
        return false;
    if (options_.max_p99 == 0) { // else watch_ceiling() judges and restarts
        ceiling_.note(latency.p99);
        restart_latency_ = true;
    }
    if (!guard_.exceeded(latency.p99, meter_.latency()))
        return false;
    trials_.stop();
    set_limit(options_.backoff * limit_);
    enter(controller_phase::backoff, controller_reason::latency_above_guard);
    return true;
}

bool adaptive_controller::watch_change() noexcept {
    const limit_change::state state = change_.look(now_, limit_);
    if (state == limit_change::state::just_over) {
        meter_.begin(now_);
        if (proof_.active()) // the P99 of either side is its own
            restart_latency_ = true;
    }
    return state != limit_change::state::none;
}

// --- sub-windows ---

double adaptive_controller::excess_scatter(const rate_window& rates) const noexcept {
    return meter_.excess_scatter(rates, meter_.shortest(regime_.stretch()));
}

void adaptive_controller::watch_sub_window(const latency_sample& latency) noexcept {
    meter_.add(now_);
    if (phase_ == controller_phase::settling) {
        if (now_.time - changed_ >= options_.settle)
            become_steady();
        return;
    }
    const nanoseconds_t shortest = proof_.active() ? meter_.shortest_alone(proof_.mean_latency())
                                                   : meter_.shortest(trials_.brief() ? 1 : regime_.stretch());
    if (!meter_.complete(now_, shortest))
        return;
    const rate_meter::reading seen = meter_.finish(now_, limit_);
    if (seen.saturated)
        load_.note_saturated(now_.time);
    if (proof_.active()) {
        proof_sub_window(seen, latency);
        return;
    }
    switch (phase_) {
    case controller_phase::baseline:
        baseline_sub_window(seen.rate);
        break;
    case controller_phase::probing:
        probing_sub_window(seen.rate, seen.full);
        break;
    default:
        steady_sub_window(seen, latency);
    }
}

void adaptive_controller::baseline_sub_window(double rate) noexcept {
    baseline_.add(rate);
    const rate_estimate estimate = baseline_.estimate();
    const bool sure = baseline_.count() >= options_.window_sub_windows &&
                      now_.time - changed_ >= options_.baseline_min &&
                      estimate.error <= options_.baseline_error * estimate.rate;
    if (!sure && baseline_.count() < options_.window_sub_windows_max)
        return;
    regime_.watch_wandering(baseline_, excess_scatter(baseline_));
    // More scatter than independent completions have: something slower goes on.
    if (!sure && !regime_.wanders() && regime_.stretch() == 1 && excess_scatter(baseline_) > disturbed) {
        regime_.stretch_sub_windows();
        baseline_.clear();
        return;
    }
    enter(controller_phase::probing, controller_reason::baseline_known);
    const auto depth = static_cast<unsigned>(std::clamp(meter_.depth(), 1.0, 1e6));
    open_depth_ = std::min(depth, 2 * open_depth_); // a load that does not wait for completions piles up
    follow(search_.descend(depth, baseline_, last_knee_));
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
    follow(search_.add(rate, now_.demand()));
}

void adaptive_controller::follow(knee_search::step step) noexcept {
    if (step == knee_search::step::next_depth)
        set_limit(search_.depth());
    else if (step == knee_search::step::finished)
        finish_search();
}

void adaptive_controller::explore(const rate_window& rates, bool upwards_first, controller_reason reason,
                                  double first) noexcept {
    trials_.stop();
    enter(controller_phase::probing, reason);
    // The same device as before, or another one, whose best is not known.
    const bool same = reason == controller_reason::cuts_in_a_row;
    if (regime_.wanders())
        proof_.stop(); // it is what this device does
    else if (same || reason == controller_reason::gains_in_a_row)
        proof_.forget();
    else
        proof_.restart();
    const double share = same ? trials_.share_of_best() : 1;
    follow(search_.explore(limit_, rates, now_.demand(), upwards_first, share, first));
}

void adaptive_controller::finish_search() noexcept {
    trials_.set_share_of_best(search_.share_of_best());
    const bool from_baseline = trace_.last().reason == controller_reason::baseline_known;
    load_.set_needless(from_baseline && (search_.load_limited() || !search_.lowered()));
    if (load_.needless()) {
        load_.note_needless_at_rate(search_.knee(), baseline_.estimate().rate);
        load_.set_wandering(regime_.wanders());
        // Wide enough not to bind, but what has queued up meanwhile does not rush in at once.
        set_limit(1.25 * search_.knee() + 1);
        settle(controller_reason::no_knee_below_load);
    } else {
        if (search_.lowered())
            ceiling_.set_bound(false); // it is the knee that limits
        set_limit(search_.knee());
        // What a search finds on a calm device is shown by it; the proof follows at the knee.
        if (proof_wanted() && regime_.wanders() && !proof_.covers(limit_))
            prove(limit_);
        else
            settle(controller_reason::knee_found);
    }
}

// --- Settling ---

void adaptive_controller::settle(controller_reason reason) noexcept {
    enter(controller_phase::settling, reason);
    restart_latency_ = true;
}

void adaptive_controller::become_steady() noexcept {
    if (load_.needless()) {
        // Opens when what has queued up meanwhile is through.
        if (now_.load.waiting == 0 || now_.time - changed_ > 10 * options_.settle)
            open_gate(controller_reason::gate_not_binding);
        return;
    }
    meter_.begin(now_);
    regime_.restart();
    trials_.restart(now_.time);
    search_from_next_block_ = false;
    if (search_after_settling_ && limit_ != unlimited) {
        search_from_next_block_ = true;
        search_after_settling_ = false;
    }
    restart_latency_ = true;
    enter(controller_phase::steady, controller_reason::settled);
}

// --- Steady and Converged ---

void adaptive_controller::steady_sub_window(const rate_meter::reading& seen,
                                            const latency_sample& latency) noexcept {
    if (watch_far_off(seen))
        return;
    if (trials_.active()) {
        trial_sub_window(seen.rate, seen.saturated);
        return;
    }
    if (!seen.saturated) // limited by the application: nothing can be learnt
        return;
    if (const auto block = regime_.add(seen.rate))
        block_complete(*block);
    if (phase_ == controller_phase::steady && now_.time - changed_ >= options_.converge_after)
        enter(controller_phase::converged, controller_reason::unchanged);
    if (at_knee() && !start_due_proof(seen, latency))
        start_due_trial();
}

// A device that serves less than half of what it did, or more than twice that, is another one: nothing that was
// shown holds of it. If it is throttled each operation takes as long as before, and fewer of them are enough
// by as much as there are fewer: the search looks there first, or a little above.
bool adaptive_controller::watch_far_off(const rate_meter::reading& seen) noexcept {
    if (!at_knee() || !seen.saturated || search_from_next_block_) {
        regime_.forget_far_off();
        return false;
    }
    const double reference = regime_.reference().estimate().rate;
    const regime_watch::change change = regime_.far_off(seen.rate, now_.time, seen.length);
    if (change == regime_watch::change::none)
        return false;
    guard_.forget_baseline();
    proof_.restart();
    const bool rose = change == regime_watch::change::rose;
    explore(regime_.deviating(), rose, rose ? controller_reason::rate_rose : controller_reason::rate_fell,
            little_more * regime_.deviating().estimate().rate / reference);
    return true;
}

void adaptive_controller::block_complete(const rate_window& block) noexcept {
    if (search_from_next_block_) { // after Backoff, or after the first cut to a ceiling
        search_from_next_block_ = false;
        if (ceiling_.bound()) { // nothing above
            enter(controller_phase::probing, controller_reason::search_again);
            follow(search_.descend(limit_, block));
        } else {
            explore(block, false, controller_reason::search_again);
        }
        return;
    }
    const regime_watch::change change = regime_.judge(block, now_.time);
    if (change == regime_watch::change::none)
        return;
    guard_.forget_baseline();
    const bool rose = change == regime_watch::change::rose;
    explore(regime_.deviating(), rose, rose ? controller_reason::rate_rose : controller_reason::rate_fell);
}

void adaptive_controller::start_due_trial() noexcept {
    if (regime_.may_judge_wandering())
        regime_.watch_wandering(regime_.reference(), excess_scatter(regime_.reference()));
    if (!regime_.calm())
        return;
    const knee_trials::ground here{
        limit_, meter_.rate(), regime_.reference(), regime_.wanders(), regime_.stretch() > 1, open_depth_};
    if (trials_.start_due(now_.time, here, ceiling_))
        set_limit(trials_.depth());
}

void adaptive_controller::trial_sub_window(double rate, bool saturated) noexcept {
    const depth_trial::verdict verdict = trials_.add(now_.time, rate, saturated, meter_.depth());
    if (verdict == depth_trial::verdict::undecided)
        set_limit(trials_.depth());
    else
        end_trial(verdict);
}

void adaptive_controller::end_trial(depth_trial::verdict verdict) noexcept {
    const depth_trial& trial = trials_.finish();
    regime_.drop_block();
    if (verdict != depth_trial::verdict::kept) {
        set_limit(trial.base());
        trials_.rejected(trial, now_.time, meter_.rate(), excess_scatter(regime_.reference()));
        return;
    }
    trials_.kept(trial);
    set_limit(trial.probe());
    const bool searches = !trial.paired(); // where the device wanders, a search deceives
    if (searches && trials_.far_below_knee(trial)) {
        explore(trial.probe_rates(), true, controller_reason::gains_in_a_row);
        return;
    }
    if (searches && trials_.far_above_knee()) {
        explore(trial.probe_rates(), false, controller_reason::cuts_in_a_row);
        return;
    }
    regime_.set_reference(trial.probe_rates());
    if (!trial.raises())
        ceiling_.set_bound(false); // it is the knee that limits
    limit_changed_in_steady(trial.raises() ? controller_reason::limit_raised : controller_reason::limit_cut);
    if (!searches)
        trials_.repeat(trial, now_.time);
}

void adaptive_controller::limit_changed_in_steady(controller_reason reason) noexcept {
    if (phase_ == controller_phase::converged)
        enter(controller_phase::steady, reason);
    changed_ = now_.time;
    if (reason == controller_reason::limit_raised && ceiling_.bound())
        regime_.drop_reference(); // moved without having been measured there
    regime_.drop_block();
    trials_.restart_schedule(now_.time);
}

// --- what changes phase and limit ---

void adaptive_controller::enter(controller_phase phase, controller_reason reason) noexcept {
    trace_.add({now_.time, phase_, phase, reason, limit_});
    phase_ = phase;
    changed_ = now_.time;
}

void adaptive_controller::set_limit(double limit) noexcept {
    const auto wanted =
        std::max(options_.min_in_flight, static_cast<unsigned>(std::lround(std::max(limit, 1.0))));
    if (wanted == limit_)
        return;
    nanoseconds_t stale = meter_.twice_latency();
    if (proof_.active() && proof_.at_open() && meter_.rate() > 0) // it grows with what goes in now
        stale = static_cast<nanoseconds_t>(2 * wanted / meter_.rate() * nanoseconds_per_second);
    change_.begin(now_.time, wanted < limit_, stale);
    limit_ = wanted;
}

} // namespace aura::core

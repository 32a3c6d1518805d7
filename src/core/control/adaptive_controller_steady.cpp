// adaptive_controller: the phases at the knee, where small trials keep the limit there.
#include "core/control/adaptive_controller.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr unsigned sub_windows_per_block = 4;
constexpr unsigned wandering_seen_in = 16; // sub-windows
constexpr unsigned deviations_max = 3;
constexpr unsigned patience_max = 48;
constexpr unsigned patience_stretch = 12; // from here on longer sub-windows
constexpr double block_deviations = 4;    // standard deviations of a block
constexpr double slow_rate = 1'000;       // operations per second
constexpr double nearly_linear = 0.6;     // elasticity of a gain after which the knee is likely far above
} // namespace

void adaptive_controller::become_steady() noexcept {
    if (gate_not_needed_) {
        // Opens when what has queued up meanwhile is through.
        if (now_.load.waiting == 0 || now_.time - changed_ > 10 * options_.settle)
            open_gate(controller_reason::gate_not_binding);
        return;
    }
    reference_.clear();
    block_.clear();
    deviating_.clear();
    deviations_ = 0;
    search_from_next_block_ = false;
    cuts_in_a_row_ = 0;
    start_sub_window();
    if (search_after_settling_ && limit_ != unlimited) {
        // The rate after the cut is not known yet: the first block of Steady begins the search.
        search_from_next_block_ = true;
        search_after_settling_ = false;
    }
    restart_schedules();
    cut_.forget();
    raise_.forget();
    restart_latency_ = true;
    enter(controller_phase::steady, controller_reason::settled);
}

void adaptive_controller::steady_sub_window(double rate, bool saturated) noexcept {
    if (trial_ != nullptr) {
        trial_sub_window(rate, saturated);
        return;
    }
    if (!saturated) // limited by the application: nothing can be learnt
        return;
    watch_regime(rate);
    if (phase_ == controller_phase::steady && now_.time - changed_ >= options_.converge_after)
        enter(controller_phase::converged, controller_reason::unchanged);
    if (phase_ == controller_phase::steady || phase_ == controller_phase::converged)
        maybe_start_trial();
}

// Compares blocks of sub-windows with the reference at the same limit.
void adaptive_controller::watch_regime(double rate) noexcept {
    block_.add(rate);
    if (block_.count() < sub_windows_per_block)
        return;
    const rate_window block = block_;
    block_.clear();
    if (search_from_next_block_) { // after Backoff, or after the first cut to a ceiling
        search_from_next_block_ = false;
        if (ceiling_bound_) { // nothing above
            enter(controller_phase::probing, controller_reason::search_again);
            follow(search_.descend(limit_, block));
        } else {
            explore(block, false, controller_reason::search_again);
        }
        return;
    }
    if (reference_.count() == 0) {
        reference_ = block;
        return;
    }
    const double ratio = (block.estimate() / reference_.estimate()).value;
    const double visible = block_deviations * reference_.scatter() / std::sqrt(double{sub_windows_per_block});
    if (std::abs(ratio - 1) <= std::clamp(visible, options_.regime_change_min, options_.regime_change)) {
        // What has come and gone is part of what this device does.
        reference_.add(deviating_);
        reference_.add(block);
        deviations_ = 0;
        deviating_.clear();
        return;
    }
    deviating_.add(block);
    if (++deviations_ < patience_)
        return;
    deviations_ = 0;
    baseline_p99_ = 0;
    learn_patience();
    const bool rose = ratio > 1;
    explore(deviating_, rose, rose ? controller_reason::rate_rose : controller_reason::rate_fell);
}

// A device that changes all the time (a neighbour that comes and goes) cannot be followed: what it does on
// average counts, until it has been calm for a while.
void adaptive_controller::learn_patience() noexcept {
    const nanoseconds_t calm = now_.time - regime_changed_;
    if (regime_changed_ != 0 && calm < options_.converge_after)
        patience_ = std::min(2 * patience_, patience_max);
    else if (calm > 4 * options_.converge_after)
        patience_ = deviations_max;
    if (patience_ >= patience_stretch)
        stretch_ = 4;
    regime_changed_ = now_.time;
}

// --- trials ---

void adaptive_controller::maybe_start_trial() noexcept {
    if (reference_.count() >= wandering_seen_in)
        watch_wandering(reference_);
    if ((deviations_ != 0 && !wanders_) || reference_.count() < sub_windows_per_block)
        return;
    if (now_.time >= raises_.due) {
        if (!start_raise())
            postpone(raises_, 0, 1);
    } else if (now_.time >= cuts_.due) {
        if (!start_cut())
            postpone(cuts_, 0, 1);
    }
}

// No step of a whole operation is as small as trials want it.
bool adaptive_controller::coarse(double step) const noexcept {
    return step > options_.trial_step_max + 0.01;
}

// Wide enough to be seen above the scatter of a window.
double adaptive_controller::trial_step(double largest) const noexcept {
    return std::clamp(1 + 2.5 * reference_.scatter(), options_.trial_step_min, largest);
}

// Wanders, or does so no more: with some distance between the two.
void adaptive_controller::watch_wandering(const rate_window& rates) noexcept {
    const bool scatters = excess_scatter(rates) > (wanders_ ? 0.7 : 1) * options_.wandering;
    wanders_ = scatters && rates.independence() < (wanders_ ? 1.6 : 1.3);
    if (wanders_ && patience_ < patience_stretch)
        patience_ = patience_stretch - 1; // it comes back by itself, mostly
}

bool adaptive_controller::start_paired(depth_trial& trial, double depth, double threshold) noexcept {
    const auto probe =
        std::max(options_.min_in_flight, static_cast<unsigned>(std::lround(std::max(1.0, depth))));
    if (probe == limit_)
        return false;
    if (trial.paired() && trial.base() == limit_)
        trial.resume(threshold, rate_);
    else
        trial.start_paired(limit_, probe, threshold, rate_);
    begin_trial(trial);
    return true;
}

bool adaptive_controller::start_raise() noexcept {
    const double step = trial_step(options_.trial_step_max);
    const unsigned probe = std::max(limit_ + 1, static_cast<unsigned>(std::lround(limit_ * step)));
    const double factor = wanders_ ? options_.paired_raise : static_cast<double>(probe) / limit_;
    if (options_.max_p99 != 0 &&
        (ceiling_bound_ || static_cast<double>(p99_) * factor > static_cast<double>(options_.max_p99)))
        return false; // the ceiling decides
    if (wanders_)
        return start_paired(raise_, options_.paired_raise * limit_, options_.paired_gain);
    const double elasticity = coarse(factor) ? options_.raise_elasticity_coarse : options_.raise_elasticity;
    const double threshold = std::pow(factor, elasticity);
    const bool slow = stretch_ > 1 || rate_ < slow_rate; // nothing changes fast here, and everything scatters
    if (slow && raise_.base() == limit_ && !raise_.paired())
        raise_.resume(threshold);
    else
        raise_.start(limit_, probe, threshold, reference_);
    begin_trial(raise_);
    return true;
}

bool adaptive_controller::start_cut() noexcept {
    if (limit_ <= options_.min_in_flight)
        return false;
    if (wanders_)
        return start_paired(cut_, limit_ / options_.paired_cut, options_.cut_ratio);
    const double threshold = std::max(options_.cut_ratio, options_.hold_ratio / share_of_best_);
    if (cut_.base() == limit_ && !cut_.paired()) {
        cut_.resume(threshold);
    } else {
        const double step = trial_step(options_.cut_step_max);
        const auto probe = static_cast<unsigned>(std::lround(limit_ / step));
        cut_.start(limit_, std::clamp(probe, options_.min_in_flight, limit_ - 1), threshold, reference_);
    }
    begin_trial(cut_);
    return true;
}

double adaptive_controller::raise_share(double factor) const noexcept {
    if (!coarse(factor))
        return options_.trial_share;
    return excess_scatter(reference_) > 0.5 ? options_.trial_share / 3 : options_.trial_share_coarse;
}

void adaptive_controller::begin_trial(depth_trial& trial) noexcept {
    trial_ = &trial;
    at_probe_ = 0;
    probe_since_ = now_.time;
    set_limit(trial.probe());
}

void adaptive_controller::stop_trial() noexcept {
    trial_ = nullptr;
}

void adaptive_controller::trial_sub_window(double rate, bool saturated) noexcept {
    // With the whole load inside, a raise is judged by what that gained.
    const bool all_inside = trial_->raises() && trial_->at_probe() && depth_ > trial_->base();
    if (!saturated && !all_inside) {
        end_trial(depth_trial::verdict::rejected);
        return;
    }
    const bool was_at_probe = trial_->at_probe();
    const depth_trial::verdict verdict = trial_->add(rate);
    if (was_at_probe)
        at_probe_ += now_.time - probe_since_;
    probe_since_ = now_.time;
    if (verdict == depth_trial::verdict::undecided)
        set_limit(trial_->depth());
    else
        end_trial(verdict);
}

void adaptive_controller::end_trial(depth_trial::verdict verdict) noexcept {
    const depth_trial& trial = *trial_;
    stop_trial();
    block_.clear();
    const bool raised = trial.raises();
    const double factor = trial.factor();
    if (verdict != depth_trial::verdict::kept) {
        set_limit(trial.base());
        if (raised) {
            postpone(raises_, at_probe_, trial.paired() ? options_.trial_share : raise_share(factor));
        } else {
            cuts_in_a_row_ = 0;
            postpone(cuts_, at_probe_, options_.trial_share);
        }
        return;
    }
    const double gain = trial.ratio().value;
    // What was kept because it looked good is less good than it looked.
    share_of_best_ = raised ? std::min(1.0, share_of_best_ * gain)
                            : share_of_best_ * std::min(gain, (1 + options_.cut_ratio) / 2);
    cuts_in_a_row_ = raised ? 0 : cuts_in_a_row_ + 1;
    set_limit(trial.probe());
    const bool searches = !trial.paired(); // where the device wanders, a search deceives
    if (searches && raised && gain > std::pow(factor, nearly_linear)) {
        explore(trial.probe_rates(), true, controller_reason::gains_in_a_row);
        return;
    }
    if (searches && cuts_in_a_row_ >= 2) {
        explore(trial.probe_rates(), false, controller_reason::cuts_in_a_row);
        return;
    }
    reference_ = trial.probe_rates();
    if (!raised)
        ceiling_bound_ = false; // it is the knee that limits
    limit_changed_in_steady(raised ? controller_reason::limit_raised : controller_reason::limit_cut);
    if (!searches)
        (raised ? raises_ : cuts_).due = now_.time; // the next step at once
}

void adaptive_controller::limit_changed_in_steady(controller_reason reason) noexcept {
    if (phase_ == controller_phase::converged)
        enter(controller_phase::steady, reason);
    changed_ = now_.time;
    if (reference_.count() > 0 && reason == controller_reason::limit_raised && ceiling_bound_)
        reference_.clear(); // moved without having been measured there
    block_.clear();
    restart_schedules();
}

void adaptive_controller::restart_schedules() noexcept {
    raises_.gap = options_.trial_gap_min;
    cuts_.gap = 2 * options_.trial_gap_min;
    raises_.due = now_.time + raises_.gap;
    cuts_.due = now_.time + cuts_.gap;
}

void adaptive_controller::postpone(schedule& trials, nanoseconds_t spent, double share) noexcept {
    trials.gap = std::min(2 * trials.gap, options_.trial_gap_max);
    auto rest = static_cast<nanoseconds_t>(static_cast<double>(spent) / share);
    if (share == options_.trial_share && rate_ >= slow_rate)
        rest = std::min(rest, options_.trial_rest_max);
    trials.due = now_.time + std::max(trials.gap, rest);
}

} // namespace aura::core

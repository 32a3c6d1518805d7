// knee_trials: steps, thresholds, and what is learnt from a verdict.
#include "core/control/knee_trials.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr double nearly_linear = 0.6;  // elasticity of a gain after which the knee is likely far above
constexpr double steady_rate = 0.03;   // scatter with which one glance at a small step is enough
constexpr double restless_rate = 0.06; // and with which no glance at one step of a small limit is
constexpr unsigned most_for_leaps = 8; // such a limit
} // namespace

void knee_trials::restart(nanoseconds_t now) noexcept {
    cuts_in_a_row_ = 0;
    schedule_.restart(now);
    cut_.forget();
    raise_.forget();
}

bool knee_trials::start_due(nanoseconds_t now, const ground& here, const latency_ceiling& ceiling) noexcept {
    if (schedule_.due(kind::raise, now)) {
        if (start_raise(now, here, ceiling))
            return true;
        schedule_.postpone(kind::raise, now);
    } else if (schedule_.due(kind::cut, now)) {
        if (start_cut(now, here))
            return true;
        schedule_.postpone(kind::cut, now);
    } else if (schedule_.due(kind::leap, now)) {
        if (start_leap(now, here, ceiling))
            return true;
        schedule_.postpone(kind::leap, now);
    }
    return false;
}

// No step of a whole operation is as small as trials want it.
bool knee_trials::coarse(double step) const noexcept {
    return step > options_->trial_step_max + 0.01;
}

// Wide enough to be seen above the scatter of a window.
double knee_trials::step(const rate_window& reference, double largest) const noexcept {
    return std::clamp(1 + 2.5 * reference.scatter(), options_->trial_step_min, largest);
}

bool knee_trials::start_paired(nanoseconds_t now, const ground& here, depth_trial& trial, double depth,
                               double threshold) noexcept {
    const auto probe =
        std::max(options_->min_in_flight, static_cast<unsigned>(std::lround(std::max(1.0, depth))));
    if (probe == here.limit)
        return false;
    if (trial.paired() && trial.base() == here.limit)
        trial.resume(threshold, here.rate);
    else
        trial.start_paired(here.limit, probe, threshold, here.rate);
    begin(now, trial);
    return true;
}

bool knee_trials::start_raise(nanoseconds_t now, const ground& here,
                              const latency_ceiling& ceiling) noexcept {
    const double wanted = step(here.reference, options_->trial_step_max);
    const unsigned probe = std::max(here.limit + 1, static_cast<unsigned>(std::lround(here.limit * wanted)));
    const double factor = here.wanders ? options_->paired_raise : static_cast<double>(probe) / here.limit;
    if (ceiling.forbids(factor))
        return false; // the ceiling decides
    if (here.wanders)
        return start_paired(now, here, raise_, options_->paired_raise * here.limit, options_->paired_gain);
    const double elasticity = coarse(factor) ? options_->raise_elasticity_coarse : options_->raise_elasticity;
    const double threshold = std::pow(factor, elasticity);
    const bool slow = here.disturbed || here.rate < slow_trials;
    if (slow && raise_.base() == here.limit && !raise_.paired())
        raise_.resume(threshold);
    else
        raise_.start(here.limit, probe, threshold, here.reference);
    begin(now, raise_);
    return true;
}

// Where the rate scatters small steps do not see the servers that have come back; this one is
// rejected after a sub-window or two.
bool knee_trials::start_leap(nanoseconds_t now, const ground& here, const latency_ceiling& ceiling) noexcept {
    const auto probe = static_cast<unsigned>(std::lround(options_->leap * here.limit));
    const bool coarse_steps = coarse(1 + 1.0 / here.limit) && here.reference.scatter() > steady_rate;
    const bool steps_drown = here.limit <= most_for_leaps && here.reference.scatter() > restless_rate;
    const bool hard_to_see = here.disturbed || coarse_steps || steps_drown;
    if (!hard_to_see || here.wanders || here.rate < slow_trials || probe > here.open ||
        ceiling.forbids(options_->leap))
        return false;
    leap_.start(here.limit, probe, options_->leap_gain, here.reference);
    begin(now, leap_);
    return true;
}

bool knee_trials::start_cut(nanoseconds_t now, const ground& here) noexcept {
    if (here.limit <= options_->min_in_flight)
        return false;
    if (here.wanders)
        return start_paired(now, here, cut_, here.limit / options_->paired_cut, options_->cut_ratio);
    const double threshold = std::max(options_->cut_ratio, options_->hold_ratio / share_of_best_);
    if (cut_.base() == here.limit && !cut_.paired()) {
        cut_.resume(threshold);
    } else {
        const double wanted = step(here.reference, options_->cut_step_max);
        const auto probe = static_cast<unsigned>(std::lround(here.limit / wanted));
        cut_.start(here.limit, std::clamp(probe, options_->min_in_flight, here.limit - 1), threshold,
                   here.reference);
    }
    begin(now, cut_);
    return true;
}

void knee_trials::begin(nanoseconds_t now, depth_trial& trial) noexcept {
    active_ = &trial;
    at_probe_ = 0;
    probe_since_ = now;
}

depth_trial::verdict knee_trials::add(nanoseconds_t now, double rate, bool saturated,
                                      double in_flight) noexcept {
    // With the whole load inside, a raise is judged by what that gained.
    const bool all_inside = active_->raises() && active_->at_probe() && in_flight > active_->base();
    if (!saturated && !all_inside)
        return depth_trial::verdict::rejected;
    const bool was_at_probe = active_->at_probe();
    const depth_trial::verdict verdict = active_->add(rate);
    if (was_at_probe)
        at_probe_ += now - probe_since_;
    probe_since_ = now;
    return verdict;
}

const depth_trial& knee_trials::finish() noexcept {
    const depth_trial& trial = *active_;
    stop();
    return trial;
}

double knee_trials::share_of_time(const depth_trial& trial, double excess_scatter) const noexcept {
    if (kind_of(trial) == kind::leap)
        return options_->leap_share;
    if (!trial.raises() || trial.paired() || !coarse(trial.factor()))
        return options_->trial_share;
    return excess_scatter > 0.5 ? options_->trial_share / 3 : options_->trial_share_coarse;
}

void knee_trials::rejected(const depth_trial& trial, nanoseconds_t now, double rate,
                           double excess_scatter) noexcept {
    if (!trial.raises())
        cuts_in_a_row_ = 0;
    schedule_.postpone(kind_of(trial), now, at_probe_, share_of_time(trial, excess_scatter), rate);
}

void knee_trials::kept(const depth_trial& trial) noexcept {
    const double gain = trial.ratio().value;
    // What was kept because it looked good is less good than it looked.
    share_of_best_ = trial.raises() ? std::min(1.0, share_of_best_ * gain)
                                    : share_of_best_ * std::min(gain, (1 + options_->cut_ratio) / 2);
    cuts_in_a_row_ = trial.raises() ? 0 : cuts_in_a_row_ + 1;
}

bool knee_trials::far_below_knee(const depth_trial& trial) const noexcept {
    return &trial == &leap_ ||
           (trial.raises() && trial.ratio().value > std::pow(trial.factor(), nearly_linear));
}

} // namespace aura::core

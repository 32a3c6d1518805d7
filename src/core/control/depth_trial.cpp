// depth_trial: alternating windows and their verdict.
#include "core/control/depth_trial.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr unsigned sub_windows_per_window = 4;
constexpr unsigned windows_max = 5; // probe, base, probe, base, probe
constexpr double decisive = 2.5;    // standard errors that decide after two sub-windows
constexpr double proof = 1.7;       // standard errors to keep the probe
constexpr double doubt = 1.0;       // standard errors to reject it
constexpr double at_a_glance = 4;   // to reject a raise after one
constexpr double quick_doubt = 1.3; // after two sub-windows: time above the limit costs latency

constexpr double pairs_min = 6;
constexpr double proof_of_pairs = 2.2; // it is looked for after every pair
constexpr unsigned pairs_at_first = 24;
constexpr unsigned pairs_again = 8;     // of a trial that was put off before
constexpr double pairs_remembered = 60; // then
} // namespace

void depth_trial::start(unsigned base, unsigned probe, double threshold,
                        const rate_window& base_rates) noexcept {
    base_rates_ = base_rates;
    scatter_ = base_rates.scatter();
    probe_rates_.clear();
    base_ = base;
    probe_ = probe;
    threshold_ = threshold;
    in_window_ = windows_ = 0;
    at_probe_ = active_ = true;
    paired_ = false;
}

void depth_trial::start_paired(unsigned base, unsigned probe, double threshold, double base_rate) noexcept {
    base_ = base;
    probe_ = probe;
    probe_rates_.clear();
    paired_ = true;
    pairs_ = sum_ = squares_ = 0;
    resume(threshold, base_rate);
}

void depth_trial::resume(double threshold, double base_rate) noexcept {
    threshold_ = threshold;
    in_window_ = windows_ = 0;
    at_probe_ = active_ = true;
    before_ = base_rate;
    left_ = pairs_ == 0 ? pairs_at_first : pairs_again;
    if (pairs_ > pairs_remembered) { // the device of today counts for more
        const double kept = pairs_remembered / pairs_;
        pairs_ *= kept;
        sum_ *= kept;
        squares_ *= kept;
    }
}

depth_trial::verdict depth_trial::add(double rate) noexcept {
    if (paired_)
        return add_paired(rate);
    (at_probe_ ? probe_rates_ : base_rates_).add(rate);
    ++in_window_;
    verdict result = judge();
    if (result == verdict::undecided && in_window_ == sub_windows_per_window) {
        in_window_ = 0;
        at_probe_ = !at_probe_;
        if (++windows_ == windows_max)
            result = verdict::rejected;
    }
    active_ = result == verdict::undecided;
    return result;
}

depth_trial::verdict depth_trial::judge() const noexcept {
    if (probe_rates_.count() == 1 && scatter_ > 0 && raises() && ratio().below(threshold_, at_a_glance))
        return verdict::rejected;
    if (probe_rates_.count() < 2)
        return verdict::undecided;
    const bool whole_window = windows_ > 0 || in_window_ == sub_windows_per_window;
    if (!whole_window && probe_rates_.count() > in_window_)
        return verdict::undecided; // resumed: a glance at the device of today first
    const rate_ratio gain = ratio();
    if (gain.above(threshold_, whole_window ? proof : decisive))
        return verdict::kept;
    if (gain.below(threshold_, whole_window ? doubt : raises() ? quick_doubt : decisive))
        return verdict::rejected;
    return verdict::undecided;
}

// ---- in pairs ----

depth_trial::verdict depth_trial::add_paired(double rate) noexcept {
    at_probe_ = !at_probe_;
    if (!at_probe_) {
        between_ = rate;
        probe_rates_.add(rate);
        return verdict::undecided;
    }
    if (before_ > 0 && between_ > 0 && rate > 0) {
        const double ratio = std::log(between_ / std::sqrt(before_ * rate));
        ++pairs_;
        sum_ += ratio;
        squares_ += ratio * ratio;
    }
    before_ = rate;
    verdict result = judge_pairs();
    if (--left_ == 0 && result == verdict::undecided)
        result = verdict::rejected;
    active_ = result == verdict::undecided;
    return result;
}

rate_ratio depth_trial::ratio_of_pairs() const noexcept {
    if (pairs_ < 2)
        return {1, 1};
    const double mean = sum_ / pairs_;
    const double variance = std::max(0.0, squares_ / pairs_ - mean * mean) / (pairs_ - 1);
    const double value = std::exp(mean);
    return {value, value * std::sqrt(variance) * (1 + 1.5 / (pairs_ - 1))};
}

depth_trial::verdict depth_trial::judge_pairs() const noexcept {
    if (pairs_ < pairs_min)
        return verdict::undecided;
    const rate_ratio gain = ratio_of_pairs();
    if (gain.above(threshold_, proof_of_pairs))
        return verdict::kept;
    return gain.below(threshold_, doubt) ? verdict::rejected : verdict::undecided;
}

} // namespace aura::core

// trial_comparisons: verdicts on windows and on pairs.
#include "core/control/trial_comparisons.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr unsigned sub_windows_per_window = 4;
constexpr unsigned windows_max = 5;   // probe, base, probe, base, probe
constexpr double decisive_gain = 2.5; // standard errors that decide after two sub-windows
constexpr double proof = 1.7;         // standard errors to keep the probe
constexpr double doubt = 1.0;         // standard errors to reject it
constexpr double at_a_glance = 4;     // to reject a raise after one
constexpr double quick_doubt = 1.3;   // after two sub-windows: time above the limit costs latency

constexpr double pairs_min = 6;
constexpr double proof_of_pairs = 2.2; // it is looked for after every pair
constexpr unsigned pairs_at_first = 24;
constexpr unsigned pairs_again = 8;     // of a trial that was put off before
constexpr double pairs_remembered = 60; // then
} // namespace

// ---- windows ----

trial_verdict window_comparison::add(double rate, double threshold, bool raises) noexcept {
    (at_probe_ ? probe_rates_ : base_rates_).add(rate);
    ++in_window_;
    const trial_verdict result = judge(threshold, raises);
    if (result != trial_verdict::undecided || in_window_ != sub_windows_per_window)
        return result;
    in_window_ = 0;
    at_probe_ = !at_probe_;
    return ++windows_ == windows_max ? trial_verdict::rejected : trial_verdict::undecided;
}

trial_verdict window_comparison::judge(double threshold, bool raises) const noexcept {
    if (probe_rates_.count() == 1 && scatter_ > 0 && raises && ratio().below(threshold, at_a_glance))
        return trial_verdict::rejected;
    if (probe_rates_.count() < 2)
        return trial_verdict::undecided;
    const bool whole_window = windows_ > 0 || in_window_ == sub_windows_per_window;
    if (!whole_window && probe_rates_.count() > in_window_)
        return trial_verdict::undecided; // resumed: a glance at the device of today first
    const rate_ratio gain = ratio();
    if (gain.above(threshold, whole_window ? proof : decisive_gain))
        return trial_verdict::kept;
    if (gain.below(threshold, whole_window ? doubt : raises ? quick_doubt : decisive_gain))
        return trial_verdict::rejected;
    return trial_verdict::undecided;
}

// ---- pairs ----

void paired_comparison::resume(double base_rate) noexcept {
    at_probe_ = true;
    before_ = base_rate;
    left_ = pairs_ == 0 ? pairs_at_first : pairs_again;
    if (pairs_ > pairs_remembered) { // the device of today counts for more
        const double kept = pairs_remembered / pairs_;
        pairs_ *= kept;
        sum_ *= kept;
        squares_ *= kept;
    }
}

trial_verdict paired_comparison::add(double rate, double threshold) noexcept {
    at_probe_ = !at_probe_;
    if (!at_probe_) {
        between_ = rate;
        probe_rates_.add(rate);
        return trial_verdict::undecided;
    }
    if (before_ > 0 && between_ > 0 && rate > 0) {
        const double ratio = std::log(between_ / std::sqrt(before_ * rate));
        ++pairs_;
        sum_ += ratio;
        squares_ += ratio * ratio;
    }
    before_ = rate;
    const trial_verdict result = judge(threshold);
    return --left_ == 0 && result == trial_verdict::undecided ? trial_verdict::rejected : result;
}

rate_ratio paired_comparison::ratio() const noexcept {
    if (pairs_ < 2)
        return {1, 1};
    const double mean = sum_ / pairs_;
    const double variance = std::max(0.0, squares_ / pairs_ - mean * mean) / (pairs_ - 1);
    const double value = std::exp(mean);
    return {value, value * std::sqrt(variance) * (1 + 1.5 / (pairs_ - 1))};
}

trial_verdict paired_comparison::judge(double threshold) const noexcept {
    if (pairs_ < pairs_min)
        return trial_verdict::undecided;
    const rate_ratio gain = ratio();
    if (gain.above(threshold, proof_of_pairs))
        return trial_verdict::kept;
    return gain.below(threshold, doubt) ? trial_verdict::rejected : trial_verdict::undecided;
}

} // namespace aura::core

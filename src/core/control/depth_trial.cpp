// depth_trial: two depths and the way in which they are compared.
#include "core/control/depth_trial.hpp"

namespace aura::core {

void depth_trial::set(unsigned base, unsigned probe, double threshold) noexcept {
    base_ = base;
    probe_ = probe;
    threshold_ = threshold;
}

// Either kind is made by a constructor that throws nothing, and so emplace() does not either.
// NOLINTBEGIN(bugprone-exception-escape)
void depth_trial::start(unsigned base, unsigned probe, double threshold,
                        const rate_window& base_rates) noexcept {
    set(base, probe, threshold);
    comparison_.emplace<window_comparison>(base_rates);
}

void depth_trial::start_paired(unsigned base, unsigned probe, double threshold, double base_rate) noexcept {
    set(base, probe, threshold);
    comparison_.emplace<paired_comparison>(base_rate);
}
// NOLINTEND(bugprone-exception-escape)

void depth_trial::resume(double threshold, double base_rate) noexcept {
    threshold_ = threshold;
    if (auto* const pairs = std::get_if<paired_comparison>(&comparison_))
        pairs->resume(base_rate);
    else
        std::get_if<window_comparison>(&comparison_)->resume();
}

depth_trial::verdict depth_trial::add(double rate) noexcept {
    if (auto* const pairs = std::get_if<paired_comparison>(&comparison_))
        return pairs->add(rate, threshold_);
    return std::get_if<window_comparison>(&comparison_)->add(rate, threshold_, raises());
}

} // namespace aura::core

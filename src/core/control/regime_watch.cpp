// regime_watch: blocks against the reference.
#include "core/control/regime_watch.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr unsigned sub_windows_per_block = 4;
constexpr unsigned wandering_seen_in = 16; // sub-windows
constexpr unsigned patience_min = 3;
constexpr unsigned patience_max = 48;
constexpr unsigned patience_stretch = 12; // from here on longer sub-windows
constexpr unsigned stretched = 4;
constexpr double far_factor = 2;
constexpr unsigned far_sub_windows = 3;
constexpr double far_completions = 10;         // of fewer, half come by chance
constexpr nanoseconds_t far_for = 100'000'000; // a pause of the device is shorter
constexpr double block_deviations = 4;         // standard deviations of a block
} // namespace

void regime_watch::restart() noexcept {
    reference_.clear();
    block_.clear();
    deviating_.clear();
    deviations_ = 0;
    far_ = change::none;
}

std::optional<rate_window> regime_watch::add(double rate) noexcept {
    block_.add(rate);
    if (block_.count() < sub_windows_per_block)
        return std::nullopt;
    const rate_window block = block_;
    block_.clear();
    return block;
}

regime_watch::change regime_watch::judge(const rate_window& block, nanoseconds_t now) noexcept {
    if (reference_.count() == 0) {
        reference_ = block;
        return change::none;
    }
    const double ratio = (block.estimate() / reference_.estimate()).value;
    const double visible = block_deviations * reference_.scatter() / std::sqrt(double{sub_windows_per_block});
    if (std::abs(ratio - 1) <= std::clamp(visible, options_->regime_change_min, options_->regime_change)) {
        // What has come and gone is part of what this device does.
        reference_.add(deviating_);
        reference_.add(block);
        deviations_ = 0;
        deviating_.clear();
        return change::none;
    }
    deviating_.add(block);
    if (++deviations_ < patience_)
        return change::none;
    deviations_ = 0;
    learn_patience(now);
    return ratio > 1 ? change::rose : change::fell;
}

regime_watch::change regime_watch::far_off(double rate, nanoseconds_t now, nanoseconds_t length) noexcept {
    const double reference = reference_.estimate().rate;
    const double expected = reference * static_cast<double>(length) / 1e9; // completions
    const change side = expected < far_completions      ? change::none
                        : rate * far_factor < reference ? change::fell
                        : rate > far_factor * reference ? change::rose
                                                        : change::none;
    if (side != far_) { // it was in between that the device changed: this sub-window is of both
        far_ = side;
        far_since_ = now - length;
        far_off_.clear();
        return change::none;
    }
    if (side == change::none)
        return side;
    far_off_.add(rate);
    if (far_off_.count() < far_sub_windows || now - far_since_ < far_for * patience_ / patience_min)
        return change::none;
    far_ = change::none;
    deviations_ = 0;
    deviating_ = far_off_;
    learn_patience(now);
    return side;
}

void regime_watch::learn_patience(nanoseconds_t now) noexcept {
    const nanoseconds_t calm = now - changed_;
    if (changed_ != 0 && calm < options_->converge_after)
        patience_ = std::min(2 * patience_, patience_max);
    else if (calm > 4 * options_->converge_after)
        patience_ = patience_min;
    if (patience_ >= patience_stretch)
        stretch_sub_windows();
    changed_ = now;
}

bool regime_watch::calm() const noexcept {
    return (deviations_ == 0 || wanders_) && reference_.count() >= sub_windows_per_block;
}

bool regime_watch::may_judge_wandering() const noexcept {
    return reference_.count() >= wandering_seen_in;
}

void regime_watch::watch_wandering(const rate_window& rates, double excess_scatter) noexcept {
    const bool scatters = excess_scatter > (wanders_ ? 0.7 : 1) * options_->wandering;
    wanders_ = scatters && rates.independence() < (wanders_ ? 1.6 : 1.3);
    if (wanders_ && patience_ < patience_stretch)
        patience_ = patience_stretch - 1; // it comes back by itself, mostly
}

bool regime_watch::restless() const noexcept {
    return patience_ > patience_min;
}

void regime_watch::stretch_sub_windows() noexcept {
    stretch_ = stretched;
}

} // namespace aura::core

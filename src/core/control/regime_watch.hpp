// regime_watch: whether the device is still the one that was measured, and whether its speed wanders.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/rate_window.hpp"

#include <cstdint>
#include <optional>

namespace aura::core {

/// Compares blocks of sub-windows with a reference at the same limit. Several that deviate in a row are a
/// change of the device, after which the knee is searched for again; what comes and goes is part of what the
/// device does. One that changes all the time (a neighbour that comes and goes) cannot be followed: what it
/// does on average counts, until it has been calm for a while.
class regime_watch {
public:
    enum class change : std::uint8_t { none, fell, rose };

    explicit regime_watch(const controller_options& options) noexcept
        : options_(&options) {}

    /// The device is looked at for the first time after a rest: not disturbed, as far as is known.
    void engage() noexcept {
        stretch_ = 1;
        wanders_ = false;
    }
    /// Everything at this limit is to be measured.
    void restart() noexcept;

    /// One sub-window; returns the block that it completes.
    std::optional<rate_window> add(double rate) noexcept;
    /// What such a block means. The first is the reference.
    change judge(const rate_window& block, nanoseconds_t now) noexcept;
    /// Every sub-window at the limit or near it, also those of trials: whether the rate is less than half of its
    /// reference, or more than twice it, for longer than a pause. That is seen sooner than a change of a fifth
    /// is, and the search that follows has the rates since then alone.
    change far_off(double rate, nanoseconds_t now, nanoseconds_t length) noexcept;
    /// The load was less than the limit meanwhile, so the rate says nothing of the device.
    void forget_far_off() noexcept { far_ = change::none; }
    /// After a change: the rates of the new device.
    const rate_window& deviating() const noexcept { return deviating_; }

    /// At the present limit.
    const rate_window& reference() const noexcept { return reference_; }
    void set_reference(const rate_window& rates) noexcept { reference_ = rates; }
    void drop_reference() noexcept { reference_.clear(); }
    /// The sub-windows so far were measured at another limit.
    void drop_block() noexcept { block_.clear(); }

    /// The reference is known, and the rate keeps to it or would not anyway.
    bool calm() const noexcept;
    /// There is enough of the reference to see whether it wanders.
    bool may_judge_wandering() const noexcept;

    /// Decides from rates, and from how much more they scatter than independent completions would, whether
    /// the speed wanders: others use the device. With some distance between beginning and end of it.
    void watch_wandering(const rate_window& rates, double excess_scatter) noexcept;
    bool wanders() const noexcept { return wanders_; }

    /// It has changed more than once lately.
    bool restless() const noexcept;

    /// Something slower goes on: sub-windows average over more of it from now on.
    void stretch_sub_windows() noexcept;
    /// How many times longer than they have to be.
    unsigned stretch() const noexcept { return stretch_; }

private:
    void learn_patience(nanoseconds_t now) noexcept;

    const controller_options* options_;
    rate_window reference_;
    rate_window block_; // the sub-windows that are compared with it
    rate_window deviating_;
    rate_window far_off_;         // the latest sub-windows, all of them on the same side
    nanoseconds_t far_since_ = 0; // when the first of them began
    change far_ = change::none;   // and the side
    unsigned deviations_ = 0;
    unsigned patience_ = 3; // deviating blocks in a row that are a change of the device
    nanoseconds_t changed_ = 0;
    unsigned stretch_ = 1;
    bool wanders_ = false;
};

} // namespace aura::core

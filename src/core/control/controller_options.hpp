// controller_options: every constant of the adaptive controller, with its meaning and its unit.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

namespace aura::core {

/// Chosen at construction of an adaptive_controller. The defaults are what the simulation was run with
/// (doc/controller.md); most programs change nothing, or max_p99 and min_in_flight, which have setters too.
struct controller_options {
    static constexpr nanoseconds_t ms = 1'000'000;

    // ---- what a user asks for ----

    /// False: the gate stays open whatever happens.
    bool enabled = true;
    /// The 99th percentile of the device's latency to stay below; 0: no ceiling, the knee alone decides.
    nanoseconds_t max_p99 = 0;
    /// The limit never falls below this many operations in flight, on the whole device. At least 1.
    unsigned min_in_flight = 1;

    // ---- ticks and windows ----

    /// Distance of ticks while the device is under load. Also the shortest sub-window.
    nanoseconds_t tick = 10 * ms;
    /// A sub-window lasts until it has this many completions, or `sub_window_max`.
    unsigned sub_window_completions = 30;
    nanoseconds_t sub_window_max = 250 * ms;
    /// A measurement ends when it is decided, after `window_sub_windows` at the earliest (2 if it is far from
    /// its threshold), undecided after `window_sub_windows_max`.
    unsigned window_sub_windows = 5;
    unsigned window_sub_windows_max = 16;
    /// The baseline is measured for this long and until its standard error is below this, within the same
    /// bounds.
    nanoseconds_t baseline_min = 100 * ms;
    double baseline_error = 0.012;
    /// How many standard errors a ratio has to be away from its threshold to be decided.
    double confidence = 1.5;
    /// After a change of the limit nothing counts for this long, or twice the mean latency if that is more.
    nanoseconds_t skip = 10 * ms;

    // ---- Passthrough: when to engage ----

    /// Engages when at least this many operations are in flight ...
    unsigned engage_depth = 16;
    /// ... and the mean latency (depth / rate) is at least this, at every tick ...
    nanoseconds_t engage_latency = 250'000;
    /// ... for this long. Fewer operations engage as well when depth x latency is as large as the product of
    /// the two above: eight in flight on a disk that takes a millisecond for each.
    nanoseconds_t engage_after = 100 * ms;
    /// A load that did not need the gate engages it again only when depth or latency have grown by this
    /// factor ...
    double engage_again_growth = 1.25;
    /// ... or this time has passed (doubling up to 16 times it while the answer stays the same).
    nanoseconds_t engage_again_after = 60'000 * ms;

    // ---- Probing: the search for the knee ----

    /// A lower depth holds if it keeps this share of the best rate seen.
    double hold_ratio = 0.975;
    /// Doubling goes on while it gains this factor.
    double gain_ratio = 1.045;
    /// The search ends when the depth that holds is below this multiple of one that does not.
    double resolution = 1.13;

    // ---- without a ceiling: what the gate has to bring ----

    /// It keeps this share of the rate that the device has without it ...
    double proof_rate = 0.98;
    /// ... and the P99 comes down to this share of what it is without.
    double proof_latency = 0.75;
    /// The proof is renewed after the first of these times, and later, up to the second, where what was started
    /// with the gate open meanwhile would be more than this share of all.
    nanoseconds_t proof_gap_min = 10'000 * ms;
    nanoseconds_t proof_gap_max = 600'000 * ms;
    double proof_share = 0.003;
    /// A load without benefit on a device whose speed wanders is left alone until its latency has grown by this
    /// factor: what the device does by itself is less.
    double engage_again_wandering = 4;

    // ---- Settling, Steady, Converged ----

    nanoseconds_t settle = 100 * ms;
    /// Trials of more and of less depth: the smallest and the largest step (as a factor). Scatter of the rate
    /// makes steps larger.
    double trial_step_min = 1.10;
    double trial_step_max = 1.25;
    double cut_step_max = 1.5; ///< for trials of less depth, which cost no latency
    /// A raise is kept if the rate gains more than step to this power: 0 would be any gain, 1 a linear one.
    double raise_elasticity = 0.30;
    /// The same for a step above trial_step_max.
    double raise_elasticity_coarse = 0.25;
    /// On a device whose speed wanders, where a trial is a comparison of pairs: its step, and what a raise
    /// has to gain.
    double paired_raise = 2;
    double paired_cut = 1.5;
    double paired_gain = 1.03;
    /// It wanders when its rate scatters by this many times what independent completions would.
    double wandering = 2;
    /// A cut is kept if the rate keeps this share (and hold_ratio of the best rate overall).
    double cut_ratio = 0.98;
    /// Gap before the first trial after a change of the limit; it doubles up to the maximum.
    nanoseconds_t trial_gap_min = 300 * ms;
    nanoseconds_t trial_gap_max = 2'000 * ms;
    /// Trials of either kind are never at their depth for more than this share of the time ...
    double trial_share = 0.06;
    /// ... but on a device that is not slow this gap is the longest, to find capacity that has come back, ...
    nanoseconds_t trial_rest_max = 3'000 * ms;
    /// ... and raises this share where the smallest step exceeds trial_step_max (a depth of 1 to 3): one
    /// percent of operations with twice the latency would be the 99th percentile.
    double trial_share_coarse = 0.006;
    /// Where steps are coarse or the device is disturbed, capacity that comes back all at once shows at this many
    /// times the depth, by this gain, at a glance; that often at most, and for this share of the time.
    double leap = 2;
    double leap_gain = 1.3;
    nanoseconds_t leap_gap = 2'000 * ms;
    double leap_share = 0.004;
    /// A rate this far from its reference in three windows running is a change of the device: search again.
    /// Where the rate scatters little, less will do, down to the minimum.
    double regime_change = 0.20;
    double regime_change_min = 0.08;
    /// Steady without a change of the limit for this long is Converged.
    nanoseconds_t converge_after = 5'000 * ms;
    /// Nothing waits and fewer than the limit are in flight for this long: back to Passthrough.
    nanoseconds_t disengage_after = 100 * ms;
    /// So does a gate at which most operations do not wait, after this long.
    nanoseconds_t disengage_unsaturated = 1'500 * ms;

    // ---- Backoff: latency as guard and as ceiling ----

    /// What Backoff multiplies the limit by.
    double backoff = 0.80;
    /// The guard is this multiple of the P99 at the knee; `guard_ceiling` until that is known.
    double guard_multiple = 10;
    nanoseconds_t guard_ceiling = 10 * ms;
    /// Latency samples a judgement of the P99 takes at least. A ceiling that is nearly met takes four times
    /// as many.
    unsigned p99_samples = 400;
    /// With a ceiling: the limit is cut when the P99 is above `ceiling_high` of it and raised again below
    /// `ceiling_low`, in both cases aiming at `ceiling_aim`.
    double ceiling_aim = 1.0;
    double ceiling_high = 1.03;
    double ceiling_low = 0.97;
};

} // namespace aura::core

// latency_guard: when the P99 has left what it was at the knee.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/load_reading.hpp"

namespace aura::core {

/// A P99 far above what it was at the knee means that something is wrong, whatever it is: the controller backs
/// off and searches again. Twice in a row, for a P99 of few samples is easily too high once.
class latency_guard {
public:
    explicit latency_guard(const controller_options& options) noexcept
        : options_(&options) {}

    /// There are samples enough to judge by.
    bool may_judge(const latency_sample& latency) const noexcept {
        return latency.count >= options_->p99_samples;
    }

    /// Whether the controller is to back off. `mean_latency`, in seconds, stands for the P99 at the knee until
    /// that is known, which it is after the first good judgement.
    bool exceeded(nanoseconds_t p99, double mean_latency) noexcept;

    /// What the P99 is at the knee is to be learnt anew.
    void forget_baseline() noexcept { baseline_ = 0; }
    void reset() noexcept {
        baseline_ = 0;
        trips_ = 0;
    }

private:
    const controller_options* options_;
    nanoseconds_t baseline_ = 0; // 0: not known
    unsigned trips_ = 0;
};

} // namespace aura::core

// latency_guard: the judgement.
#include "core/control/latency_guard.hpp"

#include <algorithm>

namespace aura::core {

bool latency_guard::exceeded(nanoseconds_t p99, double mean_latency) noexcept {
    const double guard = baseline_ != 0
                             ? options_->guard_multiple * static_cast<double>(baseline_)
                             : std::max(static_cast<double>(options_->guard_ceiling),
                                        options_->guard_multiple * mean_latency * nanoseconds_per_second);
    if (static_cast<double>(p99) <= guard) {
        trips_ = 0;
        if (baseline_ == 0)
            baseline_ = p99;
        return false;
    }
    if (++trips_ < 2)
        return false;
    reset();
    return true;
}

} // namespace aura::core

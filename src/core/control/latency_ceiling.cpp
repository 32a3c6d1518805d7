// latency_ceiling: judgements of a P99, and the steps that follow from them.
#include "core/control/latency_ceiling.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

void latency_ceiling::change(nanoseconds_t max_p99) noexcept {
    const bool lifts = max_p99 != options_->max_p99 && (max_p99 == 0 || max_p99 > options_->max_p99);
    lifted_ = lifted_ || (bound_ && lifts);
}

std::optional<double> latency_ceiling::judge(const latency_sample& latency, bool open,
                                             bool searching) noexcept {
    if (options_->max_p99 == 0 || latency.count < (open ? options_->p99_samples / 2 : options_->p99_samples))
        return std::nullopt;
    const double share = static_cast<double>(latency.p99) / static_cast<double>(options_->max_p99);
    // Near the aim a surer figure is needed.
    const double off = std::abs(share - 1);
    if ((off < 0.4 && latency.count < std::uint64_t{4} * options_->p99_samples) ||
        (off < 0.1 && latency.count < std::uint64_t{16} * options_->p99_samples))
        return std::nullopt;
    if (searching && share <= 1)
        return std::nullopt;
    p99_ = latency.p99;
    return share;
}

double latency_ceiling::cut(double depth, double share, bool open) const noexcept {
    const double factor = options_->ceiling_aim / share;
    return std::min(depth - 1, depth * (open ? factor : std::max(options_->backoff, factor)));
}

// Latency grows more slowly than depth: aiming at the ceiling falls short of it.
double latency_ceiling::raised(double depth, double share) const noexcept {
    return std::max(depth + 1, depth * std::min(1.15, options_->ceiling_aim / share));
}

bool latency_ceiling::forbids(double factor) const noexcept {
    return options_->max_p99 != 0 &&
           (bound_ || static_cast<double>(p99_) * factor > static_cast<double>(options_->max_p99));
}

} // namespace aura::core

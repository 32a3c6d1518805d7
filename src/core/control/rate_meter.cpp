// rate_meter: sums over ticks.
#include "core/control/rate_meter.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr nanoseconds_t longest_alias = 100'000'000;
constexpr nanoseconds_t bursts_seen = 8;
constexpr double crowded = 1.1; // times the limit: a gate that holds back less is not worth a decision
} // namespace

void rate_meter::begin(const load_reading& now) noexcept {
    start_ = now;
    depth_sum_ = 0;
    demand_sum_ = 0;
    ticks_ = 0;
}

void rate_meter::add(const load_reading& now) noexcept {
    depth_sum_ += static_cast<double>(now.load.in_flight);
    demand_sum_ += now.demand();
    ++ticks_;
}

void rate_meter::engage(const load_reading& now, double depth) noexcept {
    const double ops = operations(now);
    bytes_per_operation_ = ops > 0 ? static_cast<double>(now.load.bytes - start_.load.bytes) / ops : 0;
    rate_ = plain_rate(now);
    depth_ = depth;
    begin(now);
}

// Operations completed, each counted half as one and half by its bytes: of a mixture of sizes, a stretch with
// few large ones has more operations and fewer bytes, and the sum varies less than either.
double rate_meter::work(const load_reading& now) const noexcept {
    const double ops = operations(now);
    if (bytes_per_operation_ <= 0)
        return ops;
    return 0.5 * ops + 0.5 * static_cast<double>(now.load.bytes - start_.load.bytes) / bytes_per_operation_;
}

bool rate_meter::complete(const load_reading& now, nanoseconds_t shortest) const noexcept {
    const std::uint64_t completed = now.load.completed - start_.load.completed;
    return length(now) >= shortest &&
           (completed >= options_->sub_window_completions || length(now) >= options_->sub_window_max);
}

rate_meter::reading rate_meter::finish(const load_reading& now, unsigned limit) noexcept {
    const std::uint64_t submitted = now.load.submitted - start_.load.submitted;
    const std::uint64_t delayed = now.load.delayed - start_.load.delayed;
    depth_ = mean_depth();
    rate_ = work(now) / in_seconds(length(now));
    reading result;
    result.rate = rate_;
    result.completions = operations(now);
    result.length = length(now);
    result.saturated =
        limit == no_limit || (demand_sum_ > crowded * ticks_ * limit && 2 * delayed > submitted);
    result.full = depth_ > 0.9 * limit;
    begin(now);
    return result;
}

nanoseconds_t rate_meter::shortest(unsigned stretch) const noexcept {
    return stretch * std::max(options_->tick, std::min(twice_latency(), longest_alias));
}

nanoseconds_t rate_meter::shortest_alone(nanoseconds_t mean_latency) const noexcept {
    return std::max(options_->tick, std::min(bursts_seen * mean_latency, longest_alias));
}

double rate_meter::excess_scatter(const rate_window& rates, nanoseconds_t length) const noexcept {
    const double count = rates.estimate().rate * in_seconds(length);
    return rates.scatter() *
           std::sqrt(std::max(count, static_cast<double>(options_->sub_window_completions)));
}

} // namespace aura::core

// latency_histogram: snapshots and what can be asked of them.
#include "auraio/core/stats/latency_histogram.hpp"

#include "auraio/core/base/observer.hpp"

#include <cmath>
#include <new>
#include <type_traits>

namespace aura::core {

latency_snapshot::latency_snapshot(std::span<const std::uint64_t, latency_buckets::count> buckets,
                                   std::uint64_t sum) noexcept
    : sum_(sum) {
    for (std::size_t i = 0; i < latency_buckets::count; ++i)
        count_ += buckets_[i] = buckets[i];
}

void latency_histogram::begin() noexcept {
    static_assert(std::is_trivially_destructible_v<counts>); // nobody destroys them
    ::new (static_cast<void*>(&counts_)) counts;
    happens_before(&has_begun_);
    has_begun_.store(true, std::memory_order_release);
}

latency_snapshot latency_histogram::snapshot() const noexcept {
    latency_snapshot s;
    if (!has_begun_.load(std::memory_order_acquire))
        return s;
    happens_after(&has_begun_);
    for (std::size_t i = 0; i < latency_buckets::count; ++i) {
        s.buckets_[i] = counts_.buckets[i].load(std::memory_order_relaxed);
        s.count_ += s.buckets_[i];
    }
    s.sum_ = counts_.sum.load(std::memory_order_relaxed);
    return s;
}

std::uint64_t latency_snapshot::percentile(double fraction) const noexcept {
    if (count_ == 0)
        return 0;
    // At least one: the fraction 0 asks for the smallest. At most all of them, whatever rounding made of it.
    const double wanted = std::ceil(fraction * static_cast<double>(count_));
    std::uint64_t rank = wanted < 1.0 ? 1 : count_;
    if (wanted >= 1.0 && wanted < static_cast<double>(count_))
        rank = static_cast<std::uint64_t>(wanted);
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    for (;; ++bucket) {
        seen += buckets_[bucket];
        if (seen >= rank)
            return latency_buckets::highest_in(bucket);
    }
}

std::uint64_t latency_snapshot::count_at_most(std::uint64_t nanoseconds) const noexcept {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i <= latency_buckets::index(nanoseconds); ++i)
        seen += buckets_[i];
    return seen;
}

latency_snapshot& latency_snapshot::operator+=(const latency_snapshot& other) noexcept {
    for (std::size_t i = 0; i < latency_buckets::count; ++i)
        buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    return *this;
}

latency_snapshot& latency_snapshot::operator-=(const latency_snapshot& earlier) noexcept {
    for (std::size_t i = 0; i < latency_buckets::count; ++i)
        buckets_[i] -= earlier.buckets_[i];
    count_ -= earlier.count_;
    sum_ -= earlier.sum_;
    return *this;
}

} // namespace aura::core

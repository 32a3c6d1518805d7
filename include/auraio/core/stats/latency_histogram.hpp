// latency_histogram: how often each latency occurred, in logarithmic buckets; written by one thread, read by
// any.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace aura::core {

/// Which bucket a value belongs to. Every power of two is divided into 32 linear buckets, so a bucket is at
/// most 1/32 (3.1 %) of its lowest value wide; values below 64 ns have a bucket each.
struct latency_buckets {
    static constexpr unsigned precision_bits = 5;
    static constexpr std::size_t per_power = std::size_t{1} << precision_bits;
    /// Values from 2^40 ns (18 minutes) on are counted as this: nothing whose latency matters takes longer.
    static constexpr std::uint64_t largest = (std::uint64_t{1} << 40) - 1;

    static constexpr std::size_t index(std::uint64_t nanoseconds) noexcept {
        const std::uint64_t value = nanoseconds < largest ? nanoseconds : largest;
        if (value < per_power)
            return value;
        // The leading one and the five bits below it: the exponent counts in steps of 32, the five bits
        // within.
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - precision_bits;
        const std::size_t leading = value >> shift;
        return shift * per_power + leading;
    }

    static constexpr std::size_t count = 36 * per_power; // index(largest) + 1

    static constexpr std::uint64_t lowest_in(std::size_t bucket) noexcept {
        if (bucket < 2 * per_power)
            return bucket;
        const std::size_t shift = bucket / per_power - 1;
        const std::uint64_t leading = bucket % per_power + per_power;
        return leading << shift;
    }
    static constexpr std::uint64_t highest_in(std::size_t bucket) noexcept {
        return lowest_in(bucket + 1) - 1;
    }
};
static_assert(latency_buckets::index(latency_buckets::largest) + 1 == latency_buckets::count);

/// The contents of histograms at one moment: a value, to be merged, subtracted and asked.
///
/// What it answers is never below the exact answer and at most 3.1 % above it (below 64 ns: exact).
class latency_snapshot {
public:
    latency_snapshot() = default;
    /// From counts that were taken out of snapshots, see buckets().
    latency_snapshot(std::span<const std::uint64_t, latency_buckets::count> buckets,
                     std::uint64_t sum) noexcept;

    /// The number of latencies recorded.
    std::uint64_t count() const noexcept { return count_; }

    /// Their sum in nanoseconds, exact. Taken while the writer is at work it may lack, or include, latencies
    /// that count() includes, or lacks.
    std::uint64_t sum() const noexcept { return sum_; }
    /// Their mean in nanoseconds; 0 when there is none.
    double mean() const noexcept {
        return count_ ? static_cast<double>(sum_) / static_cast<double>(count_) : 0.0;
    }

    /// The smallest latency such that at least the `fraction` (0 to 1) of all are no larger: percentile(0.99)
    /// is the P99. The nearest-rank definition: no interpolation. 0 when there is none.
    std::uint64_t percentile(double fraction) const noexcept;
    /// 0 when there is none.
    std::uint64_t max() const noexcept { return percentile(1.0); }

    /// How many were at most `nanoseconds`, those in the bucket of `nanoseconds` included.
    std::uint64_t count_at_most(std::uint64_t nanoseconds) const noexcept;

    /// Adds what other histograms have seen.
    latency_snapshot& operator+=(const latency_snapshot& other) noexcept;
    /// What has been recorded since `earlier`, a snapshot of the same histogram, or a merge of the same ones.
    latency_snapshot& operator-=(const latency_snapshot& earlier) noexcept;
    friend latency_snapshot operator-(latency_snapshot later, const latency_snapshot& earlier) noexcept {
        return later -= earlier;
    }
    /// How many are in each bucket, see latency_buckets.
    std::span<const std::uint64_t, latency_buckets::count> buckets() const noexcept { return buckets_; }

    bool operator==(const latency_snapshot&) const noexcept = default;

private:
    friend class latency_histogram;

    std::array<std::uint64_t, latency_buckets::count> buckets_{};
    std::uint64_t count_ = 0; // always the sum of buckets_
    std::uint64_t sum_ = 0;
};

/// Latencies of one ring. record() belongs to one thread at a time, everything else to any. 9 KiB, which are filled
/// with zeros by the first record(): most contexts that live for a moment have none.
///
/// Ordering: relaxed throughout, but for that beginning: who sees it (acquire) sees the zeros that were there before
/// it was shown (release). Each counter has one writer (when the writer changes, whatever hands the ring over orders
/// the two), so a load and a store make no lost update and cost no locked instruction. A reader may see some counters
/// of a record() and not others; nothing but the counters themselves is published through them.
class latency_histogram {
public:
    latency_histogram() noexcept {} // NOLINT(*-member-init): see begin()
    latency_histogram(const latency_histogram&) = delete;
    latency_histogram& operator=(const latency_histogram&) = delete;

    void record(std::uint64_t nanoseconds) noexcept {
        if (!has_begun_.load(std::memory_order_relaxed)) [[unlikely]] // its own
            begin();
        bump(counts_.buckets[latency_buckets::index(nanoseconds)], 1);
        bump(counts_.sum, nanoseconds);
    }

    /// Any thread, at any time, without disturbing the writer.
    latency_snapshot snapshot() const noexcept;

private:
    struct counts {
        std::array<std::atomic<std::uint64_t>, latency_buckets::count> buckets{};
        std::atomic<std::uint64_t> sum{0};
    };

    static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    void begin() noexcept;

    std::atomic<bool> has_begun_{false};
    union {
        counts counts_; // from begin() on
    };
};

} // namespace aura::core

// ring_selector: which ring a request goes to when any of them would do.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace aura::core {

/// How requests that any ring can carry out are spread.
enum class ring_selection : std::uint8_t {
    /// The ring of the caller's processor, unless that ring is crowded and the others are not. The default.
    adaptive,
    /// Always the ring of the caller's processor, as it was at most 32 requests ago.
    cpu_local,
    /// One after the other: spreads the requests of a single thread over all rings.
    round_robin,
    /// Always the ring the calling thread was given at its first request; threads are dealt out evenly.
    thread_bound,
};

/// What a ring holds at the moment of asking.
struct ring_load {
    std::uint32_t in_flight; ///< requests submitted and not reaped
    std::uint32_t capacity;  ///< of its completion queue
};

/// Decides; knows neither rings nor clocks: the processor, the loads and random bits come in as arguments.
/// select() is called by any thread, with a caller of its own.
///
/// Adaptive spills only when both hold: the local ring's completion queue is 75 % full, and it holds more
/// than twice the average of the others (when all are crowded, moving costs the cache and gains nothing).
/// Then it takes the lighter of two others picked at random, which spreads better than one and costs no
/// search for the lightest, and stays if even that one is no lighter. The average leaves the local ring out:
/// with it, no ring of two could exceed twice the average. How much a device can take plays no part: that is
/// the controller's, and every ring shares it.
class ring_selector {
public:
    /// What one calling thread remembers from request to request.
    class caller {
    public:
        caller() = default;

    private:
        friend class ring_selector;
        static constexpr std::uint32_t unset = ~std::uint32_t{0};
        std::uint32_t ring_ =
            unset; // of this processor, of this thread, or the last one taken: as the mode has it
        std::uint32_t requests_until_refresh_ = 0;
    };

    struct choice {
        unsigned ring;
        bool spilled; ///< it is not the ring of the caller's processor, because that one was crowded
    };

    /// How many requests share one look at the processor number.
    static constexpr std::uint32_t refresh_interval = 32;

    /// `cpus`: the processors this process may use, ascending; they are dealt to the rings in that order, so
    /// that rings are used evenly whichever processors those are. Preconditions: ring_count >= 1.
    ring_selector(ring_selection mode, unsigned ring_count, std::span<const unsigned> cpus);

    /// `cpu()` returns the caller's processor; it is called once in 32 requests. `load(i)` returns the
    /// ring_load of ring i; it is called only when adaptive, and beyond the local ring only when that is
    /// crowded. `random()` returns 64 random bits; it is called only when there is a choice.
    template <class Cpu, class Load, class Random>
    choice select(caller& c, Cpu&& cpu, Load&& load, Random&& random) {
        switch (mode_) {
        case ring_selection::round_robin:
            c.ring_ = c.ring_ == caller::unset ? deal_out() : (c.ring_ + 1 == count_ ? 0 : c.ring_ + 1);
            return {c.ring_, false};
        case ring_selection::thread_bound:
            if (c.ring_ == caller::unset) [[unlikely]]
                c.ring_ = deal_out();
            return {c.ring_, false};
        case ring_selection::cpu_local:
        case ring_selection::adaptive:
            break;
        }
        if (c.requests_until_refresh_ == 0) [[unlikely]] {
            c.ring_ = ring_of_cpu(cpu());
            c.requests_until_refresh_ = refresh_interval;
        }
        --c.requests_until_refresh_;
        if (mode_ == ring_selection::cpu_local || count_ == 1)
            return {c.ring_, false};
        const ring_load local = load(c.ring_);
        if (!crowded(local)) [[likely]]
            return {c.ring_, false};
        return relieve(c.ring_, local, load, random);
    }

    unsigned ring_of_cpu(unsigned cpu) const noexcept {
        return cpu < ring_of_cpu_.size() ? ring_of_cpu_[cpu] : cpu % count_;
    }

    ring_selection mode() const noexcept { return mode_; }
    unsigned ring_count() const noexcept { return count_; }

    /// Any thread: how many requests left this ring for another because it was crowded.
    std::uint64_t spills(unsigned ring) const noexcept {
        return spills_[ring].value.load(std::memory_order_relaxed);
    }

    /// 75 % of the completion queue or more.
    static constexpr bool crowded(ring_load l) noexcept {
        return std::uint64_t{l.in_flight} * 4 >= std::uint64_t{l.capacity} * 3;
    }

private:
    struct alignas(64) counter {
        // Relaxed: a statistic, nothing is ordered by it. Shared, but counted only when a ring is crowded.
        std::atomic<std::uint64_t> value{0};
    };

    // Threads start at different rings. Relaxed: only the numbers have to differ.
    std::uint32_t deal_out() noexcept { return next_.fetch_add(1, std::memory_order_relaxed) % count_; }

    template <class Load, class Random>
    choice relieve(unsigned local, ring_load local_load, Load& load, Random& random) {
        std::uint64_t others = 0;
        for (unsigned i = 0; i < count_; ++i)
            if (i != local)
                others += load(i).in_flight;
        if (std::uint64_t{local_load.in_flight} * (count_ - 1) <= 2 * others)
            return {local, false};
        const unsigned ring = lighter_of_two(local, load, random);
        if (load(ring).in_flight >= local_load.in_flight)
            return {local, false};
        spills_[local].value.fetch_add(1, std::memory_order_relaxed);
        return {ring, true};
    }

    template <class Load, class Random>
    unsigned lighter_of_two(unsigned local, Load& load, Random& random) {
        if (count_ == 2)
            return 1 - local;
        const std::uint64_t bits = random();
        // The k-th of the others, and the j-th of those that are left: two different ones, each as likely.
        const auto k = static_cast<unsigned>((bits & 0xffffffff) * (count_ - 1) >> 32);
        auto j = static_cast<unsigned>((bits >> 32) * (count_ - 2) >> 32);
        j += j >= k;
        const unsigned first = k + (k >= local);
        const unsigned second = j + (j >= local);
        return load(second).in_flight < load(first).in_flight ? second : first;
    }

    const ring_selection mode_;
    const unsigned count_;
    std::vector<std::uint32_t> ring_of_cpu_;
    std::unique_ptr<counter[]> spills_;
    std::atomic<std::uint32_t> next_{0};
};

} // namespace aura::core

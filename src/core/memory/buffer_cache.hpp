// buffer_cache: the buffers a thread keeps of one pool, and how a thread finds its cache.
#pragma once

#include "auraio/core/memory/size_classes.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace aura::core {

class buffer_depot;

/// Used by its thread alone, apart from the counters, which anyone may read.
///
/// Ordering: counters are relaxed, a load and a store by their one writer: statistics, through which nothing
/// is published. Memory passes between threads under the mutexes of shards, or as the user passes buffers
/// around.
class alignas(64) buffer_cache {
public:
    static constexpr unsigned slots_max = 32;
    using capacities = std::array<std::uint8_t, size_classes::count>;

    buffer_cache(buffer_depot& depot, const capacities& limits, unsigned home) noexcept
        : depot_(depot)
        , capacity_(limits)
        , home_(home) {}
    buffer_cache(const buffer_cache&) = delete;

    /// Null when the depot has nothing either.
    void* take(std::size_t size_class) noexcept {
        slots& s = slots_[size_class];
        const std::uint32_t kept = s.kept.load(std::memory_order_relaxed);
        if (kept == 0) [[unlikely]]
            return refill(size_class);
        void* buffer = s.buffers[kept - 1];
        s.kept.store(kept - 1, std::memory_order_relaxed);
        bump(s.allocations);
        return buffer;
    }

    void give(std::size_t size_class, void* buffer) noexcept {
        slots& s = slots_[size_class];
        std::uint32_t kept = s.kept.load(std::memory_order_relaxed);
        if (kept == capacity_[size_class]) [[unlikely]]
            kept = make_room(size_class);
        s.buffers[kept] = buffer;
        s.kept.store(kept + 1, std::memory_order_relaxed);
        bump(s.deallocations);
    }

    /// Gives everything to the depot.
    void flush() noexcept;

    /// The shard it takes from.
    unsigned home() const noexcept { return home_; }

    struct slots {
        std::atomic<std::uint32_t> kept{0};
        std::atomic<std::uint64_t> allocations{0};
        std::atomic<std::uint64_t> deallocations{0};
        std::array<void*, slots_max> buffers;
    };
    const slots& of_class(std::size_t size_class) const noexcept { return slots_[size_class]; }
    std::uint64_t refills() const noexcept { return refills_.load(std::memory_order_relaxed); }
    std::uint64_t flushes() const noexcept { return flushes_.load(std::memory_order_relaxed); }

private:
    static void bump(std::atomic<std::uint64_t>& counter) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    void* refill(std::size_t size_class) noexcept;
    std::uint32_t make_room(std::size_t size_class) noexcept;

    buffer_depot& depot_;
    const capacities capacity_;
    const unsigned home_;
    std::atomic<std::uint64_t> refills_{0};
    std::atomic<std::uint64_t> flushes_{0};
    std::array<slots, size_classes::count> slots_{};
};

} // namespace aura::core

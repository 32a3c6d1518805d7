// placement_load: how much a ring has to do, for those who place objects.
#pragma once

#include <atomic>
#include <cstdint>

namespace aura::core {

/// Written by the ring's thread at the end of each turn, and by whoever places something. Any thread may read. Hints,
/// all of them, and relaxed: what is placed while a turn ends may be counted twice, or not at all, until the next.
class placement_load {
public:
    /// At the end of a turn: how many operations live there, and how many of their requests the backend has.
    void publish(std::int64_t operations, std::uint32_t in_flight) noexcept {
        operations_.store(operations, std::memory_order_relaxed);
        in_flight_.store(in_flight, std::memory_order_relaxed);
        if (placed_.load(std::memory_order_relaxed) != 0) [[unlikely]]
            placed_.store(0, std::memory_order_relaxed);
    }
    std::int64_t operations() const noexcept { return operations_.load(std::memory_order_relaxed); }
    std::uint32_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }

    /// An object has been placed there, whose operations will be counted: many may be within one turn.
    void note_placement() noexcept {
        constexpr std::int32_t at_most = 64; // where nothing comes of them no turn may end for long
        if (placed_.load(std::memory_order_relaxed) < at_most)
            placed_.fetch_add(1, std::memory_order_relaxed);
    }
    std::int64_t expected() const noexcept { return operations() + placed_.load(std::memory_order_relaxed); }

    /// How many objects that were made outside of handlers have been given to it.
    std::uint32_t dealt() const noexcept { return dealt_.load(std::memory_order_relaxed); }
    void deal() noexcept { dealt_.fetch_add(1, std::memory_order_relaxed); }
    void take_back() noexcept { dealt_.fetch_sub(1, std::memory_order_relaxed); }
    void count_as_dealt(std::uint32_t objects) noexcept { dealt_.store(objects, std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> operations_{0};
    std::atomic<std::int32_t> placed_{0};
    std::atomic<std::uint32_t> in_flight_{0};
    std::atomic<std::uint32_t> dealt_{0};
};

} // namespace aura::core

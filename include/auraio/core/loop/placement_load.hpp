// placement_load: how much a ring has to do, for those who place objects.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
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
        expected_.store(operations, std::memory_order_relaxed);
        in_flight_.store(in_flight, std::memory_order_relaxed);
    }
    std::int64_t operations() const noexcept { return operations_.load(std::memory_order_relaxed); }
    std::uint32_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }

    /// An object has been placed there, whose operations will be counted: many may be within one turn. Up to a number,
    /// for where nothing comes of them no turn may end for long.
    void note_placement() noexcept {
        constexpr std::int64_t at_most = 64;
        if (expected() < operations() + at_most)
            expected_.fetch_add(1, std::memory_order_relaxed);
    }
    std::int64_t expected() const noexcept { return expected_.load(std::memory_order_relaxed); }

    /// For the ring's thread: it has been in a turn for so long, or has waited.
    void note_time(bool in_turn, nanoseconds_t time) noexcept {
        constexpr nanoseconds_t memory = 64'000'000;
        const auto part = static_cast<std::int32_t>(std::min(time, memory) / 1'000'000);
        const std::int32_t before = busy_.load(std::memory_order_relaxed);
        busy_.store(before + ((in_turn ? all_the_time : 0) - before) * part / 64, std::memory_order_relaxed);
    }
    /// What part of the last tenth of a second its thread has been in turns, of all_the_time. It stays as it is while
    /// the thread waits.
    static constexpr std::int32_t all_the_time = 1024;
    std::int32_t busy() const noexcept { return busy_.load(std::memory_order_relaxed); }

    /// How many objects that were made outside of handlers have been given to it.
    std::uint32_t dealt() const noexcept { return dealt_.load(std::memory_order_relaxed); }
    void deal() noexcept { dealt_.fetch_add(1, std::memory_order_relaxed); }
    void take_back() noexcept { dealt_.fetch_sub(1, std::memory_order_relaxed); }
    void count_as_dealt(std::uint32_t objects) noexcept { dealt_.store(objects, std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> operations_{0};
    std::atomic<std::int64_t> expected_{0};
    std::atomic<std::uint32_t> in_flight_{0};
    std::atomic<std::uint32_t> dealt_{0};
    std::atomic<std::int32_t> busy_{0};
};

} // namespace aura::core

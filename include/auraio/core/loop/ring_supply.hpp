// ring_supply: what an engine knows of whether another ring can be had.
#pragma once

#include "auraio/core/base/clock.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace aura::core {

/// Two things. Descriptors kept for the first ring: rings are made late, and a program that could make its
/// objects expects run() to work, whatever has used up the descriptors meanwhile. And the memory of a
/// shortage: whoever can wait for a ring does not ask the kernel for one all the time.
///
/// Any thread. Ordering: relaxed throughout. Times and counts are hints that publish nothing, and a
/// descriptor is a number that whoever exchanges it out of its place owns.
class ring_supply {
public:
    ring_supply() = default;
    ~ring_supply() { release(); }
    ring_supply(const ring_supply&) = delete;

    /// Somebody will need a ring. Keeps descriptors for the first, unless it has been made.
    void expect() noexcept {
        if (!expected_.load(std::memory_order_relaxed)) [[unlikely]]
            reserve();
    }
    /// Nothing is to be kept: there is a ring, or none is made by us.
    void expect_nothing() noexcept { expected_.store(true, std::memory_order_relaxed); }

    /// Gives up what is kept, so that it is free. Whether there was anything.
    bool release() noexcept;

    /// A ring could not be made for want of descriptors or memory; or could.
    void was_refused(int error) noexcept;
    void was_made() noexcept;

    bool is_short() const noexcept { return next_attempt_.load(std::memory_order_relaxed) != never; }
    /// When to try again; never: nothing is known to be short.
    nanoseconds_t next_attempt() const noexcept { return next_attempt_.load(std::memory_order_relaxed); }
    bool may_try() const noexcept {
        const nanoseconds_t next = next_attempt();
        return next == never || monotonic_now() >= next;
    }

    /// It has been tried for more than a second.
    bool lasts() const noexcept { return pause_.load(std::memory_order_relaxed) >= longest_pause; }

    int last_error() const noexcept { return last_error_.load(std::memory_order_relaxed); }
    std::uint64_t refusals() const noexcept { return refusals_.load(std::memory_order_relaxed); }

    /// Whether an error of making a ring passes when others give something back.
    static bool is_shortage(int error) noexcept;

private:
    static constexpr nanoseconds_t longest_pause = 1'000'000'000;

    void reserve() noexcept;

    std::atomic<bool> expected_{false};
    std::array<std::atomic<int>, 2> kept_{-1, -1}; // for a ring, and for what wakes its driver
    std::atomic<nanoseconds_t> next_attempt_{never};
    std::atomic<nanoseconds_t> pause_{0}; // between the last attempt and the next
    std::atomic<std::uint64_t> refusals_{0};
    std::atomic<int> last_error_{0};
};

} // namespace aura::core

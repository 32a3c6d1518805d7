// spin_lock: a 4-byte lock for critical sections of a few instructions that are almost never contended.
#pragma once

#include "auraio/core/base/observer.hpp"

#include <atomic>
#include <cstdint>

namespace aura::core {

/// Lockable. Uncontended it is one compare-and-swap; contended it spins briefly and then sleeps on the word
/// (futex; the third of the mutexes in U. Drepper, "Futexes Are Tricky"). Guards the claim on a timer's
/// waits, where both sides need an exact answer (DESIGN: cancel() counts).
class spin_lock {
public:
    void lock() noexcept {
        // Not an exchange: that would turn `contended` into `locked`, and nobody would notify the waiter that
        // has marked the word and sleeps.
        std::uint32_t expected = unlocked;
        if (!word_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                           std::memory_order_relaxed)) [[unlikely]]
            lock_contended();
        happens_after(&word_);
    }

    void unlock() noexcept {
        happens_before(&word_);
        // A waiter marks the word before it sleeps, so a plain `locked` means that there is nobody to notify.
        if (word_.exchange(unlocked, std::memory_order_release) == contended) [[unlikely]]
            word_.notify_one();
    }

private:
    enum : std::uint32_t { unlocked, locked, contended };

    void lock_contended() noexcept {
        for (int i = 0; i < 64; ++i) {
            std::uint32_t expected = unlocked;
            if (word_.compare_exchange_weak(expected, locked, std::memory_order_acquire,
                                            std::memory_order_relaxed))
                return;
        }
        // From here on the holder must notify. Whoever gets the lock in here holds it as `contended`: others
        // may sleep still, and one notification too many is harmless.
        while (word_.exchange(contended, std::memory_order_acquire) != unlocked)
            word_.wait(contended, std::memory_order_relaxed);
    }

    std::atomic<std::uint32_t> word_{unlocked};
};

} // namespace aura::core

// inbox: the lock-free queue through which other threads hand operations to a shard, and its sleep protocol.
#pragma once

#include "auraio/core/base/observer.hpp"
#include "auraio/core/operation/operation.hpp"

#include <atomic>

namespace aura::core {

/// Multi-producer, single-consumer FIFO whose one atomic word also says whether the consumer sleeps.
///
/// The word holds null (empty, consumer awake), a tag (empty, consumer asleep) or the newest node of a stack.
/// Because "is there work" and "does the consumer sleep" are the same word, publishing sleep and re-checking
/// the queue are one compare-and-swap, and exactly one producer learns that it must wake the consumer: a
/// wake-up can be neither lost nor doubled, and no separate fence is needed.
///
/// Ordering: push() releases and take() acquires, so what a producer wrote before push() is visible to
/// whoever takes the node. push() also acquires: a producer that found the consumer asleep goes on to use
/// what the consumer published with try_sleep() (its backend). try_sleep() is seq_cst because a consumer that
/// sleeps also re-reads the engine's shared queue: see engine::post_shared() for the other half of that
/// argument.
class inbox {
public:
    /// Any thread. True when the consumer was asleep: the caller, and nobody else, must now wake it.
    [[nodiscard]] bool push(operation& op) noexcept {
        operation* seen = head_.load(std::memory_order_relaxed);
        do {
            op.next_ = seen == asleep() ? nullptr : seen;
            happens_before(&head_);
        } while (
            !head_.compare_exchange_weak(seen, &op, std::memory_order_acq_rel, std::memory_order_relaxed));
        return seen == asleep();
    }

    /// Any thread. True when the consumer was asleep: the caller must now wake it. Hands over nothing.
    [[nodiscard]] bool rouse() noexcept {
        operation* expected = asleep();
        return head_.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst,
                                             std::memory_order_relaxed);
    }

    /// Any thread, a hint: whether the consumer sleeps. seq_cst: see engine::post_shared().
    bool sleeping() const noexcept { return head_.load(std::memory_order_seq_cst) == asleep(); }

    /// Consumer. A hint without cost: false means that nothing had arrived.
    bool maybe_nonempty() const noexcept {
        operation* seen = head_.load(std::memory_order_relaxed);
        return seen != nullptr && seen != asleep();
    }

    /// Consumer. Appends everything to `out`, oldest first; returns how many.
    std::uint32_t take(op_queue& out) noexcept {
        operation* newest = head_.exchange(nullptr, std::memory_order_acquire);
        happens_after(&head_);
        if (newest == asleep())
            return 0;
        operation* oldest = nullptr;
        while (newest) {
            operation* next = newest->next_;
            newest->next_ = oldest;
            oldest = newest;
            newest = next;
        }
        std::uint32_t count = 0;
        while (oldest) {
            operation* next = oldest->next_;
            out.push(*oldest);
            oldest = next;
            ++count;
        }
        return count;
    }

    /// Consumer. How many there are: what others add meanwhile stands before what is counted.
    std::uint32_t count() const noexcept {
        // Acquire: pairs with push(), whose link is read.
        const operation* node = head_.load(std::memory_order_acquire);
        happens_after(&head_);
        std::uint32_t count = 0;
        for (node = node == asleep() ? nullptr : node; node; node = node->next_)
            ++count;
        return count;
    }

    /// Consumer. Publishes that it is about to block; false when something has arrived meanwhile.
    [[nodiscard]] bool try_sleep() noexcept {
        operation* expected = nullptr;
        return head_.compare_exchange_strong(expected, asleep(), std::memory_order_seq_cst,
                                             std::memory_order_relaxed) ||
               expected == asleep();
    }

    /// Consumer. Undoes try_sleep(); harmless when a producer has already done so.
    void awake() noexcept {
        if (sleeping())
            (void)rouse();
    }

private:
    // No operation lives at this address: they are aligned, it is not.
    static operation* asleep() noexcept { return reinterpret_cast<operation*>(std::uintptr_t{1}); }

    std::atomic<operation*> head_{nullptr};
};

} // namespace aura::core

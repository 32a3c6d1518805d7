// thread_mark: what an entry does that has been asked to wait.
#include "auraio/core/base/thread_mark.hpp"

#include "core/base/fence_order.hpp"

#include <mutex>

namespace aura::core {

bool thread_mark::settle() noexcept {
    // `lost` is final until this thread recovers, so there is no decision to wait for; and the lock may be held
    // around a fork, by who waits there for what this entry's caller holds. Acquire: with the fence before lose() it
    // shows what who took over has done.
    if (attention_.load(std::memory_order_acquire) == lost) {
        happens_after_fence(this);
        return true;
    }
    // Whoever holds the lock finds no request half way, and would wait for itself.
    if (!lock_ || lock_->is_held_by(this))
        return decision();
    std::lock_guard guard(*lock_);
    return decision();
}

bool thread_mark::settles_and_shows(const std::atomic<const void*>& driver) noexcept {
    if (!ends_entry_undisturbed())
        (void)settle();
    return driver.load(std::memory_order_relaxed) == this; // see shard::is_current()
}

void thread_mark::recover() noexcept {
    if (lock_->is_held_by(this)) {
        refuse();
        return;
    }
    std::lock_guard guard(*lock_);
    refuse();
}

} // namespace aura::core

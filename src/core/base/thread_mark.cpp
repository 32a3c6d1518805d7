// thread_mark: what an entry does that has been asked to wait.
#include "auraio/core/base/thread_mark.hpp"

#include "auraio/core/base/observer.hpp"

#include <mutex>

namespace aura::core {

void thread_mark::belongs_to(takeover_lock* lock) noexcept {
    lock_ = lock;
    at_rest_ = lock && is_watched() ? std::uint32_t{watched} : 0;
    happens_before(this); // as settle()
    refuse();
}

bool thread_mark::settle() noexcept {
    // `lost` is final until this thread recovers, so there is no decision to wait for; and the lock may be held
    // around a fork, by who waits there for what this entry's caller holds.
    const std::uint32_t found = attention_.load(std::memory_order_acquire);
    if (found == lost) {
        happens_after(this);
        return true;
    }
    if (found == wanted && decide()) {
        happens_after(this);
        return true;
    }
    happens_before(this); // for who takes over when it has left again
    return false;
}

/// With the lock, unless this thread holds it: then it finds no request half way, and would wait for itself.
bool thread_mark::decide() noexcept {
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

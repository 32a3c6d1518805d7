// thread_mark: what an entry does that has been asked to wait.
#include "auraio/core/base/thread_mark.hpp"

#include <mutex>

namespace aura::core {

bool thread_mark::settle() noexcept {
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

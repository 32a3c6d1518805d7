// engine: shutting down, and fork(2).
#include "auraio/core/loop/engine.hpp"

#include "auraio/core/io/name_lookup.hpp"
#include "auraio/core/io/signal_set.hpp"
#include "core/loop/driver.hpp"
#include "core/loop/stall_watch.hpp"
#include "core/loop/takeover.hpp"
#include "core/storage/storage_user.hpp"

#include <array>
#include <new>
#include <thread>

namespace aura::core {

void engine::shutdown() {
    watched_.reset();
    if (takeover_)
        takeover_->end();
    while (stopping_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield(); // no futex: to wake its waiter they would have to touch the engine once
                                   // more
    const unsigned count = shard_count();
    std::array<bool, max_shards> taken{};
    for (unsigned i = 0; i < count; ++i)
        taken[i] = shards_[i]->try_acquire();
    signal_set::abandon(*this);
    name_lookup::abandon(*this);
    for (unsigned i = 0; i < count; ++i) {
        if (shards_[i]->is_inherited())
            shards_[i]->leave_requests(); // to the parent
        shards_[i]->cancel_everything();
    }
    // Destroying handlers destroys what they own, which may queue more: until nothing is left.
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < count; ++i) {
            shard& s = *shards_[i];
            again = again || s.has_ready() || s.inbox_.maybe_nonempty() || !s.timers_.empty();
            s.discard_everything();
        }
        while (operation* op = take_shared()) {
            again = true;
            op->destroy();
            work_finished();
        }
    }
    registrations_.shutdown();
    for (unsigned i = 0; i < count; ++i)
        if (shards_[i]->backend_)
            shards_[i]->backend_->quiesce();
    for (unsigned i = 0; i < count; ++i) {
        shards_[i]->published_backend_.store(nullptr, std::memory_order_relaxed);
        auto& b = shards_[i]->backend_;
        const bool may_be_kept = b && i == 0 && taken[i] && !registrations_.has_had_any();
        if (!may_be_kept || !b->keep(b))
            b.reset();
        if (taken[i])
            shards_[i]->release();
    }
}

void engine::before_fork() {
    const mark_entry entry; // perhaps in a handler
    std::unique_lock lock(mutex_);
    const unsigned count = shard_count_.load(std::memory_order_relaxed);
    for (unsigned i = 0; i < count; ++i) {
        shard& s = *shards_[i];
        const bool driving = s.is_current();
        if (!driving && !s.try_acquire())
            continue;
        struct give_back_on_exit { // also when no ring can be made
            shard* visited;
            ~give_back_on_exit() {
                if (visited)
                    visited->release();
            }
        } give_back{driving ? nullptr : &s};
        s.settle_before_fork();
    }
    lock.release();
    shared_mutex_.lock();
    storage_->lock();
    registrations_.before_fork();
    if (takeover_)
        takeover_->before_fork();
    notified_of_fork_ = true;
}

void engine::unlock_all_but_mutex() {
    notified_of_fork_ = false;
    if (takeover_)
        takeover_->after_fork();
    registrations_.after_fork();
    storage_->unlock();
    shared_mutex_.unlock();
}

void engine::after_fork_in_parent() {
    unlock_all_but_mutex();
    mutex_.unlock();
}

void engine::after_fork_in_child() {
    // Repeating what is pending takes them to install tables, and no other thread is here to do so.
    unlock_all_but_mutex();
    // Also when no ring can be made: the next one to enter run() tries again.
    std::lock_guard guard(mutex_, std::adopt_lock);
    adopt_locked();
}

/// In the child, before fork(2) returns. Only one thread exists from here on, and it may come to drive shards
/// that others have driven, or to wait for locks that they have held: those are free now.
void engine::sever(fork_aware& self) noexcept {
    static_cast<engine&>(self).sever();
}

void engine::sever() noexcept {
    const unsigned count = shard_count();
    driver* const outermost = driver::find_outermost(*this);
    const bool lost = outermost && outermost->has_lost() && driver::find_root(*this) == outermost;
    for (unsigned i = 0; i < count; ++i) {
        shards_[i]->system_times_.sever();
        shards_[i]->serves_for_others_.store(false, std::memory_order_relaxed);
        if (lost || !shards_[i]->is_current())
            shards_[i]->driver_.store(nullptr, std::memory_order_relaxed);
    }
    parked_.store(0, std::memory_order_relaxed);
    reserve_.store(0, std::memory_order_relaxed);
    crew_limit_.store(no_crew_limit, std::memory_order_relaxed);
    first_in_reserve_ = nullptr;
    stopping_.store(0, std::memory_order_relaxed);
    driver* const here = driver::find_root(*this);
    if (takeover_)
        takeover_->sever(outermost, driver::count_roots(*this), notified_of_fork_);
    drivers_.store(here && here->has_home() ? 1 : 0, std::memory_order_relaxed);
    spares_.store(here && here->is_spare() ? 1 : 0, std::memory_order_relaxed);
    visitor_.store(nullptr, std::memory_order_relaxed);
    if (!here || !here->is_steward())
        steward_.store(nullptr, std::memory_order_relaxed);
    ::new (static_cast<void*>(&choice_mutex_)) std::mutex;
    // Threads of the parent wait in these, and are counted there.
    ::new (static_cast<void*>(&shard_freed_)) std::condition_variable;
    ::new (static_cast<void*>(&reserve_called_)) std::condition_variable;
    if (notified_of_fork_) // the locks are this thread's
        return;
    ::new (static_cast<void*>(&mutex_)) std::mutex;
    ::new (static_cast<void*>(&shared_mutex_)) std::mutex;
    registrations_.renew_lock();
    storage_->renew_lock();
}

void engine::adopt() {
    std::lock_guard guard(mutex_); // threads of the child may come here at once
    adopt_locked();
}

void engine::adopt_locked() {
    const mark_entry entry;
    if (!is_inherited())
        return;
    if (driver* const root = driver::find_root(*this))
        root->forget_watches();
    signal_set::after_fork_in_child();
    registrations_.forget_sources();
    bool complete = true;
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i) {
        shard& s = *shards_[i];
        if (!s.is_inherited())
            continue;
        const bool mine = s.is_current(); // driven, or an orphan that this thread looks after
        if (!mine && !s.try_acquire()) {
            complete = false; // the thread that forked drives it, and comes here at the end of its turn
            continue;
        }
        struct give_back_on_exit {
            shard* visited;
            ~give_back_on_exit() {
                if (visited)
                    visited->release();
            }
        } give_back{mine ? nullptr : &s};
        s.restart_after_fork();
        if (mine)
            s.io().attach_thread();
    }
    name_lookup::repeat_after_fork(*this);
    if (!complete)
        return;
    if (watched_)
        watched_ = std::make_unique<watched_engine>(*this);
    generation_.store(fork_generation(), std::memory_order_relaxed);
}

} // namespace aura::core

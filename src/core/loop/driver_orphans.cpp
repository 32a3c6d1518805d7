// driver: shards that have no thread of their own, and who looks after them.
#include "core/loop/driver.hpp"

#include <algorithm>

namespace aura::core {

bool driver::become_steward() {
    if (is_steward())
        return true;
    shard* nobody = nullptr;
    return engine_.steward_.compare_exchange_strong(nobody, home_, std::memory_order_seq_cst);
}

void driver::resign() noexcept {
    for (orphan& o : orphans_) {
        if (o.held)
            release_orphan(o);
        if (o.watched)
            home_->io().unwatch(o.ward->index());
    }
    orphans_.clear();
    holding_ = false;
    if (is_steward())
        engine_.steward_.store(nullptr, std::memory_order_seq_cst);
}

/// Whether there is nobody else who could serve orphans. Relaxed: who comes looks for them as well.
bool driver::alone() const noexcept {
    return engine_.drivers_.load(std::memory_order_relaxed) < 2;
}

bool driver::holds_one_of_them() const noexcept {
    return std::any_of(orphans_.begin(), orphans_.end(), [](const orphan& o) { return o.held; });
}

/// Before a handler that may take its time: another one looks after the orphans from now on, one that sleeps
/// if there is any. The watches stay; each may wake this thread once in vain.
void driver::step_down() noexcept {
    engine_.steward_.store(nullptr, std::memory_order_seq_cst);
    // One that comes is counted, and looks at the office before it sleeps, all of it seq_cst: either it is counted
    // here, or it finds the office free.
    if (engine_.drivers_.load(std::memory_order_seq_cst) > 1)
        engine_.orphans_changed();
}

/// One orphan is held, and has something to run: nothing else runs in this turn, and the others are left to
/// others.
void driver::begin_orphans_turn() noexcept {
    root_.orphans_turn_ = true;
    shared_budget_ = 0;
    if (is_steward())
        step_down();
}

/// A thread that is alone serves its own shard and all orphans together. Where there are others, who may have
/// nothing to do, it takes one orphan after the other, a turn of each between two of its own, and holds no
/// token but that of the orphan whose handlers it runs: whatever that handler does, the rest can be had. True: this
/// turn is an orphan's.
bool driver::serve_orphans() {
    if (alone()) {
        root_.orphans_turn_ = false;
        if (become_steward())
            root_.visit_orphans(true);
        return false;
    }
    const bool had_one = std::exchange(root_.orphans_turn_, false);
    if (had_one && root_.let_go_of_idle())
        engine_.orphans_changed(); // its watcher has found it taken
    const bool steward = !had_one && become_steward();
    if (!steward && !root_.holds_any())
        return false;
    root_.visit_orphans(steward);
    if (had_one || !root_.holding_)
        return false;
    begin_orphans_turn();
    return true;
}

/// What is held without a handler of it on the stack. Whether there was any.
bool driver::let_go_of_idle() noexcept {
    holding_ = false;
    bool any = false;
    for (orphan& o : orphans_)
        if (o.held && o.running == 0) {
            o.ward->drop_turn(); // who takes it begins with its inbox
            release_orphan(o);
            any = true;
        }
    return any;
}

void driver::release_orphan(orphan& o) noexcept {
    o.ward->flush_if_possible();
    o.ward->io().detach_thread();
    o.held = false;
    o.ward->release();
    engine_.notify_parked();
}

void driver::forget_watches() noexcept {
    for (orphan& o : orphans_)
        o.watched = false;
}

/// Takes the token of a shard and sees to it that it has a ring. False: somebody else has the token, or there
/// is no ring to be had: what has been handed over stays in the inbox. Throws when a shortage lasts: then the
/// program has asked for a ring that it cannot have.
bool driver::acquire_orphan(shard& ward, bool attach) {
    if (!ward.shows_backend() && !engine_.rings_.may_try()) [[unlikely]]
        return false;
    if (!ward.try_acquire())
        return false;
    try {
        ward.ensure_backend();
        if (attach)
            ward.io().attach_thread();
        else
            ward.io().attach_visitor();
    } catch (const engine_error& e) {
        ward.release(); // else nobody could ever take it again
        if (!ring_supply::is_shortage(e.error()) || engine_.rings_.lasts())
            throw;
        return false;
    } catch (...) {
        ward.release();
        throw;
    }
    return true;
}

/// Of a driver that is not the steward (or steps down) only those are visited that it holds. What it lets go of the
/// steward may have found taken, and would not hear of.
void driver::visit_orphans(bool steward) {
    const bool one_only = !alone();
    bool left_any = false;
    const auto leave = [&](orphan& o) {
        release_orphan(o);
        left_any = true;
    };
    if (steward) {
        epoch_seen_ = engine_.orphan_epoch_.load(std::memory_order_seq_cst);
        const unsigned count = engine_.shard_count();
        for (unsigned i = 0; i < count; ++i) {
            shard& s = engine_.shard_at(i);
            if (!find_orphan(s) && &s != home_ && s.is_free())
                orphans_.push_back({&s, false, false, 0});
        }
    }
    holding_ = false;
    // Threads that have lost theirs wait for a shard: to serve one beside its own is for want of anybody else.
    const bool awaited = engine_.takeover_ && engine_.parked_.load(std::memory_order_relaxed) != 0;
    const std::size_t size = orphans_.size();
    const std::size_t first = one_only ? next_visit_++ : 0; // each is the first in turn
    for (std::size_t n = 0; n < size; ++n) {
        orphan& o = orphans_[(first + n) % size];
        if (awaited && o.running == 0 && o.ward->shows_backend()) {
            if (o.held)
                leave(o);
            continue;
        }
        if (one_only && holding_) {
            if (o.held && o.running == 0) // of the time before others came
                leave(o);
            continue;
        }
        if (!o.held && !(steward && acquire_orphan(*o.ward, true)))
            continue;
        o.held = true;
        o.ward->stay_awake();
        o.ward->reap(); // also what is of no operation: a wake left in its ring would show for ever
        o.ward->poll();
        if (o.ward->in_turn())
            holding_ = true;
        else if (o.running == 0)
            leave(o);
    }
    if (left_any && !steward)
        engine_.orphans_changed();
}

/// Leaves every orphan asleep, with its ring watched; or still held, when it has something to run. Returns
/// the earliest deadline among them: 0 when one could not be put to sleep because more kept arriving. A driver
/// that is not the steward does so with those it holds.
nanoseconds_t driver::prepare_orphans_for_sleep(bool steward) {
    nanoseconds_t earliest = never;
    bool left_any = false;
    const bool one_only = !alone();
    for (orphan& o : orphans_) {
        if ((one_only && holding_) || !(steward || o.held))
            continue;
        if (o.watched && home_->io().watch_fired(o.ward->index()))
            o.watched = false;
        if (!o.held && !acquire_orphan(*o.ward, false)) {
            if (!o.ward->shows_backend()) // nobody would hear of what arrives there
                earliest = std::min(earliest, engine_.rings_.next_attempt());
            continue; // driven by a thread of its own by now
        }
        o.held = true;
        o.ward->tick_devices(); // what is due by the exact clock alone would end the sleep at once
        if (o.ward->has_ready() || !o.ward->try_sleep()) {
            o.ward->poll();
            // What arrived may have run nothing, but started a request or a timer: only an orphan that
            // sleeps has its next message followed by a wake.
            if (o.ward->in_turn())
                holding_ = true;
            else if (!o.ward->try_sleep())
                earliest = 0;
        }
        const nanoseconds_t deadline = o.ward->next_deadline(); // after the messages, which may have set it
        earliest = deadline < earliest ? deadline : earliest;
        o.ward->io().arm_wake();
        if (!o.watched) {
            home_->io().watch(o.ward->io().readiness_fd(), o.ward->index());
            o.watched = true;
        }
        o.ward->flush(); // what is armed in it takes effect
        if (!o.ward->in_turn() && o.running == 0) {
            o.held = false;
            o.ward->release();
            engine_.notify_parked();
            left_any = true;
        }
    }
    if (left_any && !steward) // as above
        engine_.orphans_changed();
    return earliest;
}

} // namespace aura::core

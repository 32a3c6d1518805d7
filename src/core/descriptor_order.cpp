// descriptor: the order of what is started here and what the caller then does by a system call of its own.
#include "auraio/core/engine.hpp"

#include <ctime>
#include <exception>
#include <sched.h>

namespace aura::core {

namespace {

/// How long a synchronous call waits for the thread that drives the shard to submit what it was sent. One
/// that sleeps is there in some ten microseconds; one that is in a handler is not waited for.
constexpr nanoseconds_t patience = 2'000'000;

} // namespace

/// Any thread, object side: whether the kernel has everything that was started here. Of what waits for its
/// turn in a lane it says nothing.
bool descriptor::is_submitted() const noexcept {
    // Acquire pairs with arrived(): what is counted there has been queued, and queued_after_ says so.
    if (arrived_from_afar_.load(std::memory_order_acquire) != sent_from_afar_)
        return false;
    // The ring counts its system calls, with release, when it has published what they are to submit. So if it
    // has made another one since, that one covers it, and the kernel says how far it has come.
    return queued_after_.load(std::memory_order_relaxed) != home_->system_calls() && home_->has_taken_all();
}

void descriptor::submit_queued_operations() noexcept {
    try {
        if (home_->is_current()) {
            if (arrived_from_afar_.load(std::memory_order_relaxed) != sent_from_afar_)
                home_->take_inbox();
            if (first_ && home_->has_backend())
                submit_here();
            return;
        }
        if (is_submitted())
            return;
        if (!home_->is_free() || !submit_by_visit())
            await_submission();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // No ring can be had, or no memory: run() will tell.
    }
}

/// Shard side. Requests of one lane go one after the other: those that can be done at once are.
void descriptor::submit_here() {
    if (home_->is_inherited()) [[unlikely]]
        return; // the ring is the parent's; that of the thread that enters run() gets what waits
    for (;;) {
        // The second: what a system call was to submit, the kernel may have had no memory for.
        if (queued_after_.load(std::memory_order_relaxed) == home_->system_calls() || !home_->has_taken_all())
            home_->flush_if_queued();
        const std::uint32_t waiting = in_lane_[0] + in_lane_[1];
        if (in_lane_[0] < 2 && in_lane_[1] < 2)
            return;
        home_->reap();
        if (in_lane_[0] + in_lane_[1] == waiting)
            return; // none has come to its turn
    }
}

/// Nobody drives the shard, probably. False when somebody does.
bool descriptor::submit_by_visit() {
    const shard_visit visit(*home_);
    if (!visit)
        return false;
    submit_visited();
    return true;
}

/// The calling thread drives or visits the shard.
void descriptor::submit_visited() {
    if (!home_->has_backend()) {
        if (home_->owner().options().task_work == task_run::deferred)
            return; // the ring would be this thread's for good
        home_->ensure_backend();
    }
    home_->io().attach_visitor();
    if (arrived_from_afar_.load(std::memory_order_relaxed) != sent_from_afar_)
        home_->take_inbox();
    if (first_)
        submit_here();
}

void descriptor::submit_at_once() noexcept {
    try {
        submit_visited();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // As above: the operation is in the inbox, and stays there.
    }
}

/// Another thread drives the shard, and has been woken if it slept.
void descriptor::await_submission() {
    const std::uint64_t began_at = home_->system_calls();
    if (home_->is_known_busy(began_at))
        return;
    const nanoseconds_t until = monotonic_now() + patience;
    while (!is_submitted()) {
        if (home_->is_free() && submit_by_visit())
            return;
        if (monotonic_now() >= until) {
            if (home_->system_calls() == began_at)
                home_->remember_busy(
                    began_at); // one handler all the time: the next call need not find out again
            return;
        }
        ::sched_yield();
    }
}

void descriptor::submit_before_blocking() noexcept {
    submit_queued();
    try {
        if (shard* here = home_->owner().current_shard(); here && here->has_backend())
            here->flush_if_queued();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // The turn's end will tell.
    }
}

} // namespace aura::core

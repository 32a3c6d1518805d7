// descriptor: the order of what is started here and what the caller then does by a system call of its own.
#include "auraio/core/loop/engine.hpp"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace aura::core {

namespace {

/// How long a synchronous call waits for the thread that drives the shard to submit what it was sent. One
/// that sleeps is there in some ten microseconds; one that computes or blocks in a handler is not waited for
/// any longer.
constexpr nanoseconds_t order_patience = 2'000'000;

/// The same for one that other programs keep from its processor: it gets there as soon as they let it.
constexpr nanoseconds_t patience_under_load = 1'000'000'000;

/// The processor time that a thread of this process has had; 0 when there is no such thread.
nanoseconds_t processor_time(int thread) noexcept {
    // What pthread_getcpuclockid(3) makes of a thread's number: the kernel's CPUCLOCK_SCHED of one thread.
    const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | 6U);
    timespec spent{};
    if (::clock_gettime(clock, &spent) != 0)
        return 0;
    return nanoseconds_of(spent);
}

/// Whether a thread of this process would run if there were a processor for it: state R in /proc, see
/// proc_pid_stat(5). False when that cannot be read.
bool is_runnable(int thread) noexcept {
    char text[64];
    std::snprintf(text, sizeof text, "/proc/self/task/%d/stat", thread);
    const int fd = ::open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t length = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char* const name_end = std::strrchr(text, ')'); // the name may hold any character
    return name_end && std::strncmp(name_end, ") R", 3) == 0;
}

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
        if (const mark_entry entry; home_->is_current()) {
            if (arrived_from_afar_.load(std::memory_order_relaxed) != sent_from_afar_)
                home_->take_inbox();
            if (!lanes_.empty() && home_->has_backend())
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
        const std::uint32_t waiting = lanes_.count();
        if (!lanes_.any_waits())
            return;
        home_->reap();
        if (lanes_.count() == waiting)
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
    if (!lanes_.empty())
        submit_here();
}

void descriptor::submit_at_once() noexcept {
    // What only takes something in, of another object, must not begin before run(): its user may want to take it
    // himself until then.
    home_->path().begin_only(this);
    try {
        submit_visited();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // As above: the operation is in the inbox, and stays there.
    }
    home_->path().begin_only(nullptr);
}

/// Another thread drives the shard, and has been woken if it slept.
void descriptor::await_submission() {
    const std::uint64_t began_at = home_->system_calls();
    if (home_->is_known_busy(began_at))
        return;
    const int thread = home_->driving_thread();
    const nanoseconds_t spent = processor_time(thread);
    const nanoseconds_t began = monotonic_now();
    while (!is_submitted()) {
        if (home_->is_free() && submit_by_visit())
            return;
        const nanoseconds_t waited = monotonic_now() - began;
        const bool starved = waited >= order_patience && waited < patience_under_load &&
                             processor_time(thread) - spent < order_patience && is_runnable(thread);
        if (waited >= order_patience && !starved) {
            if (home_->system_calls() == began_at)
                home_->remember_busy(
                    began_at); // one handler all the time: the next call need not find out again
            return;
        }
        if (starved) {
            constexpr timespec moment{0, 100'000};
            ::nanosleep(&moment, nullptr); // also lets those run who have a lower priority
        } else {
            ::sched_yield();
        }
    }
}

void descriptor::submit_before_blocking() noexcept {
    submit_queued();
    try {
        const mark_entry entry;
        if (shard* here = home_->owner().current_shard(); here && here->is_current() && here->has_backend())
            here->flush_if_queued();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // The turn's end will tell.
    }
}

} // namespace aura::core

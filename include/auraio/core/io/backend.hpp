// backend: what carries out io_requests for one shard. `uring` does it with the kernel, `fake` by the test's
// hand.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/io/io_operation.hpp"
#include "auraio/core/stats/ring_stats.hpp"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <sys/uio.h>

namespace aura::core {

/// A registration held outside of any ring: made first, it tells what the kernel thinks of the table, and
/// rings may take registered buffers over from it instead of pinning the same memory again. Used by one
/// thread at a time. Functions return 0 or a negated errno.
class registration_source {
public:
    virtual ~registration_source() = default;
    virtual int register_buffers(std::span<const iovec> buffers) = 0;
    virtual int register_files(std::span<const int> fds) = 0;
    virtual int update_file(unsigned index, int fd) = 0;
    /// In a forked child, before it is destroyed: what it holds is the parent's.
    virtual void abandon_after_fork() noexcept {}
};

/// Owned by a shard. Every member is called by the thread that drives the shard, except wake().
/// One virtual call per request costs about 2 ns here, against the 900 ns of the cheapest request.
class backend {
public:
    virtual ~backend() = default;

    /// Where to count system calls and overflows from now on.
    virtual void count_into(ring_counters&) noexcept {}

    /// Queues a request. It may be submitted at any time from now on, at the latest by the next poll() or
    /// wait().
    virtual void submit(io_operation& op) = 0;

    /// Asks for a submitted request to end early. It completes all the same, through poll() or wait().
    virtual void cancel(io_operation& op) = 0;

    /// Submits everything that is queued, without waiting or reaping. For as long as the kernel is short of
    /// memory something may be left, see nothing_queued().
    virtual void flush() = 0;

    /// Whether the kernel has taken everything. Until then a request may name a file by a number that must
    /// not come to mean another one.
    virtual bool nothing_queued() const noexcept { return true; }

    /// Any thread. Whether the kernel has taken everything that flush(), poll() or wait() has begun to
    /// submit.
    virtual bool has_taken_all() const noexcept { return true; }

    /// Whether a thread that carries out a request may still have to look up this number; what nothing_queued()
    /// is for the kernel. The request is pending as long.
    virtual bool may_name(int) const noexcept { return false; }

    /// Whether a look at memory shows that poll() would bring requests that are over. False says nothing: others may
    /// need a system call to come to light.
    virtual bool has_completions() const noexcept { return false; }

    /// Submits everything that is queued and appends finished requests, results set, to `done`.
    virtual void poll(op_queue& done) = 0;

    /// As poll(), while handlers wait to be run: of what has finished by itself some may be left for one of the
    /// next turns, where looking for it costs a system call.
    virtual void poll_between(op_queue& done) { poll(done); }

    /// As poll(), but waits until something has finished, wake() was called, a watched descriptor became
    /// readable, or `deadline` (monotonic clock) has passed. May return early for no reason. True: it had
    /// passed before anything was waited for.
    virtual bool wait(op_queue& done, nanoseconds_t deadline) = 0;

    /// As wait(done, never), at the end of a context, when everything has been told to end. Where the kernel
    /// refuses the calls that takes (a sandbox was put up meanwhile) it does what can be done without. False:
    /// nothing more can, and abandon() is what is left.
    virtual bool drain(op_queue& done) {
        wait(done, never);
        return true;
    }

    /// Any thread. Makes the current or the next wait() return.
    virtual void wake() noexcept = 0;

    /// Requests submitted or queued, and not yet appended to a `done`.
    virtual std::size_t pending() const noexcept = 0;

    /// A thread begins or ends to drive the shard; called in that thread.
    virtual void attach_thread() = 0;
    virtual void detach_thread() = 0;

    /// In place of detach_thread(), by another thread. What the thread that drove it has to give_up_indexes() when it
    /// can, bit by bit; on any backend of this kind.
    virtual std::uint32_t leave_behind() noexcept { return 0; }
    virtual void give_up_indexes(std::uint32_t) noexcept {}

    /// A thread acts on the shard while nobody drives it, between attachments; called in that thread.
    virtual void attach_visitor() noexcept = 0;

    /// Whether the calling thread may drive it or act on it. False where the kernel obeys one thread only,
    /// and that is another.
    virtual bool obeys_this_thread() const noexcept = 0;

    /// A descriptor that is readable when wait() would not block, provided that arm_wake() was called since.
    virtual int readiness_fd() const noexcept = 0;

    /// Makes wake() show at readiness_fd(), for a driver that is about to wait elsewhere. Takes effect with
    /// flush().
    virtual void arm_wake() = 0;

    /// Makes wait() return when `fd` is readable, once. `key` < 2^16 names it for unwatch().
    virtual void watch(int fd, unsigned key) = 0;
    virtual void unwatch(unsigned key) noexcept = 0;
    /// True once since the last watch(key) has fired (or was never armed).
    virtual bool watch_fired(unsigned key) const noexcept = 0;

    /// Any thread. Makes the kernel end all requests on `fd` now, and returns when it has, whatever the
    /// thread that submitted them is doing. They complete all the same, with ECANCELED that nobody asked for.
    /// False when the kernel cannot, or did not within two seconds.
    virtual bool end_requests_on(int fd) noexcept = 0;

    /// Whether a request that waits holds its file: where it does, listening sockets must not be waited for by
    /// themselves.
    virtual bool holds_files() const noexcept { return true; }

    /// The file whose number `fd` is will not be asked for anything more by it, for the number is about to be
    /// given up. Before that.
    virtual void forget_file(int) noexcept {}

    /// Any thread, when its descriptor says that it is disturbed: the same, as far as calls that are under way and
    /// what the kernel keeps are concerned; forget_file() follows.
    virtual void leave_file(int) noexcept {}
    /// Any thread: it is not given up after all.
    virtual void return_to_file(int) noexcept {}

    /// Whether this thread has submitted everything so far: task work of requests runs in the submitting
    /// thread.
    virtual bool is_only_submitter() const noexcept = 0;

    /// Makes a table known to the kernel, which requests then refer to by index; `source`, unless null, has
    /// the same one. 0 or a negated errno. A table is unregistered before another is registered, and while no
    /// request refers to it. A file of -1 leaves its entry empty.
    virtual int register_buffers(std::span<const iovec>, registration_source*) { return -EOPNOTSUPP; }
    virtual int register_files(std::span<const int>) { return -EOPNOTSUPP; }
    virtual int update_files(unsigned, std::span<const int>) { return -EOPNOTSUPP; }
    virtual void unregister(registration_kind) noexcept {}

    /// Ends the backend's own requests (wakes, watches), waiting for the kernel to let go of them. After this
    /// only destruction follows. Precondition: pending() == 0.
    virtual void quiesce() = 0;

    /// After quiesce(), at the end of an engine. True: `self`, which holds this one, has been taken over, for an engine
    /// to come.
    virtual bool keep(std::unique_ptr<backend>& self [[maybe_unused]]) noexcept { return false; }

    /// In a forked child, or where drain() has given up: drops everything. Requests that were pending are
    /// forgotten, not completed.
    virtual void abandon_after_fork() = 0;
};

} // namespace aura::core

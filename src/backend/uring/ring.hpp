// ring: one io_uring instance: set-up, submission, waiting, completions. Knows system calls, not operations.
#pragma once

#include "auraio/core/base/clock.hpp"
#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/loop/engine_options.hpp"
#include "auraio/core/stats/ring_stats.hpp"

#include <cstdint>
#include <cstring>
#include <liburing.h>
#include <utility>
#include <vector>

namespace aura::core::uring {

/// RAII over struct io_uring. Used by one thread at a time, but not always the same one (unless set up
/// deferred), except message() and fd().
class ring final : private fork_aware {
public:
    /// Throws engine_error with the errno of io_uring_setup(2).
    explicit ring(const engine_options& options);
    ~ring();
    ring(const ring&) = delete;

    /// Where to count system calls and overflows from now on.
    void count_into(ring_counters& c) noexcept { counters_ = &c; }

    // ---- of one that waits for another context; see lasting_backend ----

    /// Nothing is pending: whether it is as if it had just been set up. Its number is marked from now on.
    bool starts_over() noexcept;
    /// Whether the number that was marked still is. Else it is left to the program, which has closed it and may have
    /// got it again.
    bool has_its_number() noexcept;
    /// Whether the kernel lets this process into the ring.
    bool answers() noexcept;

    int fd() const noexcept { return ring_.ring_fd; }

    /// A free submission queue entry, zeroed; null when the queue is full.
    io_uring_sqe* free_sqe() noexcept {
        if (unsubmitted() == sq_entries_) [[unlikely]]
            return nullptr;
        io_uring_sqe* const sqe = ring_.sq.sqes + (ring_.sq.sqe_tail++ & sq_mask_);
        std::memset(sqe, 0, sizeof *sqe);
        return sqe;
    }

    /// The same; submits first when the queue is full. Throws engine_error when the kernel does not take it, or
    /// has been short of memory for a second.
    io_uring_sqe& next_sqe() {
        io_uring_sqe* const sqe = free_sqe();
        return sqe ? *sqe : sqe_after_submitting();
    }

    unsigned unsubmitted() const noexcept {
        return ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead);
    }

    /// Whether the kernel has something that only a system call brings to light: deferred task work, or
    /// completions that did not fit into the queue.
    bool kernel_has_work() const noexcept {
        return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    }

    /// Whether completions have left the queue that nobody has been told of yet.
    bool has_set_aside() const noexcept { return !aside_.empty(); }
    bool has_completions() const noexcept { return !aside_.empty() || io_uring_cq_ready(&ring_) != 0; }
    /// False once the process has forked and this is the child.
    bool is_own() const noexcept { return open_; }

    /// Any thread. Whether the kernel has taken all that was published by the last system call.
    bool has_taken_all() const noexcept {
        // The tail first: a head that is read later and has reached it has passed all that was before it.
        const unsigned tail = io_uring_smp_load_acquire(ring_.sq.ktail);
        return static_cast<int>(io_uring_smp_load_acquire(ring_.sq.khead) - tail) >= 0;
    }

    /// Submits everything queued. With `reap` it also runs task work and flushes overflow, and leaves what a
    /// shortage keeps the kernel from taking to the next call. Without, it goes on until the kernel has taken
    /// all; only when that is short of memory for a long time something is left, see unsubmitted().
    void submit(bool reap);

    /// Submits everything queued and waits for one completion, at most `nanoseconds` (UINT64_MAX: for ever).
    /// Where it is called, ring_enter.hpp is included, for this and what it calls.
    inline void submit_and_wait(std::uint64_t nanoseconds);

    /// Whether nothing could be waited for in the last two seconds, for want of what may come back: at the end
    /// of a ring that is too long.
    bool is_starved() const noexcept;

    /// Sleeps until there is a completion, without entering the ring: for the moments in which the kernel
    /// does not let us. At most `nanoseconds`, and a millisecond.
    void rest(std::uint64_t nanoseconds) const noexcept;

    /// Takes back what the kernel has not taken: f(user_data) for each entry.
    template <class F>
    void withdraw_unsubmitted(F f) {
        const unsigned head = io_uring_smp_load_acquire(ring_.sq.khead);
        const unsigned tail = ring_.sq.sqe_tail;
        ring_.sq.sqe_head = ring_.sq.sqe_tail = head;
        io_uring_smp_store_release(ring_.sq.ktail, head);
        for (unsigned i = head; i != tail; ++i)
            f(ring_.sq.sqes[i & sq_mask_].user_data);
    }

    /// Calls f(user_data, result, flags) for every completion there is; each is consumed before its call.
    template <class F>
    void for_each_completion(F f) {
        if (!aside_.empty()) [[unlikely]]
            for (const completion& c : std::exchange(aside_, {}))
                f(c.user_data, c.result, c.flags);
        unsigned head = *ring_.cq.khead;
        const unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
        for (; head != tail; ++head) {
            prefetch(ring_.cq.cqes[(head + prefetch_distance) & cq_mask_].user_data);
            const io_uring_cqe& cqe = ring_.cq.cqes[head & cq_mask_];
            f(cqe.user_data, cqe.res, cqe.flags);
        }
        io_uring_smp_store_release(ring_.cq.khead, head);
    }

    /// The thread that drives the ring has changed, or goes away. A registered ring descriptor belongs to a
    /// thread (another thread's index would enter another ring), so it is never kept across the two.
    void attach_thread() noexcept;
    void detach_thread() noexcept;
    /// In place of detach_thread(), by another thread: the index that the one which drove it is left with, and
    /// gives up by any ring; -1: none. There are 16 to a thread.
    int leave_behind() noexcept {
        attached_ = false;
        return std::exchange(registered_index_, -1);
    }
    void unregister_index(int index) noexcept;

    bool is_deferred() const noexcept { return (ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0; }

    /// In a forked child, where it has come to this by itself (sever()): unmaps and closes without touching
    /// the queues, which the parent goes on using. Then there is nothing to reap, no entry is free, and a
    /// system call fails with EOWNERDEAD.
    void abandon() noexcept;

private:
    // What the completions to come are about: the kernel has been busy meanwhile, and the processor's first
    // cache has forgotten them. An operation, and what its owner keeps before it; of an entry that is stale,
    // or of user_data that is no address, nothing worse comes than a line in vain. 2 to 3 % of a cached 4 KiB
    // read.
    static constexpr unsigned prefetch_distance = 6;
    static void prefetch(std::uint64_t user_data) noexcept {
        for (std::uint64_t line = 0; line < 4; ++line) // numbers, for pointers must not be led astray
            // NOLINTNEXTLINE(performance-no-int-to-ptr)
            __builtin_prefetch(reinterpret_cast<const void*>(user_data - 64 + line * 64));
    }

    static void sever(fork_aware& self) noexcept { static_cast<ring&>(self).abandon(); }
    inline int enter(unsigned submit, unsigned wait_for, unsigned flags, void* argument,
                     std::size_t size) noexcept;
    void wait_otherwise(std::uint64_t nanoseconds);
    void wait_has_failed(int result, std::uint64_t nanoseconds);
    int set_up(const engine_options& options, unsigned flags) noexcept;
    int set_up_restricted(const engine_options& options, unsigned flags) noexcept;
    io_uring_sqe& sqe_after_submitting();
    [[noreturn]] static void throw_parents();
    [[noreturn]] void throw_refusal(int result);
    void register_descriptor() noexcept;
    inline void publish() noexcept;
    void make_room() noexcept;

    /// A completion that had to leave the queue before anybody could be told of it.
    struct completion {
        std::uint64_t user_data;
        int result;
        unsigned flags;
    };

    ring_counters* counters_ = nullptr;
    io_uring ring_{};
    unsigned sq_mask_ = 0; // the rings', which the kernel has in memory that it shares
    unsigned sq_entries_ = 0;
    unsigned cq_mask_ = 0;
    unsigned wait_flags_ = 0;
    int registered_index_ = -1;
    unsigned enters_since_attach_ = 0;
    nanoseconds_t starved_since_ = 0; // 0: the last wait was none in vain
    bool attached_ = false;           // else a visitor enters, who would leave its registration behind
    bool open_ = false;
    bool may_last_ = true; // neither smaller than asked for, nor without the restrictions, nor refused
    std::vector<completion> aside_; // the oldest; then come those of the queue
    unsigned nothing_ = 0;          // see abandon()
};

/// After a ring could not be had for ENOMEM: which limit it was that was met, in parentheses.
const char* explain_shortage() noexcept;

/// io_uring_register(2), returning a negated errno on failure.
int raw_register(int fd, unsigned opcode, const void* argument, unsigned count) noexcept;

/// Cancels all requests of the ring `ring_fd` that name the open file `fd`, from any thread, and waits until
/// they are over: usually for some microseconds, where the thread has ended for milliseconds, at most two
/// seconds. False when they were not by then.
bool end_requests_on_file(int ring_fd, int fd) noexcept;

/// The same for all requests of the ring.
bool end_all_requests(int ring_fd) noexcept;

/// Posts a completion with `user_data` to the ring `fd`, from any thread, without a ring of one's own. 0 or
/// -errno.
int send_message(int fd, std::uint64_t user_data) noexcept;

} // namespace aura::core::uring

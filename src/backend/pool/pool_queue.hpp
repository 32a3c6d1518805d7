// pool_queue: what one backend has the threads of the pool carry out, and what has come of it.
#pragma once

#include "auraio/core/io/backend.hpp"
#include "core/base/worker_pool.hpp"

#include <condition_variable>
#include <cstddef>
#include <limits>

namespace aura::core {

/// Requests whose system call may block: of files, for which nothing can be waited, and of metadata. Members
/// are called by the thread that drives the owner's shard, or that acts on it. Nothing allocates.
///
/// A request that is waiting is cancelled without waiting for anything. One that is under way completes with
/// its result: the memory that it names belongs to it until then.
class pool_queue final : private work_source {
public:
    /// `owner` is woken when something has finished while it sleeps. `threads`: engine_options::pool_threads.
    pool_queue(backend& owner, unsigned threads) noexcept
        : work_source(work_kind::storage, threads)
        , owner_(owner) {
        enlist();
    }

    /// Waits for what is under way.
    ~pool_queue() {
        abandon();
        delist();
    }

    /// Hands a request to the pool. Where no thread can be had it is carried out here.
    void start(io_operation& op) noexcept;

    /// Hands over what the two below have left for it, all together: the lock is taken, and threads are woken, once.
    /// At the latest arm() and collect() do.
    void hand_over() noexcept {
        if (!fresh_.empty()) [[unlikely]]
            hand_over_now();
    }

    /// The same for a request of a file or of metadata where there is no ring: a read or write that the page cache
    /// can answer is done here and now, and its result is returned. Else `is_started`; or -ESPIPE, and nothing has
    /// been, for a read or write at a position of a file that has none, such as a pipe: it may be for long in coming.
    [[nodiscard]] int start_file(io_operation& op) noexcept;
    static constexpr int is_started = std::numeric_limits<int>::min();

    /// Has a write that is_broken_off() after `moved` bytes finished.
    void start_rest(io_operation& op, int moved) noexcept;

    /// Of a request that was started and not collected yet.
    void cancel(io_operation& op) noexcept;

    /// Appends what has finished, with results set.
    void collect(op_queue& done) noexcept {
        if (pending_ != 0) [[unlikely]]
            collect_finished(done);
    }

    /// Started and not collected.
    std::size_t pending() const noexcept { return pending_; }

    /// Before the owner sleeps: whatever finishes from now on wakes it. False: something has finished.
    bool arm() noexcept { return pending_ == 0 || arm_now(); }

    /// Whether a call is under way that may still have to look up this number: until it is over the number
    /// must not come to mean another file.
    bool names(int fd) const noexcept { return pending_ != 0 && is_under_way(fd); }

    /// Forgets what is waiting, waits for what is under way, and forgets that, too. In a child of fork(2)
    /// nothing is.
    void abandon() noexcept;

private:
    /// A call that is under way, on the stack of its thread.
    struct call {
        const io_operation& op;
        call* next;
        call* previous = nullptr;
    };

    void work(worker_pool::lock& lock) noexcept override;
    void forget() noexcept override;

    void collect_finished(op_queue& done) noexcept;
    bool arm_now() noexcept;
    bool is_under_way(int fd) const noexcept;
    bool is_under_way_locked(int fd) const noexcept;
    io_operation* take() noexcept;
    void put_held_back(worker_pool::lock& lock) noexcept;
    void queue(io_operation& op, int moved) noexcept;
    void hand_over_now() noexcept;
    static bool may_be_cached(const io_operation& op) noexcept;

    backend& owner_;

    // Guarded by the lock of the pool.
    op_queue waiting_;
    op_queue held_; // closes of numbers that calls under way have been given
    op_queue finished_;
    call* calls_ = nullptr;
    unsigned threads_inside_ = 0; // with a call, or waking the owner after it
    bool armed_ = false;
    std::condition_variable all_left_;

    // The owner's.
    op_queue fresh_; // not handed over yet
    op_queue done_here_;
    std::size_t pending_ = 0;
};

} // namespace aura::core

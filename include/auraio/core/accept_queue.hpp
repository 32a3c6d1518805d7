// accept_queue: the connections of a listening socket, between the kernel and the operations that wait for
// them.
#pragma once

#include "auraio/core/io_operation.hpp"
#include "auraio/core/spin_lock.hpp"

#include <vector>

namespace aura::core {

/// One multishot request serves every accept operation that waits on a descriptor: a connection costs no
/// submission. Connections that come while nobody waits are kept for the next accept, asynchronous or not,
/// and belong to the listening socket: closing or releasing it closes them. When too many are kept the
/// request is withdrawn until somebody asks again, and the backlog pushes back.
///
/// Where the kernel has no multishot accept (before Linux 5.19) the request completes with each connection
/// and is submitted again as long as somebody waits; nothing else changes.
///
/// Lives with its descriptor. Shard side, except take(), accept_now() and close_kept().
class accept_queue final : private io_operation {
public:
    explicit accept_queue(descriptor& d);
    ~accept_queue();

    /// A new accept operation: completes at once with a kept connection, else waits.
    void wait_for_connection(io_operation& op);

    /// A new wait for the listening socket to be readable, which it is not for the kernel while connections
    /// are kept here or about to be. False: nothing to do with this queue, the kernel can tell.
    bool wait_for_readiness(io_operation& op);

    /// Ends the wait of `op` with -ECANCELED; false when it does not wait here.
    bool withdraw(io_operation& op);

    /// Any thread. The oldest kept connection, or -1.
    int take() noexcept;

    /// Any thread. accept4(2) on `fd` (a negated errno on failure) that also sees connections which the
    /// request has taken already, and does not lose the next one to it. `wait`: blocks, also where `fd` is
    /// O_NONBLOCK.
    int accept_now(int fd, int flags, bool wait);

    /// Any thread. Whether accept_now() would yield a connection: 0 or a negated errno, EAGAIN when it would
    /// not. `wait`: blocks until it would.
    int wait_now(int fd, bool wait);

    /// Any thread. Closes what is kept, and everything that still comes.
    void close_kept() noexcept;

    /// Ends the request in the kernel; its end is still to be reaped, and if operations wait it is queued
    /// again by that.
    void pause() noexcept;

    /// In a forked child: kept connections are the parent's.
    void forget_kept() noexcept;

private:
    friend class shard;

    static void run(operation& base, action what);
    void arm();
    void disarm();
    void finished();
    void deliver(int connection);
    void fail(int error);
    void give_up();
    bool has_kept() noexcept;
    class synchronous_use;
    bool wants_aborted() const noexcept;
    void complete(io_operation& op, int result);

    /// More than one burst brings, less than would hide an application that has stopped accepting.
    static constexpr std::size_t most_kept = 64;

    bool armed_ = false;
    op_queue waiting_;   // accept operations
    op_queue readiness_; // polls

    spin_lock lock_; // guards what follows
    std::vector<int> kept_;
    unsigned blocked_ = 0; // threads in accept_now()
    bool closed_ = false;
    int event_fd_ = -1; // tells them that something was kept

    accept_queue* previous_queue_ = nullptr; // links in the shard's list
    accept_queue* next_queue_ = nullptr;
};

} // namespace aura::core

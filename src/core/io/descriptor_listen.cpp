// descriptor: how a ring waits for connections without holding the listening socket, and takes no more of them
// than are asked for.
//
// What the kernel has pending on a socket holds it: a poll or an accept would keep the port of a listening
// socket taken after close(2), and for some milliseconds after the death of the process. An epoll set does
// not hold what is in it. So the ring polls a set with the one socket in it, and when that is readable the
// oldest operation that waits makes an accept that does not. There is never a connection without an operation
// that has asked for it, and nothing to cancel before the socket is closed.
#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/loop/shard.hpp"
#include "core/io/readiness_aid.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

namespace {

/// Not with EPOLLEXCLUSIVE: of several processes that share the socket each has to hear of a connection, for
/// the one that is told first may be busy with another.
int add_to_set(int set, int fd) noexcept {
    epoll_event readable{};
    readable.events = EPOLLIN;
    return ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &readable) == 0 ? 0 : -errno;
}

} // namespace

/// Whether the set is there and not that of the process this one was forked from.
bool descriptor::owns(accept_set s) const noexcept {
    return s.fd >= 0 && s.generation == fork_generation();
}

/// Shard side. The epoll set that stands for the listening socket in polls, made when it is first needed, or
/// a negated errno.
int descriptor::watch_listener() noexcept {
    // Relaxed: only this side writes it.
    const accept_set before = accept_set_.load(std::memory_order_relaxed);
    if (owns(before) && (!by_number_ || watches_file()))
        return before.fd;
    drop_set(); // inherited: it goes on working in the parent; or another file's
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return -errno;
    if (const int error = add_to_set(set, fd_); error < 0) {
        ::close(set);
        return error;
    }
    accept_set_.store({set, fork_generation()}, std::memory_order_release);
    return set;
}

/// Shard side, while no request names it.
void descriptor::drop_set() noexcept {
    const accept_set s = accept_set_.load(std::memory_order_relaxed);
    if (s.fd < 0)
        return;
    accept_set_.store({}, std::memory_order_relaxed);
    ::close(s.fd);
}

/// Any thread, before the listening socket is closed or handed over: as long as another process has it open,
/// a child of fork say, it would stay in the set.
void descriptor::unwatch_listener() noexcept {
    if (const accept_set s = accept_set_.load(std::memory_order_acquire); owns(s))
        ::epoll_ctl(s.fd, EPOLL_CTL_DEL, fd_, nullptr);
}

/// It has not been given up after all.
void descriptor::watch_listener_again() noexcept {
    if (const accept_set s = accept_set_.load(std::memory_order_acquire); owns(s))
        (void)add_to_set(s.fd, fd_);
}

bool descriptor::watches_file() const noexcept {
    const accept_set s = accept_set_.load(std::memory_order_relaxed);
    return owns(s) && add_to_set(s.fd, fd_) == -EEXIST;
}

bool descriptor::waits_for_another_file() const noexcept {
    return accept_set_.load(std::memory_order_relaxed).fd >= 0 && !watches_file();
}

descriptor* descriptor::create_for_number(shard& home, int fd) {
    auto* d = new descriptor(home, fd);
    d->by_number_ = true;
    d->started_ = 1; // as of the loose one: every operation has the number 0
    return d;
}

void descriptor::retire() noexcept {
    being_told_ = true; // what is cancelled may be the last that keeps it
    home_->path().cancel_before(*this, started_);
    being_told_ = false;
    forgotten();
}

/// A listening socket is waited for that has events other than connections: an error, or, which no such
/// socket ever has, room to write. A set of the operation's own tells, which does not hold it either.
void descriptor::watch_for_others(io_operation& op) noexcept {
    const short_request& r = op.request_;
    const int aid = watch_for_change(r.fd, r.flags);
    if (aid < 0)
        return; // it is the socket itself that is polled
    op.aid_ = aid;
    op.way_ |= io_operation::way::polls | io_operation::way::change;
}

/// An operation that waits for connections is about to be submitted. An accept is tried at once if there may
/// be a connection, which saves the poll; where there is no set to be had its attempt will tell.
void descriptor::prepare_to_listen(io_operation& op) noexcept {
    if (!by_number_ && !home_->io().holds_files())
        return; // the socket itself is waited for
    if (op.request_.kind == request_kind::accept_now) {
        bool try_now = std::exchange(more_connections_, false);
        // Of a number that means another file by now nothing is known; the attempt also tells whether that
        // one listens at all.
        if (by_number_ && !try_now && !watches_file()) {
            try_now = true;
            drop_set(); // the file has just been added to it, beside another perhaps
        }
        // One that goes by number is looked at just above, and its set is the right one.
        if (!try_now && (by_number_ || watch_listener() >= 0))
            op.way_ |= io_operation::way::polls;
    } else if (op.request_.listens != 0) {
        if (op.request_.flags != POLLIN)
            watch_for_others(op);
        else
            (void)watch_listener(); // without one it is the socket itself that is polled
    }
}

} // namespace aura::core

// descriptor: closing, releasing and forgetting. A number is given up when no request names it any more.
#include "auraio/core/base/observer.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/io/inert_descriptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

/// Sends the shard the descriptor, unless it is on its way there. With `forget` the last access of the
/// object.
void descriptor::tell_shard(unsigned what) noexcept {
    happens_before(&message_);
    if ((message_.fetch_or(static_cast<std::uint8_t>(what | on_its_way), std::memory_order_acq_rel) &
         on_its_way) == 0)
        home_->send(*this);
}

void descriptor::run(operation& base, action) {
    // destroy (engine shutdown) has the same duties as arrive: nothing else would do them.
    static_cast<descriptor&>(base).told();
}

void descriptor::told() {
    const unsigned what = message_.exchange(0, std::memory_order_acq_rel);
    happens_after(&message_);
    being_told_ = true; // what is cancelled may be the last that keeps it
    home_->path().cancel_before(*this, cancel_before_.load(std::memory_order_relaxed));
    being_told_ = false;
    if ((what & close_it) != 0) {
        if (!home_->flush_completely()) { // the kernel has no memory to look at the queue: in the next turn
            tell_shard(forget | close_it);
            return;
        }
        home_->forget_file(fd_);
        if (home_->may_name(fd_)) // what names it is pending here
            closes_last_ = true;
        else
            ::close(fd_);
    }
    if ((what & forget) != 0) {
        if ((what & close_it) == 0)
            home_->forget_file(fd_);
        forgotten_ = true;
    }
    free_if_unused();
}

void descriptor::close_twin() noexcept {
    if (twin_) [[unlikely]]
        (void)std::exchange(twin_, nullptr)->close_and_forget();
}

int descriptor::close_and_forget() noexcept {
    close_twin();
    const int fd = fd_;
    leave_slot();
    int result = 0;
    if (started_ == 0) { // the shard has never heard of it
        if (fd >= 0 && ::close(fd) != 0)
            result = -errno;
        delete this;
        return result;
    }
    submit_queued();
    unwatch_listener();
    if (shard_visit visit(*home_); visit) {
        home_->path().cancel_before(*this, started_);
        if (let_kernel_go(visit.driving())) {
            home_->forget_file(fd);
            if (fd >= 0 && ::close(fd) != 0)
                result = -errno;
            forgotten();
            return result;
        }
    }
    disturbed_.store(true, std::memory_order_release);
    home_->leave_file(fd);
    if (fd >= 0)
        disconnect(); // where this fails the shard closes the file
    cancel_before_.store(started_, std::memory_order_relaxed);
    tell_shard(fd >= 0 ? forget | close_it : forget);
    return result;
}

void descriptor::close_and_forget(io_operation& op) {
    op.request_.kind = request_kind::close;
    op.request_.fd = fd_;
    close_twin();
    leave_slot();
    descriptor& closer = home_->loose();
    if (started_ == 0) {
        delete this;
    } else if (shard_visit visit(*home_); visit) {
        home_->path().cancel_before(*this, started_);
        forgotten();
    } else {
        cancel_before_.store(started_, std::memory_order_relaxed);
        tell_shard(forget);
    }
    // On the same ring, hence after whatever names the number; and nobody else can have it before.
    closer.start(op);
}

int descriptor::release_and_forget() noexcept {
    const int fd = fd_;
    if (started_ == 0) {
        close_twin();
        leave_slot();
        delete this;
        return fd;
    }
    submit_queued();
    if (shard_visit visit(*home_); visit) {
        home_->path().cancel_before(*this, started_);
        if (let_kernel_go(visit.driving())) {
            close_twin();
            leave_slot();
            unwatch_listener();
            forgotten();
            return fd;
        }
    }
    // The caller gets another number for the same open file: the old one stays reserved until the shard has
    // flushed the requests that name it.
    const int copy = fd >= 0 ? ::fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd >= 0 && copy < 0)
        return -errno;
    disturbed_.store(true, std::memory_order_release);
    unwatch_listener();
    home_->leave_file(fd);
    if (copy >= 0 && !make_inert(fd)) {
        watch_listener_again();
        home_->return_to_file(fd);
        disturbed_.store(false, std::memory_order_release);
        ::close(copy);
        return -EMFILE;
    }
    close_twin();
    leave_slot();
    if (copy >= 0)
        home_->end_requests_on(copy);
    cancel_before_.store(started_, std::memory_order_relaxed);
    tell_shard(fd >= 0 ? forget | close_it : forget);
    return copy;
}

/// Before the descriptor's number is given up, by the shard side: no queued request may name a number that is
/// about to be reused, and no request may go on holding the open file (a listening socket keeps its port, a
/// connection its peer) or take anything more from it. False when the kernel, for want of memory, has not
/// taken all that is queued, or a thread may still have to look the number up.
bool descriptor::let_kernel_go(bool driving) noexcept {
    if (lanes_.empty())
        return true;
    const bool taken = home_->flush_completely();
    // Cancelled requests end with task work of the thread that submitted them: if that was always this one,
    // it has been done on the way out of the system call above.
    if (fd_ >= 0 && !(driving && home_->io().is_only_submitter()))
        home_->end_requests_on(fd_);
    return taken && !(fd_ >= 0 && home_->may_name(fd_));
}

namespace {

/// What the kernel has pending holds the open file: the peer would see no end and a port would stay taken.
/// The ring may be one that this thread cannot reach into (task_run::deferred); a socket is then at least
/// shut down. A listening one is not: nothing holds it, and other processes may share it.
void end_pending_on(shard& home, int fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (!home.end_requests_on(fd) &&
        (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0))
        ::shutdown(fd, SHUT_RDWR);
}

} // namespace

/// Before the file is closed: replaces what the descriptor's number refers to by something inert, so that
/// requests which still name it do no harm, the file itself is closed now, and the number is not reused
/// before the shard has heard of it. False when there is nothing to replace it by: the number still names the
/// file.
bool descriptor::disconnect() noexcept {
    disturbed_.store(true, std::memory_order_release);
    // Another number for the file: once the first is inert, no request can reach the file any more, also none
    // that the shard had queued and submits just now, and what is pending can be ended for good.
    const second_number file(fd_);
    if (!file)
        end_pending_on(*home_, fd_); // as far as it goes
    const bool inert = make_inert(fd_);
    if (file)
        end_pending_on(*home_, file.get());
    return inert;
}

} // namespace aura::core

// descriptor: starting, cancelling and closing, from the owning shard's thread and from afar.
#include "auraio/core/accept_queue.hpp"
#include "auraio/core/device_gate.hpp"
#include "auraio/core/engine.hpp"
#include "auraio/core/file_kind.hpp"
#include "auraio/core/socket_calls.hpp"

#include <cassert>
#include <cerrno>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

void io_operation::on_arrive() {
    target_->arrived(*this);
}
void io_operation::on_cancel() {
    target_->cancel_one(*this);
}

void io_operation::end_reference_here() {
    shard& home = target_->home();
    let_go();
    home.owner().registered().leave(home, registered_held_);
}

void io_operation::let_go() noexcept {
    if (linked_) // not, if it was refused before it reached the shard
        target_->unlink(*this);
}

std::uint32_t io_operation::readiness_events() const noexcept {
    switch (request_.kind) {
    case request_kind::read:
    case request_kind::readv:
    case request_kind::recv:
    case request_kind::accept:
    case request_kind::accept_multishot:
        return POLLIN;
    case request_kind::recvmsg:
        return (request_.flags & MSG_OOB) != 0 ? POLLPRI : POLLIN;
    case request_kind::write:
    case request_kind::writev:
    case request_kind::send:
    case request_kind::sendmsg:
    case request_kind::connect:
        return POLLOUT;
    default:
        return 0;
    }
}

io_operation::lane io_operation::which_socket_lane() const noexcept {
    switch (request_.kind) {
    case request_kind::recv:
    case request_kind::recvmsg:
        return (request_.flags & MSG_OOB) != 0 ? lane::none : lane::in;
    case request_kind::send:
    case request_kind::sendmsg:
    case request_kind::connect:
        return lane::out;
    default:
        return lane::none;
    }
}

void io_operation::submit_internal() {
    shard& home = target_->home();
    if (!linked_)
        target_->link(*this);
    cancel_requested_ = false;
    awaits_readiness_ = false;
    in_backend_ = true;
    ++home.io_pending_;
    home.count_submission(*this);
    home.io().submit(*this);
}

void io_operation::cancel_internal() {
    target_->cancel_one(*this);
}

namespace {

/// Carries a cancellation to the shard.
class cancel_message final : public operation {
public:
    explicit cancel_message(cancel_cell& cell) noexcept
        : operation(&run)
        , cell_(&cell) {
        set_message(true);
    }

private:
    static void run(operation& base, action what) {
        auto& self = static_cast<cancel_message&>(base);
        cancel_cell* cell = self.cell_;
        delete &self;
        if (what == action::arrive && cell->op)
            cell->op->cancel();
        cell->release();
    }

    cancel_cell* cell_;
};

} // namespace

void cancel_handle::request() const {
    if (shard_visit visit(*cell_->home); visit) {
        if (cell_->op)
            cell_->op->cancel();
        return;
    }
    // Relaxed: the reference this handle holds keeps the cell alive meanwhile.
    cell_->references.fetch_add(1, std::memory_order_relaxed);
    cell_->home->send(*new cancel_message(*cell_));
}

/// What the object side leaves for the shard when it cannot act itself.
struct descriptor::farewell final : operation {
    enum class request : std::uint8_t { cancel, forget };

    farewell(descriptor& d, request r, int fd, std::uint64_t before) noexcept
        : operation(&run)
        , target(&d)
        , what(r)
        , close_fd(fd)
        , sequence(before) {
        set_message(true);
    }

    static void send(descriptor& d, request what, int close_fd) {
        auto* message = new farewell(d, what, close_fd, d.started_);
        ++d.sent_from_afar_; // before: after the last one the object side does not touch it any more
        d.home_->send(*message);
    }

    static void run(operation& base, action) {
        // destroy (engine shutdown) has the same duties as arrive: nothing else would do them.
        auto& self = static_cast<farewell&>(base);
        descriptor& d = *self.target;
        const request what = self.what;
        const int close_fd = self.close_fd;
        const std::uint64_t sequence = self.sequence;
        delete &self;
        // Until this message has been counted d lives: the object may be gone already, by a visit that came
        // after it had been sent and before it was taken.
        d.cancel_before(sequence);
        ++d.arrived_from_afar_;
        if (close_fd >= 0) {
            d.home_->flush(); // no queued request may name a number that is about to be reused
            ::close(close_fd);
        }
        if (what == request::forget)
            d.forgotten();
        else
            d.free_if_unused();
    }

    descriptor* target;
    request what;
    int close_fd;
    std::uint64_t sequence;
};

descriptor* descriptor::create_loose(shard& home) {
    auto* d = new descriptor(home, -1);
    d->loose_ = true;
    d->started_ = 1; // every operation has the number 0: only shutdown, which cancels all, looks at it
    return d;
}

void descriptor::start(io_operation& op) {
    op.target_ = this;
    op.sequence_ = loose_ ? 0 : started_++;
    if (home_->is_current()) [[likely]] {
        home_->started_here();
        home_->begin(op);
        return;
    }
    if (!loose_)
        ++sent_from_afar_;
    op.set_counts_remotely(true);
    op.set_message(true);
    home_->owner().work_started();
    home_->send(op);
}

int descriptor::refer(io_operation& op) {
    registrations& registered = home_->owner().registered();
    if (file_slot_ < 0 && op.request_.registered == 0 && !registered.has_arenas()) [[likely]]
        return 0;
    if (const int refused = registered.refer(*home_, op.request_, file_slot_))
        return refused;
    op.refers_ = op.holds_target_ = op.request_.registered != 0;
    return 0;
}

void descriptor::leave_slot() {
    if (file_slot_ >= 0)
        home_->owner().registered().forget_file(static_cast<std::size_t>(std::exchange(file_slot_, -1)), fd_);
}

void descriptor::arrived(io_operation& op) {
    ++arrived_from_afar_;
    op.set_message(false);
    if (disturbed_.load(std::memory_order_acquire))
        op.cancel_requested_ = true; // its descriptor is closed
    home_->begin(op);
}

void descriptor::cancel() {
    if (twin_) [[unlikely]]
        twin_->cancel();
    if (started_ == 0)
        return;
    if (shard_visit visit(*home_); visit) {
        cancel_before(started_);
        return;
    }
    farewell::send(*this, farewell::request::cancel, -1);
}

void descriptor::cancel_before(std::uint64_t sequence) {
    if (sequence > cancelled_before_)
        cancelled_before_ = sequence;
    for (io_operation *op = first_, *following; op; op = following) {
        following = op->following_;
        // May end the last operation of a forgotten descriptor, which frees it: then nothing follows.
        if (op->sequence_ < sequence)
            cancel_one(*op); // NOLINT(clang-analyzer-cplusplus.NewDelete)
    }
}

void descriptor::cancel_one(io_operation& op) {
    if (op.cancel_requested_)
        return;
    op.cancel_requested_ = true;
    if (op.in_backend_) {
        home_->io().cancel(op);
    } else if (op.in_lane_) {
        op.in_lane_ = false;
        --in_lane_[static_cast<unsigned>(op.which_lane())];
        finish_queued(op, -ECANCELED);
    } else if (op.at_gate_ == io_operation::gate_place::waiting) {
        op.line_->withdraw(op);
        op.result_ = -ECANCELED;
        op.detach();
        home_->make_ready_here(op);
        lane_advances(op); // it was the first of its lane
        if (!op.holds_target_)
            unlink(op);
    } else if (accept_queue* q = accepts_.load(std::memory_order_relaxed)) { // created by this side
        q->withdraw(op);
    }
}

void descriptor::submit_next_of(io_operation::lane which, io_operation& finished) {
    io_operation* op = finished.following_; // those that wait came later
    while (!op->in_lane_ || op->which_lane() != which)
        op = op->following_;
    if (disturbed_.load(std::memory_order_acquire)) { // closed: nothing must reach what its number means now
        cancel_before(~std::uint64_t{0});
        return;
    }
    op->in_lane_ = false;
    home_->issue_from_lane(*op);
}

/// Whether `op` waits in the accept queue, or has found there what it wanted.
bool descriptor::queue(io_operation& op) {
    accept_queue* q = accepts_.load(std::memory_order_relaxed);
    if (op.request_.kind == request_kind::poll)
        return q && (op.request_.flags & POLLIN) != 0 && q->wait_for_readiness(op);
    if (!q) {
        q = new (std::nothrow) accept_queue(*this);
        if (!q) {
            finish_queued(op, -ENOMEM); // it is on its way already: too late for an exception
            return true;
        }
        accepts_.store(q, std::memory_order_release);
    }
    q->wait_for_connection(op);
    return true;
}

void descriptor::finish_queued(io_operation& op, int result) {
    op.result_ = result;
    op.detach();
    home_->make_ready_here(op);
    if (!op.holds_target_)
        unlink(op);
}

void descriptor::resume_queued(io_operation& op) {
    home_->submit(op);
}

int descriptor::accept_now(int flags, bool wait) {
    if (accept_queue* q = accepts_.load(std::memory_order_acquire))
        return q->accept_now(fd_, flags, wait);
    for (;;) {
        const int r = ::accept4(fd_, nullptr, nullptr, flags);
        if (r >= 0)
            return r;
        if (errno == EAGAIN && wait) {
            if (const int error = wait_for(fd_, POLLIN); error < 0)
                return error;
        } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
            return -errno;
        }
    }
}

int descriptor::wait_now(short events, bool wait) {
    accept_queue* q = accepts_.load(std::memory_order_acquire);
    return q && (events & POLLIN) != 0 ? q->wait_now(fd_, wait) : wait_for(fd_, events, wait);
}

void descriptor::set_storage(storage_device& device) {
    assert(!storage_ && !loose_);
    storage_ = new gated_file(*this, device);
}

void descriptor::look_at_kind(int fd) {
    switch (kind_of_file(fd)) {
    case file_kind::prompt:
        return;
    case file_kind::terminal:
        if (const int again = open_terminal_again(fd); again >= 0) {
            twin_ = new (std::nothrow) descriptor(*home_, again);
            if (!twin_)
                ::close(again); // a worker will do
        }
        transfers_ = twin_ ? transfers::by_twin : transfers::by_worker;
        return;
    case file_kind::master:
        transfers_ = transfers::without_waiting;
        return;
    case file_kind::may_block:
        transfers_ = transfers::by_worker;
        return;
    }
}

descriptor* descriptor::reroute(io_operation& op) {
    io_request& r = op.request_;
    if (transfers_ == transfers::by_worker) {
        r.flags |= in_worker;
        return this;
    }
    if (transfers_ == transfers::without_waiting) {
        (void)set_non_blocking(r.fd, true); // again and again: its owner may have taken it back
        return this;
    }
    r.fd = twin_->fd_;
    if (reads(r.kind) && reads_empty(r.fd)) { // at once: the twin does not block
        const bool several = r.kind == request_kind::readv;
        const iovec one{const_cast<void*>(r.address), r.length};
        op.result_ =
            static_cast<int>(several ? read_now(r.fd, static_cast<const iovec*>(r.address), r.length, false)
                                     : read_now(r.fd, &one, 1, false));
        return nullptr;
    }
    return twin_;
}

void descriptor::set_storage_of(int fd) {
    if (storage_device* device = storage_device::of_file(fd))
        set_storage(*device);
}

descriptor::~descriptor() {
    delete storage_;
    delete accepts_.load(std::memory_order_relaxed);
}

int descriptor::close_and_forget() {
    if (twin_) [[unlikely]]
        (void)std::exchange(twin_, nullptr)->close_and_forget();
    const int fd = fd_;
    leave_slot();
    int result = 0;
    if (started_ == 0) { // the shard has never heard of it
        if (fd >= 0 && ::close(fd) != 0)
            result = -errno;
        delete this;
        return result;
    }
    if (accept_queue* q = accepts_.load(std::memory_order_acquire))
        q->close_kept();
    if (shard_visit visit(*home_); visit) {
        cancel_before(started_);
        let_kernel_go(visit.driving());
        if (fd >= 0 && ::close(fd) != 0)
            result = -errno;
        forgotten();
        return result;
    }
    const bool reserved = fd >= 0 && disconnect_from_afar(true);
    farewell::send(*this, farewell::request::forget, reserved ? fd : -1);
    return 0;
}

int descriptor::release_and_forget() {
    if (twin_) [[unlikely]]
        (void)std::exchange(twin_, nullptr)->close_and_forget();
    int fd = fd_;
    leave_slot();
    if (started_ == 0) {
        delete this;
        return fd;
    }
    if (accept_queue* q = accepts_.load(std::memory_order_acquire))
        q->close_kept();
    if (shard_visit visit(*home_); visit) {
        cancel_before(started_);
        // Not forgotten yet, hence not freed. NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete)
        let_kernel_go(visit.driving());
        forgotten();
        return fd;
    }
    // The caller gets another number for the same open file: the old one stays reserved until the shard has
    // flushed the requests that name it.
    int reserved = -1;
    if (fd >= 0) {
        const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (copy >= 0 && disconnect_from_afar(false)) {
            reserved = fd;
            fd = copy;
        } else if (copy >= 0) {
            ::close(copy);
        }
    }
    farewell::send(*this, farewell::request::forget, reserved);
    return fd;
}

/// Before the descriptor's number is given up, by the shard side: no queued request may name a number that is
/// about to be reused, and no request may go on holding the open file (a listening socket keeps its port, a
/// connection its peer) or take anything more from it.
void descriptor::let_kernel_go(bool driving) {
    if (!first_)
        return;
    home_->flush();
    // Cancelled requests end with task work of the thread that submitted them: if that was always this one,
    // it has been done on the way out of the system call above.
    if (fd_ >= 0 && !(driving && home_->io().is_only_submitter()))
        home_->end_requests_on(fd_);
    if (accepts_.load(std::memory_order_relaxed))
        home_->reap(); // connections that were accepted before the cancellation
}

namespace {

/// What the kernel has pending holds the open file: the peer would see no end and a port would stay taken.
/// The ring may be one that this thread cannot reach into (task_run::deferred); a socket is then at least
/// shut down.
void end_pending_on(shard& home, int fd, bool close_it) {
    if (!home.end_requests_on(fd) && close_it)
        ::shutdown(fd, SHUT_RDWR);
}

} // namespace

/// Replaces what the descriptor's number refers to by something inert, so that requests which still name it
/// do no harm, the file itself is closed now, and the number is not reused before the shard has heard of it.
/// False (and the descriptor is closed if `close_it`) when the process is out of descriptors.
bool descriptor::disconnect_from_afar(bool close_it) {
    disturbed_.store(true, std::memory_order_release);
    // Another number for the file: once the first is inert, no request can reach the file any more, also none
    // that the shard had queued and submits just now, and what is pending can be ended for good.
    const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        end_pending_on(*home_, fd_, close_it);        // out of descriptors: as far as it goes
    const int inert = ::epoll_create1(EPOLL_CLOEXEC); // nothing can be read from it, or written to it
    int r = -1;
    if (inert >= 0) {
        do
            r = ::dup3(inert, fd_, O_CLOEXEC);
        while (r < 0 && (errno == EINTR || errno == EBUSY));
        ::close(inert);
    }
    if (copy >= 0) {
        end_pending_on(*home_, copy, close_it);
        ::close(copy);
    }
    if (r < 0 && close_it)
        ::close(fd_);
    return r >= 0;
}

void descriptor::forgotten() {
    forgotten_ = true;
    free_if_unused();
}

void descriptor::free_if_unused() noexcept {
    if (forgotten_ && !first_ && arrived_from_afar_ == sent_from_afar_)
        delete this;
}

void descriptor::begin_list(io_operation& op) noexcept {
    first_ = &op;
    previous_active_ = nullptr;
    next_active_ = home_->active_;
    if (next_active_)
        next_active_->previous_active_ = this;
    home_->active_ = this;
}

void descriptor::end_list() noexcept {
    (previous_active_ ? previous_active_->next_active_ : home_->active_) = next_active_;
    if (next_active_)
        next_active_->previous_active_ = previous_active_;
    free_if_unused();
}

} // namespace aura::core

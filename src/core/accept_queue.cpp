// accept_queue: arming, delivering and keeping; the dance of a synchronous accept with a request that is
// armed.
#include "auraio/core/accept_queue.hpp"

#include "auraio/core/engine.hpp"
#include "auraio/core/socket_calls.hpp"

#include <cerrno>
#include <mutex>
#include <new>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

namespace {

io_request multishot_request() {
    io_request r;
    r.kind = request_kind::accept_multishot;
    r.flags = SOCK_CLOEXEC;
    return r;
}

/// What concerns one connection that came to nothing, and not the listening socket; accept(2) lists them.
bool is_transient(int result) noexcept {
    switch (-result) {
    case ECONNABORTED:
    case EINTR:
    case EAGAIN:
    case ECANCELED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

} // namespace

accept_queue::accept_queue(descriptor& d)
    : io_operation(&run, multishot_request()) {
    make_internal(d);
    shard& home = d.home();
    next_queue_ = home.accept_queues_;
    if (next_queue_)
        next_queue_->previous_queue_ = this;
    home.accept_queues_ = this;
}

accept_queue::~accept_queue() {
    (previous_queue_ ? previous_queue_->next_queue_ : target().home().accept_queues_) = next_queue_;
    if (next_queue_)
        next_queue_->previous_queue_ = previous_queue_;
    for (const int connection : kept_)
        ::close(connection);
    if (event_fd_ >= 0)
        ::close(event_fd_);
}

void accept_queue::run(operation& base, action what) {
    auto& self = static_cast<accept_queue&>(base);
    if (what == action::more)
        self.deliver(self.result());
    else if (what == action::complete)
        self.finished();
}

void accept_queue::complete(io_operation& op, int result) {
    target().finish_queued(op, result);
}

void accept_queue::wait_for_connection(io_operation& op) {
    if (waiting_.empty()) {
        if (const int connection = take(); connection >= 0) {
            complete(op, connection);
            return;
        }
    }
    waiting_.push(op);
    if (!armed_)
        arm();
}

bool accept_queue::wait_for_readiness(io_operation& op) {
    bool kept;
    {
        std::lock_guard guard(lock_);
        kept = !kept_.empty();
    }
    if (kept) {
        complete(op, POLLIN);
        return true;
    }
    if (!armed_)
        return false;
    readiness_.push(op);
    return true;
}

bool accept_queue::withdraw(io_operation& op) {
    if (!waiting_.remove(op) && !readiness_.remove(op))
        return false;
    if (waiting_.empty())
        disarm();
    complete(op, -ECANCELED);
    return true;
}

void accept_queue::arm() {
    armed_ = true;
    request_.fd = target().fd();
    submit_internal();
}

void accept_queue::disarm() {
    if (armed_)
        cancel_internal();
}

void accept_queue::deliver(int connection) {
    if (!waiting_.empty()) {
        complete(static_cast<io_operation&>(*waiting_.pop()), connection);
        return;
    }
    bool enough;
    {
        std::lock_guard guard(lock_);
        if (closed_) {
            ::close(connection);
            return;
        }
        try {
            kept_.push_back(connection);
        } catch (const std::bad_alloc&) {
            ::close(connection); // as a server at its limits does
            return;
        }
        enough = kept_.size() >= most_kept;
        if (blocked_ != 0) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
        }
    }
    while (operation* op = readiness_.pop())
        complete(static_cast<io_operation&>(*op), POLLIN);
    if (enough)
        disarm();
}

void accept_queue::finished() {
    armed_ = false;
    const int r = result();
    if (r >= 0)
        deliver(r);
    if (target().disturbed_.load(std::memory_order_acquire)) {
        give_up();
        return;
    }
    if (r < 0 && (!is_transient(r) || (r == -ECONNABORTED && wants_aborted())))
        fail(r);
    // Polls that waited for this request ask the kernel from now on.
    if (waiting_.empty()) {
        while (operation* op = readiness_.pop())
            target().resume_queued(static_cast<io_operation&>(*op));
        return;
    }
    if (!armed_)
        arm();
}

/// The descriptor is being closed from another thread, and its number may still name the listening socket:
/// a request armed now would hold on to the port, and its failure is nobody's news.
void accept_queue::give_up() {
    for (op_queue* q : {&waiting_, &readiness_})
        while (operation* op = q->pop())
            complete(static_cast<io_operation&>(*op), -ECANCELED);
}

bool accept_queue::wants_aborted() const noexcept {
    return !waiting_.empty() && static_cast<const io_operation*>(waiting_.front())->request().length != 0;
}

/// EMFILE and its like: one waiting operation learns of it; the others try again, and learn for themselves.
void accept_queue::fail(int error) {
    if (operation* op = waiting_.pop())
        complete(static_cast<io_operation&>(*op), error);
}

int accept_queue::take() noexcept {
    std::lock_guard guard(lock_);
    if (kept_.empty())
        return -1;
    const int connection = kept_.front();
    kept_.erase(kept_.begin());
    return connection;
}

void accept_queue::close_kept() noexcept {
    std::lock_guard guard(lock_);
    closed_ = true;
    for (const int connection : kept_)
        ::close(connection);
    kept_.clear();
}

void accept_queue::pause() noexcept {
    if (armed_ && !target().home().end_request(*this))
        disarm();
}

void accept_queue::forget_kept() noexcept {
    for (const int connection : kept_)
        ::close(connection);
    kept_.clear();
    if (event_fd_ >= 0) // shared with the parent, whose wake-ups are not to be eaten here
        ::close(std::exchange(event_fd_, -1));
}

bool accept_queue::has_kept() noexcept {
    std::lock_guard guard(lock_);
    return !kept_.empty();
}

/// While one exists, the armed request has been asked not to take the next connection, unless operations wait
/// for it, too.
class accept_queue::synchronous_use {
public:
    synchronous_use(accept_queue& q, int fd)
        : queue_(q)
        , fd_(fd) {
        shard& home = q.target().home();
        if (shard_visit visit(home); visit) {
            if (q.waiting_.empty())
                q.disarm();
            home.reap();
        } else {
            // Only this one: those who wait for readiness go on waiting.
            home.end_request(q);
        }
    }
    ~synchronous_use() {
        if (!listens_)
            return;
        std::lock_guard guard(queue_.lock_);
        --queue_.blocked_;
    }
    synchronous_use(const synchronous_use&) = delete;

    /// Whether something is kept (0) or the kernel has something to accept (1); or a negated errno, EAGAIN
    /// for neither. `block`: until there is.
    int wait(bool block) {
        if (queue_.has_kept())
            return 0;
        const int ready = wait_for(fd_, POLLIN, false);
        if (ready != -EAGAIN)
            return ready == 0 ? 1 : ready;
        if (!block)
            return ready;
        if (const int error = listen_for_deliveries(); error < 0)
            return error;
        return wait_for_either();
    }

private:
    /// deliver() tells of what it keeps from now on.
    int listen_for_deliveries() {
        if (listens_)
            return 0;
        std::lock_guard guard(queue_.lock_);
        if (queue_.event_fd_ < 0) {
            queue_.event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            if (queue_.event_fd_ < 0)
                return -errno;
        }
        ++queue_.blocked_;
        listens_ = true;
        return 0;
    }

    int wait_for_either() {
        for (;;) {
            if (queue_.has_kept())
                return 0;
            pollfd both[2] = {{fd_, POLLIN, 0}, {queue_.event_fd_, POLLIN, 0}};
            if (::poll(both, 2, -1) < 0) {
                if (errno == EINTR)
                    continue;
                return -errno;
            }
            if (both[1].revents != 0) {
                std::uint64_t count;
                [[maybe_unused]] const auto got = ::read(queue_.event_fd_, &count, sizeof count);
            }
            if (both[0].revents != 0)
                return 1;
        }
    }

    accept_queue& queue_;
    const int fd_;
    bool listens_ = false;
};

int accept_queue::accept_now(int fd, int flags, bool wait) {
    if (const int connection = take(); connection >= 0)
        return connection;
    synchronous_use use(*this, fd);
    for (;;) {
        if (const int connection = take(); connection >= 0)
            return connection;
        if (wait) {
            const int r = use.wait(true);
            if (r < 0)
                return r;
            if (r == 0)
                continue;
        }
        const int connection = ::accept4(fd, nullptr, nullptr, flags);
        if (connection >= 0)
            return connection;
        if (wait && errno == EAGAIN) // somebody else was faster
            continue;
        if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO)
            return -errno;
    }
}

int accept_queue::wait_now(int fd, bool wait) {
    if (has_kept())
        return 0;
    synchronous_use use(*this, fd);
    const int r = use.wait(wait);
    return r < 0 ? r : 0;
}

} // namespace aura::core

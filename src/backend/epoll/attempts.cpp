// attempts: flags that say so where a call has them, else a look by poll(2) first.
#include "attempts.hpp"

#include "auraio/core/io/file_system.hpp"
#include "auraio/core/io/request_table.hpp"
#include "auraio/core/io/socket_calls.hpp"
#include "core/io/file_kind.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aura::core::epoll {

namespace {

constexpr int without_signal = 0x100; // RWF_NOSIGNAL, younger than the C library's header

int outcome(ssize_t result) noexcept {
    return result < 0 ? -errno : static_cast<int>(result);
}

int attempt_recv(const short_request& r, int fd) noexcept {
    return outcome(
        ::recv(fd, const_cast<void*>(r.address), r.length, static_cast<int>(r.flags | MSG_DONTWAIT)));
}

int attempt_send(const short_request& r, int fd) noexcept {
    return outcome(::send(fd, r.address, r.length, static_cast<int>(r.flags | MSG_DONTWAIT)));
}

/// Not by recvmsg(2)'s function: AddressSanitizer's takes an address that was cut for one written beyond its memory.
int attempt_recvmsg(const short_request& r, int fd) noexcept {
    return outcome(
        ::syscall(SYS_recvmsg, fd, r.address, static_cast<unsigned>(r.flags) | unsigned{MSG_DONTWAIT}));
}

int attempt_sendmsg(const short_request& r, int fd) noexcept {
    return outcome(
        ::sendmsg(fd, static_cast<const msghdr*>(r.address), static_cast<int>(r.flags | MSG_DONTWAIT)));
}

/// There is no flag for it. The listening socket becomes O_NONBLOCK, as with Asio: set for the moment of the
/// call only, another process that shares the socket could take it back in between. What blocking means to the
/// user of an object is the object's business.
int attempt_accept(io_operation& op, int fd) noexcept {
    const short_request& r = op.request();
    const int mode = ::fcntl(fd, F_GETFL);
    if (mode < 0)
        return -errno;
    if ((mode & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, mode | O_NONBLOCK) != 0)
        return -errno;
    const void* size = nullptr;
    if ((r.flags & size_apart) != 0)
        size = op.extension().address2;
    else if (r.address)
        size = &r.length; // read, and written if it succeeds
    return outcome(::accept4(fd, static_cast<sockaddr*>(const_cast<void*>(r.address)),
                             static_cast<socklen_t*>(const_cast<void*>(size)),
                             static_cast<int>(r.flags & ~(reports_aborted | size_apart))));
}

/// The buffers of a read or write.
struct buffers {
    iovec one;
    const iovec* first;
    int count;

    explicit buffers(const short_request& r) noexcept
        : one{const_cast<void*>(r.address), r.length}
        , first(&one)
        , count(1) {
        if (r.kind == request_kind::readv || r.kind == request_kind::writev) {
            first = static_cast<const iovec*>(r.address);
            count = static_cast<int>(r.length);
        }
    }
    buffers(const buffers&) = delete;
};

int read_when_ready(int fd, const buffers& b) noexcept {
    const int ready = events_now(fd, POLLIN);
    if (ready <= 0)
        return ready < 0 ? ready : -EAGAIN;
    return outcome(::readv(fd, b.first, b.count));
}

/// A pipe that has room has it for so much.
int write_when_ready(int fd, const buffers& b) noexcept {
    const int ready = events_now(fd, POLLOUT);
    if (ready <= 0)
        return ready < 0 ? ready : -EAGAIN;
    const int mode = ::fcntl(fd, F_GETFL);
    if (b.count == 0 || (mode >= 0 && (mode & O_NONBLOCK) != 0))
        return outcome(::writev(fd, b.first, b.count));
    const iovec* first = b.first;
    while (first < b.first + b.count - 1 && first->iov_len == 0)
        ++first;
    return outcome(::write(fd, first->iov_base, std::min<std::size_t>(first->iov_len, PIPE_BUF)));
}

enum class support : std::uint8_t { unknown, no, yes };

support try_without_signal() noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return support::unknown; // no descriptors, now
    char byte = 0;
    const iovec v{&byte, 1};
    const int result = outcome(::pwritev2(ends[1], &v, 1, -1, without_signal));
    ::close(ends[0]);
    ::close(ends[1]);
    if (result == 1)
        return support::yes;
    return result == -EOPNOTSUPP ? support::no : support::unknown;
}

/// Whether the kernel knows RWF_NOSIGNAL. Asked until there is an answer.
support writes_without_signal() noexcept {
    static std::atomic<support> known{support::unknown};
    // Relaxed: the value is all that is told, and whoever finds one out finds the same.
    support s = known.load(std::memory_order_relaxed);
    if (s == support::unknown) [[unlikely]] {
        s = try_without_signal();
        if (s != support::unknown)
            known.store(s, std::memory_order_relaxed);
    }
    return s;
}

int attempt_transfer(const short_request& r, int fd) noexcept {
    const buffers b(r);
    if (reads(r.kind))
        return outcome(::preadv2(fd, b.first, b.count, -1, RWF_NOWAIT));
    const support s = writes_without_signal();
    int result = -EOPNOTSUPP;
    if (s != support::no)
        result = outcome(::pwritev2(fd, b.first, b.count, -1, RWF_NOWAIT | without_signal));
    if (result == -EOPNOTSUPP && s != support::yes)
        result = outcome(::pwritev2(fd, b.first, b.count, -1, RWF_NOWAIT));
    return result;
}

} // namespace

bool can_be_attempted(const io_operation& op) noexcept {
    const short_request& r = op.request();
    if (!transfers_file_data(r.kind))
        return row_of(r.kind).readiness != 0;
    return (r.flags & in_worker) == 0 && op.extension().offset == current_position;
}

int attempt_on_terminal(const io_operation& op, int fd) noexcept {
    if (is_storage(fd))
        return -EOPNOTSUPP;
    if (events_now(fd, op.readiness_events()) == 0)
        return -EAGAIN;
    const int again = kind_of_file(fd) == file_kind::terminal ? open_terminal_again(fd) : -1;
    if (again < 0)
        return -EOPNOTSUPP;
    const buffers b(op.request());
    const int result = outcome(reads(op.request().kind) ? ::readv(again, b.first, b.count)
                                                        : ::writev(again, b.first, b.count));
    ::close(again);
    return result;
}

int attempt_when_ready(io_operation& op, int fd) noexcept {
    const buffers b(op.request());
    return reads(op.request().kind) ? read_when_ready(fd, b) : write_when_ready(fd, b);
}

int attempt_message(const short_request& r, int fd) noexcept {
    switch (r.kind) {
    case request_kind::recv:
        return attempt_recv(r, fd);
    case request_kind::send:
        return attempt_send(r, fd);
    case request_kind::recvmsg:
        return attempt_recvmsg(r, fd);
    default:
        return attempt_sendmsg(r, fd);
    }
}

int attempt(io_operation& op, int fd) noexcept {
    const short_request& r = op.request();
    switch (r.kind) {
    case request_kind::connect:
        return connect_without_waiting(fd, r.address, r.length);
    case request_kind::accept_now:
        return attempt_accept(op, fd);
    default:
        return attempt_transfer(r, fd);
    }
}

bool is_storage(int fd) noexcept {
    return nature_of(fd) == file_nature::storage;
}

bool has_room_left(const short_request& r, int result) noexcept {
    // With these the result says nothing of what is left.
    constexpr std::uint32_t others = MSG_PEEK | MSG_OOB | MSG_ERRQUEUE | MSG_TRUNC;
    const auto got = static_cast<std::size_t>(result);
    if (r.kind == request_kind::recv)
        return got < r.length && (r.flags & others) == 0;
    if (r.kind != request_kind::recvmsg || (r.flags & others) != 0)
        return false;
    const auto& message = *static_cast<const msghdr*>(r.address);
    std::size_t room = 0;
    for (std::size_t i = 0; i < message.msg_iovlen && room <= got; ++i)
        room += message.msg_iov[i].iov_len;
    return got < room && message.msg_controllen == 0; // control data ends a receive, too
}

bool is_tcp(int fd) noexcept {
    int protocol = 0;
    socklen_t size = sizeof protocol;
    return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

bool is_stream(int fd) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int events_now(int fd, std::uint32_t events) noexcept {
    if (fd < 0) // which poll(2) passes over
        return -EBADF;
    pollfd p{fd, static_cast<short>(events), 0};
    int r;
    do
        r = ::poll(&p, 1, 0);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    if (r == 0)
        return 0;
    return (p.revents & POLLNVAL) != 0 ? -EBADF : static_cast<int>(static_cast<unsigned short>(p.revents));
}

} // namespace aura::core::epoll

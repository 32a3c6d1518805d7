// socket_calls: thin over the system, except for interruption and emulated blocking.
#include "auraio/core/io/socket_calls.hpp"

#include "auraio/core/io/io_request.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace aura::core {

namespace {

constexpr int write_without_signal = 0x100; // RWF_NOSIGNAL, younger than the C library's header

int checked(int result) noexcept {
    return result < 0 ? -errno : result;
}

/// Of an ioctl(2) that only sockets know: what others say of themselves says little.
int of_socket(int result) noexcept {
    return result == -ENOTTY ? -ENOTSOCK : result;
}

/// An option of the socket's own level; -1: it is none.
int option_of(int fd, int name) noexcept {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

/// Calls until the call is neither interrupted nor, with `wait`, in need of waiting.
template <class Call>
long until_done(int fd, short events, bool wait, Call call) noexcept {
    for (;;) {
        const auto r = call();
        if (r >= 0)
            return r;
        if (errno == EINTR)
            continue;
        if (!wait || (errno != EAGAIN && errno != EWOULDBLOCK))
            return -errno;
        if (const int e = wait_for(fd, events); e < 0)
            return e;
    }
}

} // namespace

int open_socket(int family, int type, int protocol) noexcept {
    return checked(::socket(family, type | SOCK_CLOEXEC, protocol));
}

int open_socket_pair(int family, int type, int protocol, int (&fds)[2]) noexcept {
    return checked(::socketpair(family, type | SOCK_CLOEXEC, protocol, fds));
}

int bind_socket(int fd, const void* address, std::size_t size) noexcept {
    return checked(::bind(fd, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)));
}

int listen_on(int fd, int backlog) noexcept {
    return checked(::listen(fd, backlog));
}

int accept_now(int fd, void* address, socklen_t& size, bool wait, bool report_aborted) noexcept {
    const socklen_t capacity = size;
    for (;;) {
        const int r = static_cast<int>(until_done(fd, POLLIN, wait, [&] {
            size = capacity;
            return ::accept4(fd, static_cast<sockaddr*>(address), address ? &size : nullptr, SOCK_CLOEXEC);
        }));
        if ((r != -ECONNABORTED || report_aborted) && r != -EPROTO)
            return r;
    }
}

int connect_now(int fd, const void* address, std::size_t size) noexcept {
    if (::connect(fd, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) == 0)
        return 0;
    if (errno == EAGAIN)
        return -ENOBUFS; // a full backlog (UNIX domain), which nobody can wait for
    // An interrupted connect goes on by itself, as one of a non-blocking socket does.
    if (errno != EINPROGRESS && errno != EINTR)
        return -errno;
    if (const int e = wait_for(fd, POLLOUT); e < 0)
        return e;
    return -take_socket_error(fd);
}

int connect_without_waiting(int fd, const void* address, std::size_t size) noexcept {
    const auto connect = [=] {
        return checked(::connect(fd, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)));
    };
    // Datagrams never wait, and something else may be going on there.
    if (option_of(fd, SO_TYPE) == SOCK_DGRAM)
        return connect();
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    if ((flags & O_NONBLOCK) != 0)
        return connect();
    if (::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return -errno;
    const int result = connect();
    ::fcntl(fd, F_SETFL, flags);
    return result;
}

int take_socket_error(int fd) noexcept {
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 ? errno : error;
}

bool comes_about_later(int fd, std::uint32_t known) noexcept {
    if (known != 0)
        return known == connects_later;
    const int type = option_of(fd, SO_TYPE);
    return type != SOCK_DGRAM && type != SOCK_RAW && option_of(fd, SO_DOMAIN) != AF_UNIX;
}

int shut_down(int fd, int how) noexcept {
    return checked(::shutdown(fd, how));
}

int local_address(int fd, void* address, socklen_t& size) noexcept {
    return checked(::getsockname(fd, static_cast<sockaddr*>(address), &size));
}

int peer_address(int fd, void* address, socklen_t& size) noexcept {
    return checked(::getpeername(fd, static_cast<sockaddr*>(address), &size));
}

int set_socket_option(int fd, int level, int name, const void* value, std::size_t size) noexcept {
    return checked(::setsockopt(fd, level, name, value, static_cast<socklen_t>(size)));
}

int get_socket_option(int fd, int level, int name, void* value, socklen_t& size) noexcept {
    return checked(::getsockopt(fd, level, name, value, &size));
}

int control(int fd, unsigned long command, void* argument) noexcept {
    return checked(::ioctl(fd, command, argument));
}

int set_non_blocking(int fd, bool on) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    const int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : checked(::fcntl(fd, F_SETFL, wanted));
}

int bytes_available(int fd, std::size_t& count) noexcept {
    int value = 0;
    const int r = of_socket(checked(::ioctl(fd, FIONREAD, &value)));
    count = r < 0 ? 0 : static_cast<std::size_t>(value);
    return r;
}

int at_out_of_band_mark(int fd, bool& at_mark) noexcept {
    const int r = of_socket(checked(::sockatmark(fd)));
    at_mark = r > 0;
    return r;
}

long receive_now(int fd, msghdr& message, int flags, bool wait) noexcept {
    const socklen_t capacity = message.msg_namelen;
    return until_done(fd, (flags & MSG_OOB) != 0 ? POLLPRI : POLLIN, wait, [&] {
        message.msg_namelen = capacity;
        return ::recvmsg(fd, &message, flags);
    });
}

long send_now(int fd, const msghdr& message, int flags, bool wait) noexcept {
    return until_done(fd, POLLOUT, wait, [&] { return ::sendmsg(fd, &message, flags | MSG_NOSIGNAL); });
}

long read_now(int fd, const iovec* vectors, std::size_t count, bool wait) noexcept {
    return until_done(fd, POLLIN, wait, [&] { return ::readv(fd, vectors, static_cast<int>(count)); });
}

long write_now(int fd, const iovec* vectors, std::size_t count, bool wait) noexcept {
    return until_done(fd, POLLOUT, wait, [&] {
        const auto n = ::pwritev2(fd, vectors, static_cast<int>(count), -1, write_without_signal);
        return n < 0 && errno == EOPNOTSUPP ? ::writev(fd, vectors, static_cast<int>(count)) : n;
    });
}

int wait_for(int fd, short events, bool wait) noexcept {
    pollfd p{fd, events, 0};
    int r;
    do
        r = ::poll(&p, 1, wait ? -1 : 0);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    if (r == 0)
        return -EAGAIN;
    return (p.revents & POLLNVAL) != 0 ? -EBADF : 0;
}

} // namespace aura::core

// socket_operations: what Engine does with sockets, with descriptors that become ready, and with time.
#pragma once

#include "auraio/cpp/file_operations.hpp"

namespace aura {

/**
 * Operations on sockets: the functions of aura_sockets.h, which says what each does, in the two forms of
 * FileOperations, whose rules hold here. A base of Engine.
 */
class SocketOperations : public FileOperations {
public:
    /// Result: how many bytes came, 0 when the peer has ended; `flags` are MSG_*.
    template <Callback F>
    Request recv(int fd, void* data, std::size_t len, int flags, F&& callback) {
        return begin("recv", cpp_detail::describe::recv(fd, data, len, flags), std::forward<F>(callback));
    }
    auto async_recv(int fd, void* data, std::size_t len, int flags = 0) {
        return awaited("recv", cpp_detail::describe::recv(fd, data, len, flags));
    }

    /// Result: how many bytes went. Without MSG_NOSIGNAL in `flags`, SIGPIPE should be ignored.
    template <Callback F>
    Request send(int fd, const void* data, std::size_t len, int flags, F&& callback) {
        return begin("send", cpp_detail::describe::send(fd, data, len, flags), std::forward<F>(callback));
    }
    auto async_send(int fd, const void* data, std::size_t len, int flags = MSG_NOSIGNAL) {
        return awaited("send", cpp_detail::describe::send(fd, data, len, flags));
    }

    /// Datagrams with their addresses, several buffers, ancillary data. `message`, and what it names, must live too.
    template <Callback F>
    Request recvmsg(int fd, msghdr* message, int flags, F&& callback) {
        return begin("recvmsg", cpp_detail::describe::recvmsg(fd, message, flags), std::forward<F>(callback));
    }
    auto async_recvmsg(int fd, msghdr* message, int flags = 0) {
        return awaited("recvmsg", cpp_detail::describe::recvmsg(fd, message, flags));
    }
    template <Callback F>
    Request sendmsg(int fd, const msghdr* message, int flags, F&& callback) {
        return begin("sendmsg", cpp_detail::describe::sendmsg(fd, message, flags), std::forward<F>(callback));
    }
    auto async_sendmsg(int fd, const msghdr* message, int flags = MSG_NOSIGNAL) {
        return awaited("sendmsg", cpp_detail::describe::sendmsg(fd, message, flags));
    }

    /// Result: the new descriptor. `address` and `address_len` may both be null; `flags` are SOCK_*.
    template <Callback F>
    Request accept(int fd, sockaddr* address, socklen_t* address_len, int flags, F&& callback) {
        return begin("accept", cpp_detail::describe::accept(fd, address, address_len, flags),
                     std::forward<F>(callback));
    }
    auto async_accept(int fd, sockaddr* address = nullptr, socklen_t* address_len = nullptr,
                      int flags = SOCK_CLOEXEC) {
        return awaited("accept", cpp_detail::describe::accept(fd, address, address_len, flags));
    }

    /// Result: 0.
    template <Callback F>
    Request connect(int fd, const sockaddr* address, socklen_t address_len, F&& callback) {
        return begin("connect", cpp_detail::describe::connect(fd, address, address_len),
                     std::forward<F>(callback));
    }
    auto async_connect(int fd, const sockaddr* address, socklen_t address_len) {
        return awaited("connect", cpp_detail::describe::connect(fd, address, address_len));
    }

    /// aura_poll_fd(): until a descriptor is ready, once. `events` are POLLIN and so on; result: those that have come
    /// about.
    template <Callback F>
    Request ready(int fd, unsigned events, F&& callback) {
        return begin("ready", cpp_detail::describe::ready(fd, events), std::forward<F>(callback));
    }
    auto async_ready(int fd, unsigned events) {
        return awaited("ready", cpp_detail::describe::ready(fd, events));
    }

    /// Until `time` has passed on the monotonic clock. Result: 0, never earlier.
    template <Callback F>
    Request timeout(std::chrono::nanoseconds time, F&& callback) {
        return begin("timeout", cpp_detail::describe::timeout(time), std::forward<F>(callback));
    }
    auto async_timeout(std::chrono::nanoseconds time) {
        return awaited("timeout", cpp_detail::describe::timeout(time));
    }

protected:
    ~SocketOperations() = default;
};

} // namespace aura

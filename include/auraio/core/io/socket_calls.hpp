// socket_calls: the synchronous system calls of sockets and descriptors, with results as the engine has them
// (-errno).
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/socket.h>
#include <sys/uio.h>

namespace aura::core {

// Each returns >= 0, or a negated errno; none is interrupted by signals (EINTR is retried). No signal is
// raised for a peer that has gone (MSG_NOSIGNAL). `wait`: where the call would block but the descriptor is
// O_NONBLOCK, wait for readiness and call again; else return -EAGAIN.

/// Closed on exec.
int open_socket(int family, int type, int protocol) noexcept;
int open_socket_pair(int family, int type, int protocol, int (&fds)[2]) noexcept;
int bind_socket(int fd, const void* address, std::size_t size) noexcept;
int listen_on(int fd, int backlog) noexcept;
/// Closed on exec. `address` may be null, else `size` is its room and becomes the address' own size, which
/// may be more. Connections that came to nothing are passed over, unless `report_aborted`.
int accept_now(int fd, void* address, socklen_t& size, bool wait, bool report_aborted) noexcept;
/// Waits for the outcome, also where the descriptor is O_NONBLOCK; ENOBUFS where no wait helps.
int connect_now(int fd, const void* address, std::size_t size) noexcept;

/// As connect(2) of an O_NONBLOCK socket, whatever the socket is; for the UNIX domain, where EAGAIN means a
/// full backlog.
int connect_without_waiting(int fd, const void* address, std::size_t size) noexcept;
/// SO_ERROR, which is thereby cleared: 0 or an errno value.
int take_socket_error(int fd) noexcept;
/// Whether a connection comes about later than the call that begins it, so that SO_ERROR decides. In the UNIX
/// domain and for datagrams it does not, and SO_ERROR speaks of something else. `known`: connects_at_once,
/// connects_later, or 0: the socket is asked.
bool comes_about_later(int fd, std::uint32_t known) noexcept;

int shut_down(int fd, int how) noexcept;
int local_address(int fd, void* address, socklen_t& size) noexcept;
int peer_address(int fd, void* address, socklen_t& size) noexcept;
int set_socket_option(int fd, int level, int name, const void* value, std::size_t size) noexcept;
int get_socket_option(int fd, int level, int name, void* value, socklen_t& size) noexcept;
int control(int fd, unsigned long command, void* argument) noexcept;
int set_non_blocking(int fd, bool on) noexcept;
int bytes_available(int fd, std::size_t& count) noexcept;
int at_out_of_band_mark(int fd, bool& at_mark) noexcept;

/// `address` (of at least message.msg_namelen bytes) and flags come back in `message`.
long receive_now(int fd, msghdr& message, int flags, bool wait) noexcept;
long send_now(int fd, const msghdr& message, int flags, bool wait) noexcept;

/// readv(2) and writev(2). No signal is raised for a pipe that nobody reads where the kernel can avoid it
/// (RWF_NOSIGNAL, Linux 6.18).
long read_now(int fd, const iovec* vectors, std::size_t count, bool wait) noexcept;
long write_now(int fd, const iovec* vectors, std::size_t count, bool wait) noexcept;

/// Waits, without a time-out, for poll(2) events; 0 or a negated errno: EAGAIN when none is there and `wait`
/// is not set.
int wait_for(int fd, short events, bool wait = true) noexcept;

} // namespace aura::core

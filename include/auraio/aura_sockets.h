/* aura_sockets.h: operations of the C library on sockets, and timeouts. Part of auraio/aura.h, whose
 * conventions hold here; failures as for files.
 */
#ifndef AURAIO_AURA_SOCKETS_H
#define AURAIO_AURA_SOCKETS_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * recv(2), send(2): `flags` are MSG_*. With MSG_TRUNC the result may be more than `len`. MSG_WAITALL waits
 * for all of `len`, on a socket that is O_NONBLOCK too; what had come when it is cancelled is the result. With
 * MSG_PEEK besides, a ring gives what there is, epoll waits for all.
 * Send with MSG_NOSIGNAL, or ignore SIGPIPE. Result: how many bytes. One at a time on a stream in each
 * direction: of several that wait for it the kernel serves any first, in fact the youngest.
 */
AURA_API aura_request_t* aura_recv(aura_engine_t* engine, int fd, void* data, size_t len, int flags,
                                   aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_send(aura_engine_t* engine, int fd, const void* data, size_t len, int flags,
                                   aura_callback_t callback, void* user_data);
/**
 * recvmsg(2), sendmsg(2): datagrams with their addresses, several buffers, ancillary data. As above; `message`, and
 * what it names, must stay until the callback, in which recvmsg's lengths and msg_flags are what the kernel says.
 */
AURA_API aura_request_t* aura_recvmsg(aura_engine_t* engine, int fd, struct msghdr* message, int flags,
                                      aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_sendmsg(aura_engine_t* engine, int fd, const struct msghdr* message, int flags,
                                      aura_callback_t callback, void* user_data);
/**
 * accept4(2): `address` and `address_len` may both be NULL; `flags` are SOCK_*. Result: the new descriptor.
 * Any number may be pending on a socket; those on one ring are served in their order. They do not hold the
 * socket, and take a connection only when they return it: others wait in the backlog for whoever shares it.
 * Each ring that waits has a descriptor for it, until the socket is closed. Close it with aura_close(), which
 * ends what is pending, or when nothing is; accepts whose number was closed behind them wait until they are
 * cancelled, or until somebody accepts on another socket that has the number now.
 */
AURA_API aura_request_t* aura_accept(aura_engine_t* engine, int fd, struct sockaddr* address,
                                     socklen_t* address_len, int flags, aura_callback_t callback,
                                     void* user_data);
/** connect(2). Result: 0. */
AURA_API aura_request_t* aura_connect(aura_engine_t* engine, int fd, const struct sockaddr* address,
                                      socklen_t address_len, aura_callback_t callback, void* user_data);
/**
 * Waits, once, until a descriptor is ready, as poll(2) does; for libraries that do the rest themselves. (aura_poll()
 * runs callbacks; aura_get_poll_fd() is for waiting for the engine.) `events` are POLLIN, POLLOUT and so on. Result:
 * those that have come about, with POLLERR and POLLHUP, which need not be asked for; -EINVAL for a file that is
 * always ready on some kernels. A descriptor that is closed meanwhile is not noticed.
 */
AURA_API aura_request_t* aura_poll_fd(aura_engine_t* engine, int fd, unsigned events,
                                      aura_callback_t callback, void* user_data);
/** Waits `nanoseconds` on the monotonic clock. Result: 0 when they have passed, never earlier. */
AURA_API aura_request_t* aura_timeout(aura_engine_t* engine, uint64_t nanoseconds, aura_callback_t callback,
                                      void* user_data);

#ifdef __cplusplus
}
#endif

#endif

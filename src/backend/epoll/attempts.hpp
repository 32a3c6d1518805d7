// attempts: each kind of request that can be waited for, carried out so that it does not wait.
#pragma once

#include "auraio/core/io/io_operation.hpp"
#include "auraio/core/io/request_table.hpp"

#include <cstdint>

namespace aura::core::epoll {

/// Whether a request is one of those below: it says EAGAIN, or EINPROGRESS where it is a connect, when it has to
/// wait for events. The others wait for storage, if for anything.
bool can_be_attempted(const io_operation& op) noexcept;

/// Whether it is left to a thread that may wait in the call: of a file that cannot be asked not to wait.
inline bool may_keep_thread(const io_operation& op) noexcept {
    const short_request& r = op.request();
    return transfers_file_data(r.kind) && (r.flags & in_worker) != 0 && !op.is_for_system_call();
}

/// The same of such an operation: by a descriptor of its own for the terminal, which does not wait. EOPNOTSUPP:
/// storage, or a device that has become ready and may wait all the same.
int attempt_on_terminal(const io_operation& op, int fd) noexcept;

/// Once, without waiting, whether the file is O_NONBLOCK or not. `fd` is the number of its file.
/// EOPNOTSUPP of a read or write: it is not known how.
int attempt(io_operation& op, int fd) noexcept;

/// The same of a message.
int attempt_message(const short_request& r, int fd) noexcept;

/// A read or write of a file, not storage, that cannot be asked not to wait: terminals, eventfds, pipes before Linux
/// 6.4. What poll(2) says before it holds as long as nobody else is faster.
int attempt_when_ready(io_operation& op, int fd) noexcept;

/// Whether it moves a message, or part of a stream, of a socket.
constexpr bool is_message(request_kind kind) noexcept {
    return kind >= request_kind::recv && kind <= request_kind::sendmsg;
}
/// One that receives.
constexpr bool is_receive(request_kind kind) noexcept {
    return kind == request_kind::recv || kind == request_kind::recvmsg;
}
static_assert([] { // the table says it too, but every operation asks, and it would be a load
    for (const request_row& r : request_rows)
        if (is_message(r.kind) != (r.what == request_class::message))
            return false;
    return true;
}());

/// Of a message that was received: whether there would have been room for more, and what there was has been taken.
bool has_room_left(const short_request& r, int result) noexcept;
inline bool is_read_short(const short_request& r, int result) noexcept {
    const bool is_full = r.kind == request_kind::recv && static_cast<std::uint32_t>(result) == r.length;
    return !is_full && has_room_left(r, result);
}

/// Whether a number's file is a TCP socket.
bool is_tcp(int fd) noexcept;

/// Whether a number's file is storage: never ready, and never not.
bool is_storage(int fd) noexcept;

/// Whether a refused send can be made up for when there is room in the socket: elsewhere it may be a receiver that
/// has none.
bool is_stream(int fd) noexcept;

/// The events of poll(2) among `events` that are true now; a negated errno.
int events_now(int fd, std::uint32_t events) noexcept;

} // namespace aura::core::epoll

// attempts: each kind of request that can be waited for, carried out so that it does not wait.
#pragma once

#include "auraio/core/io/io_operation.hpp"

#include <cstdint>

namespace aura::core::epoll {

/// Whether a request is one of those below: it says EAGAIN, or EINPROGRESS where it is a connect, when it has to
/// wait for events. The others wait for storage, if for anything.
bool can_be_attempted(const short_request& r) noexcept;

/// Once, without waiting, whether the file is O_NONBLOCK or not. `fd` is the number of its file.
int attempt(io_operation& op, int fd) noexcept;

/// Whether a number's file is storage: never ready, and never not.
bool is_storage(int fd) noexcept;

/// Whether a refused send can be made up for when there is room in the socket: elsewhere it may be a receiver that
/// has none.
bool is_stream(int fd) noexcept;

/// The events of poll(2) among `events` that are true now; a negated errno.
int events_now(int fd, std::uint32_t events) noexcept;

} // namespace aura::core::epoll

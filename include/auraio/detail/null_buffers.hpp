// null_buffers: Asio's old way to wait for readiness: a transfer of no buffers, which is none.
#pragma once

#include "auraio/detail/socket_work.hpp"

#include <type_traits>

#if __has_include(AURAIO_ASIO(detail/reactive_null_buffers_op.hpp))
#include AURAIO_ASIO(buffer.hpp)
#define AURAIO_HAS_NULL_BUFFERS 1
#endif

AURAIO_OPEN
namespace detail {

/// Newer Asio has no such type.
#if defined(AURAIO_HAS_NULL_BUFFERS)
template <class Sequence>
inline constexpr bool is_null_buffers = std::is_same_v<Sequence, net::null_buffers>;
#else
template <class Sequence>
inline constexpr bool is_null_buffers = false;
#endif

/// The poll(2) events that a transfer waits for.
constexpr short transfer_events(bool is_read, int flags = 0) noexcept {
    if (!is_read)
        return POLLOUT;
    return (flags & MSG_OOB) != 0 ? POLLPRI : POLLIN;
}

/// A wait that ends as a transfer of nothing: signature void(error_code, std::size_t).
class null_transfer : public wait_request {
public:
    using wait_request::wait_request;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = nullptr;) // as the object has it

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(code_of(result), std::size_t{0});
    }
};

} // namespace detail
AURAIO_CLOSE

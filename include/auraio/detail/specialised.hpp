// specialised: which templates of Asio's have a specialisation for executors of ours, declared wherever our
// executors are known.
#pragma once

// Without these a source file that includes Asio's sockets and our executor, and not our sockets, would get
// Asio's own template, another class under the same name than the rest of the program has. So it gets an
// incomplete type, and a compiler's error, until it includes <auraio/auraio.hpp>, or the narrower header that
// the declaration names.
#include "auraio/detail/config.hpp"

#include <concepts>

AURAIO_OPEN
namespace detail {
struct placement;

/// The query that tells our executors from others. Asio's strand and use_awaitable's executor wrappers
/// forward queries, so they answer it too, and the specialisations below `auraio/asio` match them.
struct ring_t {
    template <class>
    static constexpr bool is_applicable_property_v = true;
    static constexpr bool is_requirable = false;
    static constexpr bool is_preferable = false;
    using polymorphic_query_result_type = placement;
};

/// Answers the ring query: ours, and Asio's wrappers around ours.
template <class E>
concept ring_executor = requires(const E& e) {
    { e.query(ring_t{}) } -> std::convertible_to<placement>;
};

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN
AURAIO_NET_INLINE_OPEN

template <class, class>
class basic_socket;
template <class, class>
class basic_stream_socket;
template <class, class>
class basic_datagram_socket;
template <class, class>
class basic_seq_packet_socket;
template <class, class>
class basic_raw_socket;
template <class, class>
class basic_socket_acceptor;
template <class, class, class>
class basic_waitable_timer;
template <class>
class basic_signal_set;
namespace ip {
template <class, class>
class basic_resolver;
} // namespace ip
namespace posix {
template <class>
class basic_descriptor;
template <class>
class basic_stream_descriptor;
} // namespace posix
#if defined(AURAIO_HAS_PIPE)
template <class>
class basic_readable_pipe;
template <class>
class basic_writable_pipe;
#endif
#if defined(AURAIO_HAS_SERIAL_PORT)
template <class>
class basic_serial_port;
#endif

AURAIO_NET_INLINE_CLOSE

template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_socket<Protocol, Executor>; // <auraio/asio/basic_socket.hpp>
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_stream_socket<Protocol, Executor>; // <auraio/asio/basic_stream_socket.hpp>
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_datagram_socket<Protocol, Executor>; // <auraio/asio/basic_datagram_socket.hpp>
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_seq_packet_socket<Protocol, Executor>; // <auraio/asio/basic_seq_packet_socket.hpp>
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_raw_socket<Protocol, Executor>; // <auraio/asio/basic_raw_socket.hpp>
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_socket_acceptor<Protocol, Executor>; // <auraio/asio/basic_socket_acceptor.hpp>
template <class Clock, class WaitTraits, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_waitable_timer<Clock, WaitTraits, Executor>; // <auraio/asio/basic_waitable_timer.hpp>
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_signal_set<Executor>; // <auraio/asio/basic_signal_set.hpp>
namespace ip {
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_resolver<Protocol, Executor>; // <auraio/asio/basic_resolver.hpp>
} // namespace ip
namespace posix {
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_descriptor<Executor>; // <auraio/asio/basic_descriptor.hpp>
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_stream_descriptor<Executor>; // <auraio/asio/basic_stream_descriptor.hpp>
} // namespace posix
#if defined(AURAIO_HAS_PIPE)
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_readable_pipe<Executor>; // <auraio/asio/basic_readable_pipe.hpp>
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_writable_pipe<Executor>; // <auraio/asio/basic_writable_pipe.hpp>
#endif
#if defined(AURAIO_HAS_SERIAL_PORT)
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_serial_port<Executor>; // <auraio/asio/basic_serial_port.hpp>
#endif

AURAIO_NET_CLOSE

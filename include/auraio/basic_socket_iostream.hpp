// basic_socket_iostream: Asio's stream over a socket, which also takes a connection from one of ours.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/asio/basic_stream_socket.hpp"

#include AURAIO_ASIO(basic_socket_iostream.hpp)

#include <istream>
#include <unistd.h>
#include <utility>

#if defined(AURAIO_HAS_IOSTREAM)
AURAIO_OPEN

/// All it does is synchronous, so it needs no ring: it is Asio's, with a context of its own. A socket of ours
/// gives its connection to it; the context that socket was on has no part in it any more.
template <class Protocol, class... ClockAndTraits>
class basic_socket_iostream : public net::basic_socket_iostream<Protocol, ClockAndTraits...> {
    using base = net::basic_socket_iostream<Protocol, ClockAndTraits...>;

public:
    basic_socket_iostream() = default;
    using base::base;
    // Its base may allocate. NOLINTNEXTLINE(performance-noexcept-move-constructor)
    basic_socket_iostream(basic_socket_iostream&& other)
        : base(static_cast<base&&>(other)) {} // or it would be taken for something to resolve
    basic_socket_iostream& operator=(basic_socket_iostream&&) = default;

    /// Nothing may be pending on the socket. Throws what release() and assign() of the sockets throw.
    template <class OtherProtocol, class Executor>
        requires(detail::ring_executor<Executor> && std::is_convertible_v<OtherProtocol, Protocol>)
    explicit basic_socket_iostream(net::basic_stream_socket<OtherProtocol, Executor> socket) {
        if (!socket.is_open())
            return;
        const Protocol protocol = *socket.impl_.protocol;
        const int fd = socket.release();
        error_code ec;
        this->rdbuf()->socket().assign(protocol, fd, ec);
        if (ec)
            ::close(fd);
        detail::throw_if(ec, "assign");
    }
};

AURAIO_CLOSE
#endif

#endif

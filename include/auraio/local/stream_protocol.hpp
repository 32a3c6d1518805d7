// stream_protocol: asio::local::stream_protocol with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_socket_acceptor.hpp"
#include "auraio/asio/basic_stream_socket.hpp"
#include "auraio/basic_socket_iostream.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(local/connect_pair.hpp)
#include AURAIO_ASIO(local/stream_protocol.hpp)

#if defined(AURAIO_HAS_LOCAL_SOCKETS)
AURAIO_OPEN
namespace local {

/// Asio's protocol, in both directions convertible.
class stream_protocol : public net::local::stream_protocol {
public:
    using socket = net::basic_stream_socket<net::local::stream_protocol, any_io_executor>;
    using acceptor = net::basic_socket_acceptor<net::local::stream_protocol, any_io_executor>;
#if defined(AURAIO_HAS_IOSTREAM)
    using iostream = basic_socket_iostream<net::local::stream_protocol>;
#endif

    stream_protocol() noexcept = default;
    stream_protocol(const net::local::stream_protocol& protocol) noexcept
        : net::local::stream_protocol(protocol) {}
};

} // namespace local
AURAIO_CLOSE
#endif

#endif

// stream_protocol: asio::generic::stream_protocol with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_stream_socket.hpp"
#include "auraio/basic_socket_iostream.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(generic/stream_protocol.hpp)

AURAIO_OPEN
namespace generic {

/// Asio's protocol, in both directions convertible.
class stream_protocol : public net::generic::stream_protocol {
public:
    using socket = net::basic_stream_socket<net::generic::stream_protocol, any_io_executor>;
#if defined(AURAIO_HAS_IOSTREAM)
    using iostream = basic_socket_iostream<net::generic::stream_protocol>;
#endif

    using net::generic::stream_protocol::stream_protocol;
    stream_protocol(const net::generic::stream_protocol& protocol) noexcept
        : net::generic::stream_protocol(protocol) {}
};

} // namespace generic
AURAIO_CLOSE

#endif

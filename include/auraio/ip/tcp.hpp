// tcp: asio::ip::tcp with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_resolver.hpp"
#include "auraio/asio/basic_socket_acceptor.hpp"
#include "auraio/asio/basic_stream_socket.hpp"
#include "auraio/basic_socket_iostream.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(ip/tcp.hpp)

AURAIO_OPEN
namespace ip {

/// Asio's protocol, in both directions convertible; endpoints, resolvers' results and options are Asio's own
/// types.
class tcp : public net::ip::tcp {
public:
    using socket = net::basic_stream_socket<net::ip::tcp, any_io_executor>;
    using acceptor = net::basic_socket_acceptor<net::ip::tcp, any_io_executor>;
    using resolver = net::ip::basic_resolver<net::ip::tcp, any_io_executor>;
#if defined(AURAIO_HAS_IOSTREAM)
    using iostream = basic_socket_iostream<net::ip::tcp>;
#endif

    tcp(const net::ip::tcp& protocol) noexcept
        : net::ip::tcp(protocol) {}
};

} // namespace ip
AURAIO_CLOSE

#endif

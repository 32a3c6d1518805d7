// datagram_protocol: asio::generic::datagram_protocol with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_datagram_socket.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(generic/datagram_protocol.hpp)

AURAIO_OPEN
namespace generic {

/// Asio's protocol, in both directions convertible.
class datagram_protocol : public net::generic::datagram_protocol {
public:
    using socket = net::basic_datagram_socket<net::generic::datagram_protocol, any_io_executor>;

    using net::generic::datagram_protocol::datagram_protocol;
    datagram_protocol(const net::generic::datagram_protocol& protocol) noexcept
        : net::generic::datagram_protocol(protocol) {}
};

} // namespace generic
AURAIO_CLOSE

#endif

// seq_packet_protocol: asio::generic::seq_packet_protocol with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_seq_packet_socket.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(generic/seq_packet_protocol.hpp)

AURAIO_OPEN
namespace generic {

/// Asio's protocol, in both directions convertible.
class seq_packet_protocol : public net::generic::seq_packet_protocol {
public:
    using socket = net::basic_seq_packet_socket<net::generic::seq_packet_protocol, any_io_executor>;

    using net::generic::seq_packet_protocol::seq_packet_protocol;
    seq_packet_protocol(const net::generic::seq_packet_protocol& protocol) noexcept
        : net::generic::seq_packet_protocol(protocol) {}
};

} // namespace generic
AURAIO_CLOSE

#endif

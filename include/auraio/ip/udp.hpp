// udp: asio::ip::udp with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_datagram_socket.hpp"
#include "auraio/asio/basic_resolver.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(ip/udp.hpp)

AURAIO_OPEN
namespace ip {

/// Asio's protocol, in both directions convertible.
class udp : public net::ip::udp {
public:
    using socket = net::basic_datagram_socket<net::ip::udp, any_io_executor>;
    using resolver = net::ip::basic_resolver<net::ip::udp, any_io_executor>;

    udp(const net::ip::udp& protocol) noexcept
        : net::ip::udp(protocol) {}
};

} // namespace ip
AURAIO_CLOSE

#endif

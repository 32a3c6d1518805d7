// icmp: asio::ip::icmp with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_raw_socket.hpp"
#include "auraio/asio/basic_resolver.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(ip/icmp.hpp)

AURAIO_OPEN
namespace ip {

/// Asio's protocol, in both directions convertible.
class icmp : public net::ip::icmp {
public:
    using socket = net::basic_raw_socket<net::ip::icmp, any_io_executor>;
    using resolver = net::ip::basic_resolver<net::ip::icmp, any_io_executor>;

    icmp(const net::ip::icmp& protocol) noexcept
        : net::ip::icmp(protocol) {}
};

} // namespace ip
AURAIO_CLOSE

#endif

// datagram_protocol: asio::local::datagram_protocol with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_datagram_socket.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(local/connect_pair.hpp)
#include AURAIO_ASIO(local/datagram_protocol.hpp)

#if defined(AURAIO_HAS_LOCAL_SOCKETS)
AURAIO_OPEN
namespace local {

/// Asio's protocol, in both directions convertible.
class datagram_protocol : public net::local::datagram_protocol {
public:
    using socket = net::basic_datagram_socket<net::local::datagram_protocol, any_io_executor>;

    datagram_protocol() noexcept = default;
    datagram_protocol(const net::local::datagram_protocol& protocol) noexcept
        : net::local::datagram_protocol(protocol) {}
};

} // namespace local
AURAIO_CLOSE
#endif

#endif

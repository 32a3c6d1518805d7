// raw_protocol: asio::generic::raw_protocol with its sockets on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_raw_socket.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(generic/raw_protocol.hpp)

AURAIO_OPEN
namespace generic {

/// Asio's protocol, in both directions convertible.
class raw_protocol : public net::generic::raw_protocol {
public:
    using socket = net::basic_raw_socket<net::generic::raw_protocol, any_io_executor>;

    using net::generic::raw_protocol::raw_protocol;
    raw_protocol(const net::generic::raw_protocol& protocol) noexcept
        : net::generic::raw_protocol(protocol) {}
};

} // namespace generic
AURAIO_CLOSE

#endif

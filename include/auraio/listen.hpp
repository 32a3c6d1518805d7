// listen: one acceptor per ring on one port, so that connections are spread by the kernel and never change
// rings.
#pragma once

#include "auraio/asio/basic_socket_acceptor.hpp"

#include AURAIO_ASIO(ip/basic_endpoint.hpp)

#include <vector>

AURAIO_OPEN

/// Opens `rings` acceptors on `endpoint`, one on each of `ctx.ring_executor(0)` to `ring_executor(rings -
/// 1)`, all with SO_REUSEPORT (socket(7)): the kernel gives each connection to one of them by a hash of its
/// addresses. What is accepted lives on the ring of its acceptor, so a session never leaves the processor its
/// ring's thread runs on, and rings share neither a backlog nor a lock. Port 0: all get the one port the
/// first is given.
///
/// Choose as many rings as threads call run(). With fewer threads every ring is served all the same; a ring
/// that is never driven would keep its share of the connections waiting. For few, unequal connections one
/// acceptor on the context spreads better: it looks at the load of the rings.
///
/// Throws system_error, as the acceptor's constructor does.
template <class InternetProtocol>
std::vector<net::basic_socket_acceptor<InternetProtocol, executor>>
listen(io_context& ctx, net::ip::basic_endpoint<InternetProtocol> endpoint, unsigned rings,
       int backlog = net::socket_base::max_listen_connections) {
    using acceptor = net::basic_socket_acceptor<InternetProtocol, executor>;
    std::vector<acceptor> acceptors;
    acceptors.reserve(rings);
    for (unsigned i = 0; i < rings; ++i) {
        acceptor& a = acceptors.emplace_back(ctx.ring_executor(i), endpoint.protocol());
        a.set_option(net::socket_base::reuse_address(true));
        const int on = 1; // Asio has no name for it
        detail::throw_if(detail::to_error_code(core::set_socket_option(a.native_handle(), SOL_SOCKET,
                                                                       SO_REUSEPORT, &on, sizeof on)),
                         "set_option");
        a.bind(endpoint);
        endpoint = a.local_endpoint();
    }
    // Only now: none takes a connection before all of them can.
    for (acceptor& a : acceptors)
        a.listen(backlog);
    return acceptors;
}

AURAIO_CLOSE

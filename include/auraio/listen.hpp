// listen: one acceptor per ring on one port, so that connections are spread by the kernel and never change
// rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/asio/basic_socket_acceptor.hpp"

#include AURAIO_ASIO(ip/basic_endpoint.hpp)

#include <chrono>
#include <thread>
#include <vector>

AURAIO_OPEN

namespace detail {

/// bind(2), tried again for as long as `patience` while the address is in use.
template <class Acceptor, class Endpoint>
void bind_patiently(Acceptor& a, const Endpoint& endpoint, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    error_code ec;
    while (a.bind(endpoint, ec) == net::error::address_in_use && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    throw_if(ec, "bind");
}

} // namespace detail

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
/// An address that is in use is tried again for as long as `patience`, blocking the caller: the kernel may
/// need some milliseconds to end what a predecessor that was killed had pending on its connections and files.
///
/// Throws system_error, as the acceptor's constructor does.
template <class InternetProtocol>
std::vector<net::basic_socket_acceptor<InternetProtocol, executor>>
listen(io_context& ctx, net::ip::basic_endpoint<InternetProtocol> endpoint, unsigned rings,
       int backlog = net::socket_base::max_listen_connections,
       std::chrono::milliseconds patience = std::chrono::milliseconds(100)) {
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
        detail::bind_patiently(a, endpoint, patience);
        endpoint = a.local_endpoint();
    }
    // Only now: none takes a connection before all of them can.
    for (acceptor& a : acceptors)
        a.listen(backlog);
    return acceptors;
}

AURAIO_CLOSE

#endif

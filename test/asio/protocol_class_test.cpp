// A protocol has two classes, Asio's and aura's: templates over either are native, take each other's
// connections and become each other.
#include <support/flavour.hpp>

#include <auraio/auraio.hpp>

#include AURAIO_ASIO(connect.hpp)
#include AURAIO_ASIO(ip/tcp.hpp)
#include AURAIO_ASIO(local/connect_pair.hpp)
#include AURAIO_ASIO(local/stream_protocol.hpp)
#include AURAIO_ASIO(write.hpp)

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <utility>

namespace {

namespace net = aura;

/// Where `Protocol` of either class listens.
template <class Protocol>
typename Protocol::endpoint listening_address() {
    if constexpr (std::is_convertible_v<Protocol, net::ip::tcp>) {
        return {net::ip::address_v4::loopback(), 0};
    } else {
        return {std::string(1, '\0') + "auraio-protocol-class-" + std::to_string(::getpid())};
    }
}

/// All forms of accepting into a socket that exists, with and without the peer's endpoint.
template <class Acceptors, class Peers, class Executor>
void accept_all_forms() {
    net::io_context ctx;
    net::basic_socket_acceptor<Acceptors, Executor> acceptor(ctx, listening_address<Acceptors>());
    using socket = net::basic_stream_socket<Peers, Executor>;
    const auto address = acceptor.local_endpoint();
    std::array<socket, 6> clients{socket(ctx), socket(ctx), socket(ctx),
                                  socket(ctx), socket(ctx), socket(ctx)};
    for (socket& client : clients) {
        client.connect(address);
    }
    std::array<socket, 6> peers{socket(ctx), socket(ctx), socket(ctx), socket(ctx), socket(ctx), socket(ctx)};
    typename Acceptors::endpoint from;
    net::error_code ec;
    acceptor.accept(peers[0]);
    acceptor.accept(peers[1], ec);
    EXPECT_FALSE(ec);
    acceptor.accept(peers[2], from);
    EXPECT_EQ(from, clients[2].local_endpoint());
    acceptor.accept(peers[3], from, ec);
    EXPECT_FALSE(ec);
    EXPECT_EQ(from, clients[3].local_endpoint());
    int accepted = 0;
    acceptor.async_accept(peers[4], [&](net::error_code error) { accepted += !error; });
    ctx.run();
    ctx.restart();
    acceptor.async_accept(peers[5], from, [&](net::error_code error) { accepted += !error; });
    ctx.run();
    EXPECT_EQ(accepted, 2);
    EXPECT_EQ(from, clients[5].local_endpoint());
    for (socket& peer : peers) {
        EXPECT_TRUE(peer.is_open());
    }
    EXPECT_FALSE(ctx.stock_reactor_active());
}

template <class Executor, class Ours, class Asios>
void accept_between() {
    accept_all_forms<Ours, Ours, Executor>();
    accept_all_forms<Ours, Asios, Executor>();
    accept_all_forms<Asios, Ours, Executor>();
    accept_all_forms<Asios, Asios, Executor>();
}

TEST(ProtocolClass, TcpConnectionsAreAcceptedBetweenThem) {
    accept_between<net::any_io_executor, net::ip::tcp, net::net::ip::tcp>();
    accept_between<net::executor, net::ip::tcp, net::net::ip::tcp>();
}

TEST(ProtocolClass, LocalConnectionsAreAcceptedBetweenThem) {
    using ours = net::local::stream_protocol;
    accept_between<net::any_io_executor, ours, net::net::local::stream_protocol>();
    accept_between<net::executor, ours, net::net::local::stream_protocol>();
}

TEST(ProtocolClass, SocketsAndAcceptorsBecomeEachOther) {
    net::io_context ctx;
    net::basic_socket_acceptor<net::ip::tcp> made(ctx, listening_address<net::ip::tcp>());
    net::ip::tcp::acceptor acceptor(std::move(made));
    net::basic_stream_socket<net::ip::tcp, net::executor> client(ctx);
    client.connect(acceptor.local_endpoint());
    net::ip::tcp::socket plain(std::move(client));
    net::basic_stream_socket<net::ip::tcp> back(std::move(plain));
    net::ip::tcp::socket peer = acceptor.accept();
    net::write(back, net::buffer("x", 1));
    char byte = 0;
    peer.read_some(net::buffer(&byte, 1));
    EXPECT_EQ(byte, 'x');
    EXPECT_FALSE(ctx.stock_reactor_active());
}

TEST(ProtocolClass, ARangeOfEndpointsIsConnectedTo) {
    net::io_context ctx;
    net::ip::tcp::acceptor acceptor(ctx, listening_address<net::ip::tcp>());
    const std::array<net::ip::tcp::endpoint, 1> addresses{acceptor.local_endpoint()};
    net::basic_stream_socket<net::ip::tcp, net::executor> client(ctx);
    EXPECT_EQ(net::connect(client, addresses), addresses[0]);
    client.close();
    int connected = 0;
    net::async_connect(client, addresses, [&](net::error_code ec, const net::ip::tcp::endpoint& to) {
        connected += !ec && to == addresses[0];
    });
    ctx.run();
    EXPECT_EQ(connected, 1);
    EXPECT_FALSE(ctx.stock_reactor_active());
}

} // namespace

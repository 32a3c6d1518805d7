// Conversions that Asio's objects have: typed ones into plain ones, and those of one protocol into those of a
// more general one. Plain objects are aura's here, and asio's own where this is built in adopt mode.
#include <support/flavour.hpp>

#include <auraio/auraio.hpp>

#include AURAIO_ASIO(generic/datagram_protocol.hpp)
#include AURAIO_ASIO(generic/seq_packet_protocol.hpp)
#include AURAIO_ASIO(generic/stream_protocol.hpp)
#include AURAIO_ASIO(ip/tcp.hpp)
#include AURAIO_ASIO(ip/udp.hpp)
#include AURAIO_ASIO(local/connect_pair.hpp)
#include AURAIO_ASIO(local/datagram_protocol.hpp)
#include AURAIO_ASIO(local/stream_protocol.hpp)

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace {

using test::error_code;
#if defined(AURAIO_ADOPT)
namespace net = test::net;
#else
namespace net = aura;
#endif
using context = aura::io_context;
using executor = context::executor_type;
using net::ip::tcp;
using net::ip::udp;

template <class Object>
using typed = typename Object::template rebind_executor<executor>::other;

struct Conversions : ::testing::Test {
    context ctx;
    void TearDown() override {
        ctx.run();
        EXPECT_FALSE(ctx.stock_reactor_active());
    }
};

TEST_F(Conversions, TimersTakeTheirWaitsAlong) {
    typed<net::steady_timer> made(ctx, std::chrono::milliseconds(1));
    int fired = 0;
    made.async_wait([&](error_code ec) { fired += !ec; });
    net::steady_timer timer(std::move(made));
    typed<net::steady_timer> another(ctx, std::chrono::hours(1));
    net::steady_timer assigned(ctx);
    assigned = std::move(another);
    EXPECT_GT(assigned.expiry(), net::steady_timer::clock_type::now());
    ctx.run();
    EXPECT_EQ(fired, 1);
    typed<net::system_timer> wall(ctx);
    net::system_timer plain_wall(std::move(wall));
    typed<net::high_resolution_timer> fine(ctx);
    net::high_resolution_timer plain_fine(std::move(fine));
}

TEST_F(Conversions, AcceptorsTakeTheirAcceptsAlong) {
    typed<tcp::acceptor> made(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    const auto endpoint = made.local_endpoint();
    bool accepted = false;
    made.async_accept([&](error_code ec, auto socket) { accepted = !ec && socket.is_open(); });
    tcp::acceptor plain(std::move(made));
    net::basic_socket_acceptor<net::generic::stream_protocol> general(std::move(plain));
    EXPECT_TRUE(general.is_open());
    tcp::socket client(ctx);
    client.connect(endpoint);
    ctx.run();
    EXPECT_TRUE(accepted);
    net::basic_socket_acceptor<net::generic::stream_protocol> assigned(ctx);
    assigned = std::move(general);
    EXPECT_TRUE(assigned.is_open());
}

/// A typed socket of a protocol into a plain one, that into one of a general protocol, by both ways of
/// moving.
template <class Socket, class General>
void generalises(context& ctx) {
    typed<Socket> made(ctx, typename Socket::protocol_type(Socket::protocol_type::v4()));
    const int fd = made.native_handle();
    Socket plain(std::move(made));
    General general(std::move(plain));
    EXPECT_EQ(general.native_handle(), fd);
    General assigned(ctx);
    assigned = Socket(ctx, Socket::protocol_type::v4());
    EXPECT_TRUE(assigned.is_open());
}

TEST_F(Conversions, SocketsBecomeThoseOfGeneralProtocols) {
    generalises<tcp::socket, net::generic::stream_protocol::socket>(ctx);
    generalises<udp::socket, net::generic::datagram_protocol::socket>(ctx);
    net::local::stream_protocol::socket stream(ctx), peer(ctx);
    net::local::connect_pair(stream, peer);
    net::generic::stream_protocol::socket general(std::move(stream));
    EXPECT_EQ(general.send(net::buffer("abc", 3)), 3u);
    net::local::datagram_protocol::socket datagram(ctx, net::local::datagram_protocol());
    net::generic::datagram_protocol::socket general_datagram(std::move(datagram));
    EXPECT_TRUE(general_datagram.is_open());
}

TEST_F(Conversions, ConnectionsAreAcceptedIntoGeneralSockets) {
    tcp::acceptor acceptor(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    tcp::socket first(ctx), second(ctx), third(ctx);
    for (auto* s : {&first, &second, &third})
        s->connect(acceptor.local_endpoint());
    net::generic::stream_protocol::socket general(ctx);
    acceptor.accept(general);
    EXPECT_TRUE(general.is_open());
    net::generic::stream_protocol::socket later(ctx);
    bool accepted = false;
    acceptor.async_accept(later, [&](error_code ec) { accepted = !ec && later.is_open(); });
    ctx.run();
    EXPECT_TRUE(accepted);
    typed<tcp::socket> typed_socket(ctx);
    acceptor.accept(typed_socket);
    EXPECT_TRUE(typed_socket.is_open());
}

TEST_F(Conversions, SignalSetsTakeNumbersOfAnyType) {
    const short number = SIGUSR1;
    enum { another = SIGUSR2 };
    net::signal_set one(ctx, number);
    net::signal_set two(ctx.get_executor(), another, number);
    net::signal_set three(ctx, SIGUSR1, another, number);
}

TEST_F(Conversions, StreamsTakeConnections) {
    tcp::acceptor acceptor(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    std::string at_client;
    std::thread client([&] {
        tcp::iostream stream;
        stream.expires_after(std::chrono::seconds(10));
        stream.connect(acceptor.local_endpoint());
        stream << "question" << std::endl;
        tcp::iostream moved(std::move(stream));
        std::getline(moved, at_client);
    });
    tcp::socket accepted(ctx);
    acceptor.accept(accepted);
    tcp::iostream stream(std::move(accepted));
    stream.expires_after(std::chrono::seconds(10));
    std::string line;
    std::getline(stream, line);
    EXPECT_EQ(line, "question");
    stream << "answer" << std::endl;
    client.join();
    EXPECT_EQ(at_client, "answer");
    EXPECT_FALSE(accepted.is_open());

    net::local::stream_protocol::socket a(ctx), b(ctx);
    net::local::connect_pair(a, b);
    net::local::stream_protocol::iostream left(std::move(a)), right(std::move(b));
    left << "across" << std::endl;
    std::getline(right, line);
    EXPECT_EQ(line, "across");
}

} // namespace

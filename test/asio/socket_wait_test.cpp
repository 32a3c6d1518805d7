// Synchronous wait() of sockets and acceptors, blocking and not: one test body on Asio's and on ours.
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace net = test::net;
using test::error_code;
using tcp = net::ip::tcp;
using udp = net::ip::udp;

namespace {

template <class Library>
class SocketWait : public testing::Test {
protected:
    using executor = typename Library::executor;
    using acceptor_type = net::basic_socket_acceptor<tcp, executor>;
    using stream_type = net::basic_stream_socket<tcp, executor>;
    using datagram_type = net::basic_datagram_socket<udp, executor>;

    SocketWait()
        : acceptor_(ctx_, tcp::endpoint(net::ip::address_v4::loopback(), 0)) {}

    template <class Object>
    static error_code wait(Object& object, net::socket_base::wait_type what) {
        error_code ec;
        object.wait(what, ec);
        return ec;
    }

    typename Library::context ctx_;
    acceptor_type acceptor_;
};
TYPED_TEST_SUITE(SocketWait, test::libraries, test::library_names);

TYPED_TEST(SocketWait, ANonBlockingSocketIsToldThatItWouldBlock) {
    typename TestFixture::stream_type client(this->ctx_), server(this->ctx_);
    client.connect(this->acceptor_.local_endpoint());
    this->acceptor_.accept(server);
    server.non_blocking(true);
    EXPECT_EQ(this->wait(server, net::socket_base::wait_read), net::error::would_block);
    EXPECT_EQ(this->wait(server, net::socket_base::wait_error), net::error::would_block);
    EXPECT_FALSE(this->wait(server, net::socket_base::wait_write));
    EXPECT_THROW(server.wait(net::socket_base::wait_read), test::system_error);
    client.send(net::buffer("x", 1));
    server.non_blocking(false);
    EXPECT_FALSE(this->wait(server, net::socket_base::wait_read)) << "waits until the byte is there";
    server.non_blocking(true);
    EXPECT_FALSE(this->wait(server, net::socket_base::wait_read));
}

TYPED_TEST(SocketWait, TheDescriptorsOwnModeDoesNotMatter) {
    typename TestFixture::datagram_type a(this->ctx_, udp::endpoint(net::ip::address_v4::loopback(), 0));
    a.native_non_blocking(true);
    a.send_to(net::buffer("x", 1), a.local_endpoint());
    EXPECT_FALSE(this->wait(a, net::socket_base::wait_read)) << "the user's mode is what counts";
    a.non_blocking(true);
    char c;
    EXPECT_EQ(a.receive(net::buffer(&c, 1)), 1u);
    EXPECT_EQ(this->wait(a, net::socket_base::wait_read), net::error::would_block);
}

TYPED_TEST(SocketWait, ANonBlockingAcceptorIsToldThatItWouldBlock) {
    this->acceptor_.non_blocking(true);
    EXPECT_EQ(this->wait(this->acceptor_, net::socket_base::wait_read), net::error::would_block);
    typename TestFixture::stream_type client(this->ctx_);
    client.connect(this->acceptor_.local_endpoint());
    EXPECT_FALSE(this->wait(this->acceptor_, net::socket_base::wait_read));
    (void)this->acceptor_.accept();
    EXPECT_EQ(this->wait(this->acceptor_, net::socket_base::wait_read), net::error::would_block);
}

TYPED_TEST(SocketWait, ANonBlockingAcceptorThatHasAcceptedAsynchronouslyIsToldThatItWouldBlock) {
    // Ours may have taken connections ahead of the accepts that ask for them.
    std::vector<typename TestFixture::stream_type> clients;
    const auto connect = [&] { clients.emplace_back(this->ctx_).connect(this->acceptor_.local_endpoint()); };
    int accepted = 0;
    this->acceptor_.async_accept([&](error_code ec, auto) {
        EXPECT_FALSE(ec) << ec.message();
        ++accepted;
    });
    this->ctx_.poll();
    connect();
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(accepted, 1);
    this->acceptor_.non_blocking(true);
    EXPECT_EQ(this->wait(this->acceptor_, net::socket_base::wait_read), net::error::would_block);
    connect();
    connect();
    this->ctx_.restart();
    this->ctx_.poll();
    for (int i = 0; i < 2; ++i) {
        EXPECT_FALSE(this->wait(this->acceptor_, net::socket_base::wait_read));
        (void)this->acceptor_.accept();
    }
    EXPECT_EQ(this->wait(this->acceptor_, net::socket_base::wait_read), net::error::would_block);
}

TYPED_TEST(SocketWait, AClosedOneHasABadDescriptor) {
    this->acceptor_.close();
    EXPECT_EQ(this->wait(this->acceptor_, net::socket_base::wait_read), net::error::bad_descriptor);
    this->acceptor_.open(tcp::v4());
    this->acceptor_.close();
    EXPECT_EQ(this->wait(this->acceptor_, net::socket_base::wait_write), net::error::bad_descriptor);
}

} // namespace

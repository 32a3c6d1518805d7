// Lengths that the kernel reports and that are more than what it was given: one test body on Asio's and on
// ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_datagram_socket.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using udp = net::ip::udp;

namespace {

template <class Library>
class MessageLengths : public testing::Test {
protected:
    using socket = net::basic_datagram_socket<udp, typename Library::executor>;

    typename Library::context ctx_;
    socket a_{ctx_, udp::endpoint(net::ip::address_v4::loopback(), 0)};
    socket b_{ctx_, udp::endpoint(net::ip::address_v4::loopback(), 0)};
    char memory_[8] = {'-', '-', '-', '-', '-', '-', '-', '-'};
};
TYPED_TEST_SUITE(MessageLengths, test::libraries, test::library_names);

TYPED_TEST(MessageLengths, TheLengthOfADatagramThatWasCutIsToldWhenAskedFor) {
    for (const bool from : {false, true}) {
        EXPECT_EQ(this->a_.send_to(net::buffer("0123456789", 10), this->b_.local_endpoint()), 10u);
        udp::endpoint sender;
        auto handler = exactly_once([&](error_code ec, std::size_t n) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(n, 10u); // more than the buffer has: whoever gives the flag looks
        });
        if (from)
            this->b_.async_receive_from(net::buffer(this->memory_, 4), sender, MSG_TRUNC, std::move(handler));
        else
            this->b_.async_receive(net::buffer(this->memory_, 4), MSG_TRUNC, std::move(handler));
        this->ctx_.restart();
        EXPECT_EQ(this->ctx_.run(), 1u);
        EXPECT_EQ(std::string(this->memory_, 8), "0123----");
    }
}

} // namespace

/// What is thrown where an operation ends would leave run(), and the handler would never be called.
TEST(MessageLengthsOfOurs, AnAddressLongerThanItsEndpointIsCut) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    sockaddr_un name{AF_UNIX, {}};
    std::memset(name.sun_path + 1, 'x', sizeof name.sun_path - 1);
    std::memcpy(name.sun_path + 1, &fds[0], sizeof fds[0]);
    const pid_t self = ::getpid();
    std::memcpy(name.sun_path + 8, &self, sizeof self);
    ASSERT_EQ(::bind(fds[0], reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    aura::io_context ctx;
    net::basic_datagram_socket<udp, aura::io_context::executor_type> socket(ctx, udp::v4(), fds[1]);
    ASSERT_EQ(::send(fds[0], "abc", 3, 0), 3);
    char data[8];
    udp::endpoint sender;
    socket.async_receive_from(net::buffer(data), sender, exactly_once([&](error_code ec, std::size_t n) {
                                  EXPECT_FALSE(ec);
                                  EXPECT_EQ(n, 3u);
                              }));
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(sender.size(), sender.protocol() == udp::v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    ::close(fds[0]);
}

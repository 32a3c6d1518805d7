// Raw sockets: an ICMP echo to ourselves, on Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_raw_socket.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <functional>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using icmp = net::ip::icmp;

namespace {

template <class Library>
class RawSocket : public testing::Test {
protected:
    typename Library::context ctx_;
};
TYPED_TEST_SUITE(RawSocket, test::libraries, test::library_names);

TYPED_TEST(RawSocket, EchoesThroughTheLoopback) {
    net::basic_raw_socket<icmp, typename TypeParam::executor> socket(this->ctx_);
    error_code ec;
    socket.open(icmp::v4(), ec);
    if (ec == net::error::access_denied || ec.value() == EPERM)
        GTEST_SKIP() << "raw sockets need CAP_NET_RAW";
    ASSERT_FALSE(ec);
    // Type 8, code 0, checksum, an identifier of ours, sequence 1.
    const unsigned char request[8] = {8, 0, 0, 0, 0x5a, 0xa5, 0, 1};
    unsigned char packet[8];
    std::memcpy(packet, request, sizeof packet);
    const unsigned sum = 0xffff & ~(0x0800u + 0x5aa5u + 1u);
    packet[2] = static_cast<unsigned char>(sum >> 8);
    packet[3] = static_cast<unsigned char>(sum);

    unsigned char reply[256];
    icmp::endpoint from;
    bool answered = false;
    std::function<void()> receive = [&] { // every raw socket sees every ICMP packet of the machine
        socket.async_receive_from(net::buffer(reply), from, exactly_once([&](error_code e, std::size_t n) {
                                      ASSERT_FALSE(e);
                                      const std::size_t header = 4u * (reply[0] & 0xf);
                                      if (n >= header + 8 && reply[header] == 0 &&
                                          std::memcmp(reply + header + 4, request + 4, 4) == 0)
                                          answered = true;
                                      else
                                          receive();
                                  }));
    };
    receive();
    socket.async_send_to(net::buffer(packet), icmp::endpoint(net::ip::address_v4::loopback(), 0),
                         exactly_once([](error_code e, std::size_t n) {
                             EXPECT_FALSE(e);
                             EXPECT_EQ(n, 8u);
                         }));
    this->ctx_.run();
    EXPECT_TRUE(answered);
    EXPECT_EQ(from.address(), net::ip::address_v4::loopback());
}

} // namespace

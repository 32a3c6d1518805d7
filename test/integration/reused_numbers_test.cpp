// Numbers that come again: nothing of the file that had one before is believed of the next.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"

#include <asio/local/datagram_protocol.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using datagram = net::local::datagram_protocol;
using socket_type = net::basic_datagram_socket<datagram, aura::executor>;

namespace {

class ReusedNumbers : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, ReusedNumbers, testing::ValuesIn(all_rings), configuration_name);

/// The numbers of a pair, the lower one first.
std::array<int, 2> make_pair() {
    std::array<int, 2> fds{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    return fds;
}

} // namespace

/// A send that was refused although its own socket has room waits with something that has a number, too.
TEST_P(ReusedNumbers, OfWhatASendHasWaitedWith) {
    const datagram::endpoint name(std::string("\0auraio-reused-numbers-", 23) + std::to_string(::getpid()));
    aura::io_context ctx(GetParam().options());
    for (int round = 0; round < 4; ++round) {
        net::io_context other;
        net::basic_datagram_socket<datagram> full(other, name), filler(other, datagram());
        filler.connect(name);
        while (::send(filler.native_handle(), "x", 1, MSG_DONTWAIT) == 1) {
        }
        std::optional<socket_type> sender(std::in_place, ctx, datagram());
        const int number = sender->native_handle();
        bool sent = false;
        sender->async_send_to(net::buffer("abcde", 5), name, [&](std::error_code ec, std::size_t) {
            EXPECT_FALSE(ec);
            sent = true;
        });
        for (int i = 0; i < 4; ++i) {
            ctx.restart();
            ctx.poll(); // refused, and waits
        }
        EXPECT_FALSE(sent);
        char bytes[8];
        while (::recv(full.native_handle(), bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
        }
        ctx.restart();
        ctx.run_for(20s);
        EXPECT_TRUE(sent);
        // The next descriptor may have this one's memory, and the next number is what the send has waited with.
        sender.reset();
        const int taken = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        EXPECT_EQ(taken, number);
        const std::array<int, 2> next = make_pair();
        socket_type receiver(ctx, datagram(), next[0]);
        bool received = false;
        receiver.async_receive(net::buffer(bytes), [&](std::error_code ec, std::size_t n) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(n, 4u);
            received = true;
        });
        ctx.restart();
        ctx.poll();
        ASSERT_EQ(::send(next[1], "line", 4, 0), 4);
        ctx.restart();
        ctx.run_for(5s);
        EXPECT_TRUE(received) << "nobody was told that there is something";
        ::close(taken);
        ::close(next[1]);
    }
}

// Seq-packet sockets: one test body on Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_seq_packet_socket.hpp>

#include <gtest/gtest.h>

#include <string>
#include <sys/socket.h>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using seq_packet = net::generic::seq_packet_protocol;

namespace {

template <class Library>
class SeqPacketSocket : public testing::Test {
protected:
    using socket = net::basic_seq_packet_socket<seq_packet, typename Library::executor>;

    SeqPacketSocket()
        : a_(ctx_)
        , b_(ctx_) {
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        a_.assign(seq_packet(AF_UNIX, 0), fds[0]);
        b_.assign(seq_packet(AF_UNIX, 0), fds[1]);
    }

    typename Library::context ctx_;
    socket a_, b_;
    char memory_[16] = {};
    net::socket_base::message_flags flags_ = -1;
};
TYPED_TEST_SUITE(SeqPacketSocket, test::libraries, test::library_names);

TYPED_TEST(SeqPacketSocket, MessagesKeepTheirBoundaries) {
    EXPECT_EQ(this->a_.send(net::buffer("abc", 3), 0), 3u);
    EXPECT_EQ(this->a_.send(net::buffer("de", 2), 0), 2u);
    EXPECT_EQ(this->b_.receive(net::buffer(this->memory_), this->flags_), 3u);
    EXPECT_EQ(this->flags_ & MSG_TRUNC, 0);
    this->flags_ = -1;
    this->b_.async_receive(net::buffer(this->memory_, 1), this->flags_,
                           exactly_once([this](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               EXPECT_EQ(n, 1u);
                               EXPECT_NE(this->flags_, -1);
                               EXPECT_NE(this->flags_ & MSG_TRUNC, 0);
                           }));
    EXPECT_EQ(this->ctx_.run(), 1u);
}

TYPED_TEST(SeqPacketSocket, FlagsGoInAndOut) {
    std::string order;
    this->b_.async_receive(net::buffer(this->memory_), net::socket_base::message_peek, this->flags_,
                           exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               EXPECT_EQ(n, 2u);
                               order += 'p';
                           }));
    net::socket_base::message_flags second = -1;
    this->b_.async_receive(net::buffer(this->memory_), second,
                           exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               EXPECT_EQ(n, 2u);
                               order += 'r';
                           }));
    this->a_.async_send(net::buffer("xy", 2), 0,
                        exactly_once([](error_code ec, std::size_t) { EXPECT_FALSE(ec); }));
    EXPECT_EQ(this->ctx_.run(), 3u);
    EXPECT_EQ(order, "pr");
}

TYPED_TEST(SeqPacketSocket, TheEndShowsAsAnEmptyMessage) {
    this->a_.shutdown(net::socket_base::shutdown_send);
    this->b_.async_receive(net::buffer(this->memory_), this->flags_,
                           exactly_once([](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               EXPECT_EQ(n, 0u);
                           }));
    this->ctx_.run();
    error_code ec;
    EXPECT_EQ(this->b_.receive(net::buffer(this->memory_), 0, this->flags_, ec), 0u);
    EXPECT_FALSE(ec);
}

TYPED_TEST(SeqPacketSocket, AGonePeerIsBrokenPipeWithoutASignal) {
    this->b_.close();
    error_code sync, async;
    this->a_.send(net::buffer("x", 1), 0, sync);
    EXPECT_EQ(sync, net::error::broken_pipe);
    this->a_.async_send(net::buffer("x", 1), 0, [&](error_code ec, std::size_t) { async = ec; });
    this->ctx_.run();
    EXPECT_EQ(async, net::error::broken_pipe);
}

TYPED_TEST(SeqPacketSocket, CancelledAndClosed) {
    int aborted = 0;
    const auto is_aborted = [&](error_code ec, std::size_t) {
        EXPECT_EQ(ec, net::error::operation_aborted);
        ++aborted;
    };
    this->b_.async_receive(net::buffer(this->memory_), this->flags_, exactly_once(is_aborted));
    this->ctx_.poll();
    this->b_.cancel();
    this->ctx_.restart();
    this->ctx_.run();
    this->b_.async_receive(net::buffer(this->memory_), this->flags_, exactly_once(is_aborted));
    auto moved = std::move(this->b_);
    moved.close();
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(aborted, 2);
    EXPECT_EQ(this->flags_, 0);
}

} // namespace

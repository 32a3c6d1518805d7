// Messages to a receiver whose queue is full arrive whole: one test body on Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_datagram_socket.hpp>
#include <auraio/asio/basic_seq_packet_socket.hpp>
#include <auraio/asio/basic_stream_descriptor.hpp>
#include <auraio/asio/basic_stream_socket.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using datagram = net::local::datagram_protocol;
using seq_packet = net::generic::seq_packet_protocol;
using namespace std::chrono_literals;

namespace {

template <class Library>
class FullReceiver : public testing::Test {
protected:
    using datagrams = net::basic_datagram_socket<datagram, typename Library::executor>;
    using packets = net::basic_seq_packet_socket<seq_packet, typename Library::executor>;

    /// Messages of one byte until the next would block.
    static void fill(int fd) {
        while (::send(fd, "x", 1, MSG_DONTWAIT) == 1) {
        }
        EXPECT_EQ(errno, EAGAIN);
    }

    /// Takes all that is there; the messages that fill() has not sent.
    static void drain(int fd, std::vector<std::string>& others) {
        char memory[256];
        for (ssize_t n; (n = ::recv(fd, memory, sizeof memory, MSG_DONTWAIT)) >= 0;)
            if (n != 1)
                others.emplace_back(memory, static_cast<std::size_t>(n));
    }

    /// The sending end's queue is full; `send` starts one message of "abcde".
    template <class Send>
    void expect_whole(int from, int to, Send send) {
        fill(from);
        bool ended = false;
        send(exactly_once([&](error_code ec, std::size_t n) {
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_EQ(n, 5u);
            ended = true;
        }));
        for (int i = 0; i < 3; ++i) { // it has been refused, and waits
            ctx_.restart();
            ctx_.poll();
            EXPECT_FALSE(ended);
        }
        std::vector<std::string> others;
        drain(to, others);
        ctx_.restart();
        while (!ended && ctx_.run_one_for(20s) != 0) {
        }
        EXPECT_TRUE(ended);
        drain(to, others);
        EXPECT_EQ(others, std::vector<std::string>{"abcde"});
    }

    typename Library::context ctx_;
    const std::array<net::const_buffer, 3> pieces_{net::buffer("ab", 2), net::buffer("", 0),
                                                   net::buffer("cde", 3)};
};
TYPED_TEST_SUITE(FullReceiver, test::libraries, test::library_names);

TYPED_TEST(FullReceiver, GetsDatagramsWhole) {
    typename TestFixture::datagrams a(this->ctx_), b(this->ctx_);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    a.assign(datagram(), fds[0]);
    b.assign(datagram(), fds[1]);
    this->expect_whole(fds[0], fds[1],
                       [&](auto handler) { a.async_send(net::buffer("abcde", 5), std::move(handler)); });
    this->expect_whole(fds[0], fds[1],
                       [&](auto handler) { a.async_send(this->pieces_, std::move(handler)); });
}

TYPED_TEST(FullReceiver, GetsDatagramsWithAnAddressWhole) {
    const datagram::endpoint name(std::string("\0auraio-full-receiver-", 21) + std::to_string(::getpid()));
    typename TestFixture::datagrams a(this->ctx_, datagram()), b(this->ctx_, name), c(this->ctx_, datagram());
    c.connect(name);
    a.connect(name); // to fill it, and to see room: not addressed, the kernel does not tell
    this->expect_whole(a.native_handle(), b.native_handle(), [&](auto handler) {
        a.async_send_to(net::buffer("abcde", 5), name, std::move(handler));
    });
    this->expect_whole(a.native_handle(), b.native_handle(),
                       [&](auto handler) { a.async_send_to(this->pieces_, name, std::move(handler)); });
}

TYPED_TEST(FullReceiver, GetsPacketsWhole) {
    typename TestFixture::packets a(this->ctx_), b(this->ctx_);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    a.assign(seq_packet(AF_UNIX, 0), fds[0]);
    b.assign(seq_packet(AF_UNIX, 0), fds[1]);
    this->expect_whole(fds[0], fds[1],
                       [&](auto handler) { a.async_send(net::buffer("abcde", 5), 0, std::move(handler)); });
    this->expect_whole(fds[0], fds[1],
                       [&](auto handler) { a.async_send(this->pieces_, 0, std::move(handler)); });
}

/// MSG_WAITALL means nothing for messages: several are not joined.
TYPED_TEST(FullReceiver, OfPacketsTakesOneAtATime) {
    typename TestFixture::packets a(this->ctx_), b(this->ctx_);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    a.assign(seq_packet(AF_UNIX, 0), fds[0]);
    b.assign(seq_packet(AF_UNIX, 0), fds[1]);
    ASSERT_EQ(::send(fds[0], "ab", 2, 0), 2);
    ASSERT_EQ(::send(fds[0], "cd", 2, 0), 2);
    char memory[16] = {};
    net::socket_base::message_flags flags = 0;
    b.async_receive(net::buffer(memory), MSG_WAITALL, flags, exactly_once([](error_code ec, std::size_t n) {
                        EXPECT_FALSE(ec);
                        EXPECT_EQ(n, 2u);
                    }));
    this->ctx_.run_for(20s);
}

/// A descriptor writes what a packet is by write(2) and writev(2): the kernel repeats these from the start.
TYPED_TEST(FullReceiver, GetsWhatADescriptorWritesWhole) {
    using descriptor = net::posix::basic_stream_descriptor<typename TypeParam::executor>;
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    descriptor a(this->ctx_, fds[0]);
    this->expect_whole(fds[0], fds[1], [&](auto handler) {
        a.async_write_some(net::buffer("abcde", 5), std::move(handler));
    });
    this->expect_whole(fds[0], fds[1],
                       [&](auto handler) { a.async_write_some(this->pieces_, std::move(handler)); });
    ::close(fds[1]);
}

/// The same of a pipe in packet mode.
TYPED_TEST(FullReceiver, GetsPacketsOfAPipeWhole) {
    using descriptor = net::posix::basic_stream_descriptor<typename TypeParam::executor>;
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_DIRECT), 0);
    descriptor a(this->ctx_, fds[1]);
    ASSERT_EQ(::fcntl(fds[1], F_SETFL, O_NONBLOCK | O_DIRECT), 0);
    while (::write(fds[1], "x", 1) == 1) {
    }
    ASSERT_EQ(::fcntl(fds[1], F_SETFL, O_DIRECT), 0);
    bool ended = false;
    a.async_write_some(this->pieces_, exactly_once([&](error_code ec, std::size_t n) {
                           EXPECT_FALSE(ec) << ec.message();
                           EXPECT_EQ(n, 5u);
                           ended = true;
                       }));
    for (int i = 0; i < 3; ++i) {
        this->ctx_.restart();
        this->ctx_.poll();
        EXPECT_FALSE(ended);
    }
    ASSERT_EQ(::fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    std::string others;
    const auto drain = [&] {
        char memory[64];
        for (ssize_t n; (n = ::read(fds[0], memory, sizeof memory)) > 0;)
            if (n != 1)
                others.append(memory, static_cast<std::size_t>(n)) += '.';
    };
    drain();
    this->ctx_.restart();
    while (!ended && this->ctx_.run_one_for(20s) != 0) {
    }
    drain();
    EXPECT_TRUE(others == "abcde." || others == "ab.cde.") << others; // a packet for each buffer is allowed
    ::close(fds[0]);
}

/// What a stream takes of a large write before it would block is sent once, and once only.
TYPED_TEST(FullReceiver, GetsAStreamInPiecesWithoutLoss) {
    using stream = net::basic_stream_socket<net::local::stream_protocol, typename TypeParam::executor>;
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    stream a(this->ctx_, net::local::stream_protocol(), fds[0]);
    std::vector<char> sent(4'000'000), received;
    for (std::size_t i = 0; i < sent.size(); ++i)
        sent[i] = static_cast<char>(i * 31 / 7);
    const std::array<net::const_buffer, 3> parts{net::buffer(sent.data(), 1'000'001),
                                                 net::buffer(sent.data() + 1'000'001, 7),
                                                 net::buffer(sent.data() + 1'000'008, 2'999'992)};
    bool ended = false;
    net::async_write(a, parts, [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(n, sent.size());
        ended = true;
    });
    while (!ended || received.size() < sent.size()) {
        this->ctx_.restart();
        this->ctx_.poll();
        char memory[10'007];
        const ssize_t n = ::recv(fds[1], memory, sizeof memory, MSG_DONTWAIT);
        if (n > 0)
            received.insert(received.end(), memory, memory + n);
        else if (!ended && this->ctx_.run_one_for(20s) == 0)
            break;
    }
    EXPECT_TRUE(received == sent);
    ::close(fds[1]);
}

TYPED_TEST(FullReceiver, WithAFullBacklogRefusesAtOnce) {
    if (std::is_same_v<TypeParam, test::plain_asio> && AURAIO_TEST_ASIO_VERSION >= 102400)
        GTEST_SKIP() << "newer Asio takes such a connect for one that is under way, and then for a success";
    using local = net::local::stream_protocol;
    using stream = net::basic_stream_socket<local, typename TypeParam::executor>;
    const local::endpoint name(std::string("\0auraio-full-backlog-", 21) + std::to_string(::getpid()));
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(listener, name.data(), static_cast<socklen_t>(name.size())), 0);
    ASSERT_EQ(::listen(listener, 0), 0);
    std::vector<std::unique_ptr<stream>> all;
    int connected = 0, refused = 0;
    for (int i = 0; i < 5; ++i) {
        all.push_back(std::make_unique<stream>(this->ctx_));
        all.back()->async_connect(name, [&](error_code ec) {
            ++(ec ? refused : connected);
            EXPECT_TRUE(!ec || ec == net::error::no_buffer_space) << ec.message();
        });
    }
    this->ctx_.run_for(20s);
    EXPECT_EQ(connected, 1);
    EXPECT_EQ(refused, 4);
    EXPECT_EQ(::fcntl(all[0]->native_handle(), F_GETFL) & O_NONBLOCK,
              all[4]->native_non_blocking() ? O_NONBLOCK : 0)
        << "the mode is what it was";
    ::close(listener);
}

} // namespace

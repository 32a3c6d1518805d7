// Datagram sockets: one test body on Asio's and on ours; what must be equal, and what only ours promises.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_datagram_socket.hpp>

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using udp = net::ip::udp;
using unix_datagram = net::local::datagram_protocol;

namespace {

const udp::endpoint any_port(net::ip::address_v4::loopback(), 0);

template <class Library>
using udp_socket = net::basic_datagram_socket<udp, typename Library::executor>;

template <class Library>
class DatagramSocket : public testing::Test {
protected:
    typename Library::context ctx_;
    char memory_[64] = {};
};
TYPED_TEST_SUITE(DatagramSocket, test::libraries, test::library_names);

TYPED_TEST(DatagramSocket, SynchronousExchangeWithAddresses) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    EXPECT_EQ(a.send_to(net::buffer("abc", 3), b.local_endpoint()), 3u);
    udp::endpoint from;
    EXPECT_EQ(b.receive_from(net::buffer(this->memory_), from), 3u);
    EXPECT_EQ(from, a.local_endpoint());
    EXPECT_EQ(std::string(this->memory_, 3), "abc");

    error_code ec;
    b.connect(a.local_endpoint());
    EXPECT_EQ(b.send(net::buffer("", 0), 0, ec), 0u);
    EXPECT_FALSE(ec) << "an empty message is a message";
    EXPECT_EQ(a.receive(net::buffer(this->memory_), 0, ec), 0u);
    EXPECT_FALSE(ec);
    a.non_blocking(true);
    EXPECT_EQ(a.receive(net::buffer(this->memory_), 0, ec), 0u);
    EXPECT_EQ(ec, net::error::would_block);
    EXPECT_EQ(a.receive_from(net::buffer(this->memory_), from, 0, ec), 0u);
    EXPECT_EQ(ec, net::error::would_block);
    EXPECT_THROW(a.receive(net::buffer(this->memory_)), test::system_error);
}

TYPED_TEST(DatagramSocket, AsynchronousExchangeWithAddresses) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    udp::endpoint from;
    const std::array<net::const_buffer, 4> scattered{net::buffer("a", 1), net::buffer("", 0),
                                                     net::buffer("bc", 2), net::buffer("def", 3)};
    std::array<net::mutable_buffer, 2> halves{net::buffer(this->memory_, 2),
                                              net::buffer(this->memory_ + 2, 10)};
    {
        test::initiation inside;
        b.async_receive_from(halves, from, exactly_once([&](error_code ec, std::size_t n) {
                                 EXPECT_FALSE(ec);
                                 EXPECT_EQ(n, 6u);
                                 EXPECT_EQ(from, a.local_endpoint());
                             }));
        udp::endpoint destination = b.local_endpoint();
        a.async_send_to(scattered, destination, exactly_once([](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec);
                            EXPECT_EQ(n, 6u);
                        }));
        destination = udp::endpoint(); // was copied
    }
    EXPECT_EQ(this->ctx_.run(), 2u);
    EXPECT_EQ(std::string(this->memory_, 6), "abcdef");
}

TYPED_TEST(DatagramSocket, ConnectedWithFlags) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    a.connect(b.local_endpoint());
    char peeked[8] = {};
    udp::endpoint from;
    a.async_send(net::buffer("one", 3), 0, exactly_once([](error_code ec, std::size_t n) {
                     EXPECT_FALSE(ec);
                     EXPECT_EQ(n, 3u);
                 }));
    b.async_receive(net::buffer(peeked), socket::message_peek, exactly_once([](error_code ec, std::size_t n) {
                        EXPECT_FALSE(ec);
                        EXPECT_EQ(n, 3u);
                    }));
    b.async_receive_from(net::buffer(this->memory_), from, 0, exactly_once([](error_code ec, std::size_t n) {
                             EXPECT_FALSE(ec);
                             EXPECT_EQ(n, 3u);
                         }));
    EXPECT_EQ(this->ctx_.run(), 3u);
    EXPECT_EQ(std::string(peeked), "one");
    EXPECT_EQ(std::string(this->memory_), "one");
    EXPECT_EQ(from, a.local_endpoint());
}

TYPED_TEST(DatagramSocket, PendingReceivesAreServedInTheirOrder) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    std::string order;
    for (int i = 0; i < 8; ++i)
        b.async_receive(net::buffer(this->memory_ + i, 1), exactly_once([&, i](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec);
                            EXPECT_EQ(n, 1u);
                            order += this->memory_[i];
                        }));
    this->ctx_.poll();
    for (const char c : std::string("12345678"))
        a.send_to(net::buffer(&c, 1), b.local_endpoint());
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(order, "12345678");
    EXPECT_EQ(std::string(this->memory_, 8), "12345678");
}

TYPED_TEST(DatagramSocket, EmptyMessagesAreMessages) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    a.connect(b.local_endpoint());
    int done = 0;
    const auto empty = [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 0u);
        ++done;
    };
    b.async_receive(net::buffer(this->memory_), exactly_once(empty));
    this->ctx_.poll();
    EXPECT_EQ(done, 0);
    a.async_send(net::buffer(this->memory_, 0), exactly_once(empty));
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(done, 2);

    // Also an empty receive waits for one, and takes it.
    b.async_receive(std::vector<net::mutable_buffer>(), exactly_once(empty));
    this->ctx_.restart();
    this->ctx_.poll();
    EXPECT_EQ(done, 2);
    a.send(net::buffer("gone", 4));
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(done, 3);
    EXPECT_EQ(b.available(), 0u);
}

TYPED_TEST(DatagramSocket, SixtyFourBuffersAtMost) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    const std::string text(70, 'x');
    std::vector<net::const_buffer> many;
    for (const char& c : text)
        many.push_back(net::buffer(&c, 1));
    std::size_t sent = 0;
    a.async_send_to(many, b.local_endpoint(), [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        sent = n;
    });
    this->ctx_.run();
    EXPECT_EQ(sent, 64u);
    char received[100];
    EXPECT_EQ(b.receive(net::buffer(received)), 64u);
}

TYPED_TEST(DatagramSocket, WhatDoesNotFitIsLost) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    a.send_to(net::buffer("abcdef", 6), b.local_endpoint());
    b.async_receive(net::buffer(this->memory_, 2), exactly_once([](error_code ec, std::size_t n) {
                        EXPECT_FALSE(ec);
                        EXPECT_EQ(n, 2u);
                    }));
    this->ctx_.run();
    EXPECT_EQ(b.available(), 0u);
}

TYPED_TEST(DatagramSocket, Errors) {
    using socket = udp_socket<TypeParam>;
    socket closed(this->ctx_), a(this->ctx_, any_port);
    error_code sync, send, receive, too_long;
    closed.send(net::buffer("x", 1), 0, sync);
    EXPECT_EQ(sync, net::error::bad_descriptor);
    closed.async_send_to(net::buffer("x", 1), any_port, [&](error_code ec, std::size_t) { send = ec; });
    closed.async_receive(net::buffer(this->memory_), [&](error_code ec, std::size_t) { receive = ec; });
    const std::vector<char> big(70000);
    a.async_send_to(net::buffer(big), a.local_endpoint(), [&](error_code ec, std::size_t) { too_long = ec; });
    this->ctx_.run();
    EXPECT_EQ(send, net::error::bad_descriptor);
    EXPECT_EQ(receive, net::error::bad_descriptor);
    EXPECT_EQ(too_long, net::error::message_size);
}

TYPED_TEST(DatagramSocket, ARefusedPortIsToldToThePendingReceive) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port);
    {
        socket gone(this->ctx_, any_port);
        a.connect(gone.local_endpoint());
    }
    a.async_receive(net::buffer(this->memory_), exactly_once([](error_code ec, std::size_t) {
                        EXPECT_EQ(ec, net::error::connection_refused);
                    }));
    a.async_send(net::buffer("x", 1), exactly_once([](error_code ec, std::size_t) { EXPECT_FALSE(ec); }));
    EXPECT_EQ(this->ctx_.run(), 2u);
}

TYPED_TEST(DatagramSocket, CancelCloseAndDestruction) {
    using socket = udp_socket<TypeParam>;
    int aborted = 0;
    const auto is_aborted = [&](error_code ec, std::size_t) {
        EXPECT_EQ(ec, net::error::operation_aborted);
        ++aborted;
    };
    auto a = std::make_unique<socket>(this->ctx_, any_port);
    udp::endpoint from;
    const auto start = [&] {
        a->async_receive(net::buffer(this->memory_), exactly_once(is_aborted));
        a->async_receive_from(net::buffer(this->memory_), from, exactly_once(is_aborted));
        this->ctx_.restart();
        this->ctx_.poll();
    };
    start();
    a->cancel();
    this->ctx_.run();
    EXPECT_EQ(aborted, 2);
    start();
    const udp::endpoint where = a->local_endpoint();
    a->close();
    EXPECT_FALSE(a->is_open());
    *a = socket(this->ctx_, where); // the port is free at once
    this->ctx_.run();
    EXPECT_EQ(aborted, 4);
    start();
    a.reset();
    this->ctx_.run();
    EXPECT_EQ(aborted, 6);
}

TYPED_TEST(DatagramSocket, OneReceiveIsCancelledByItsSlot) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    net::cancellation_signal first, second;
    std::string events;
    const auto receive = [&](net::cancellation_signal& s, char name) {
        b.async_receive(net::buffer(this->memory_),
                        net::bind_cancellation_slot(s.slot(), [&, name](error_code ec, std::size_t) {
                            events += name;
                            events += ec == net::error::operation_aborted ? '!' : ec ? '?' : '.';
                        }));
    };
    receive(first, 'a');
    receive(second, 'b');
    this->ctx_.poll();
    second.emit(net::cancellation_type::total);
    this->ctx_.restart();
    this->ctx_.poll();
    EXPECT_EQ(events, "b!");
    a.send_to(net::buffer("x", 1), b.local_endpoint());
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(events, "b!a.");
    first.emit(net::cancellation_type::all); // too late, and harmless
}

TYPED_TEST(DatagramSocket, ItsHandlerMayDestroyIt) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port);
    std::optional<socket> b(std::in_place, this->ctx_, any_port);
    int called = 0;
    b->async_receive(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t) {
                         EXPECT_FALSE(ec);
                         ++called;
                         b.reset();
                     }));
    b->async_wait(socket::wait_error, exactly_once([&](error_code ec) {
                      EXPECT_EQ(ec, net::error::operation_aborted);
                      ++called;
                  }));
    a.send_to(net::buffer("x", 1), b->local_endpoint());
    this->ctx_.run();
    EXPECT_EQ(called, 2);
}

TYPED_TEST(DatagramSocket, MovesAndConversions) {
    using socket = udp_socket<TypeParam>;
    using executor = typename TypeParam::executor;
    socket a(this->ctx_, any_port);
    a.non_blocking(true);
    socket b(std::move(a));
    EXPECT_FALSE(a.is_open());
    EXPECT_TRUE(b.non_blocking());
    a = socket(this->ctx_, any_port);
    a.async_send_to(net::buffer("x", 1), b.local_endpoint(),
                    [](error_code ec, std::size_t) { EXPECT_FALSE(ec); });
    socket moved(std::move(a));
    this->ctx_.run();
    EXPECT_EQ(b.receive(net::buffer(this->memory_)), 1u);

    typename socket::template rebind_executor<net::strand<executor>>::other stranded(
        net::strand<executor>(this->ctx_.get_executor()), any_port);
    stranded.connect(b.local_endpoint());
    int called = 0;
    stranded.async_send(net::buffer("y", 1), [&](error_code ec, std::size_t) { called += !ec; });
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(called, 1);

    using unix_socket = net::basic_datagram_socket<unix_datagram, executor>;
    unix_socket special(this->ctx_, unix_datagram());
    net::basic_datagram_socket<net::generic::datagram_protocol, executor> general(std::move(special));
    EXPECT_TRUE(general.is_open());
}

TYPED_TEST(DatagramSocket, Tokens) {
    using socket = udp_socket<TypeParam>;
    socket a(this->ctx_, any_port), b(this->ctx_, any_port);
    udp::endpoint from;
    auto later = b.async_receive_from(net::buffer(this->memory_), from, test::deferred);
    std::move(later)([](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 1u);
    });
    auto sent = a.async_send_to(net::buffer("x", 1), b.local_endpoint(), net::use_future);
    this->ctx_.run();
    EXPECT_EQ(sent.get(), 1u);
    EXPECT_EQ(from, a.local_endpoint());

    bool done = false;
    net::co_spawn(
        this->ctx_,
        [&]() -> net::awaitable<void> {
            a.send_to(net::buffer("yz", 2), b.local_endpoint());
            auto [ec, n] = co_await b.async_receive_from(net::buffer(this->memory_), from,
                                                         test::as_tuple(net::use_awaitable));
            EXPECT_FALSE(ec);
            EXPECT_EQ(n, 2u);
            EXPECT_EQ(co_await a.async_send_to(net::buffer("q", 1), b.local_endpoint(), net::use_awaitable),
                      1u);
            EXPECT_EQ(co_await b.async_receive(net::buffer(this->memory_), net::use_awaitable), 1u);
            done = true;
        },
        net::detached);
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_TRUE(done);
}

TYPED_TEST(DatagramSocket, UnixDatagramsWithUnnamedSenders) {
    using socket = net::basic_datagram_socket<unix_datagram, typename TypeParam::executor>;
    socket a(this->ctx_), b(this->ctx_);
    net::local::connect_pair(a, b);
    unix_datagram::endpoint from("/not/this");
    b.async_receive_from(net::buffer(this->memory_), from, exactly_once([&](error_code ec, std::size_t n) {
                             EXPECT_FALSE(ec);
                             EXPECT_EQ(n, 2u);
                             EXPECT_TRUE(from.path().empty());
                         }));
    a.async_send(net::buffer("xy", 2), exactly_once([](error_code ec, std::size_t) { EXPECT_FALSE(ec); }));
    this->ctx_.run();
    b.close();
    a.async_send(net::buffer("xy", 2), exactly_once([](error_code ec, std::size_t) {
                     EXPECT_EQ(ec, net::error::connection_refused);
                 }));
    this->ctx_.restart();
    this->ctx_.run();
}

TEST(RingDatagramSocket, ClosedByAnotherThreadItsPortIsFreeAndItsHandlersAreCalled) {
    aura::io_context ctx;
    using socket = net::basic_datagram_socket<udp, aura::executor>;
    socket a(ctx, any_port);
    const udp::endpoint where = a.local_endpoint();
    char memory[8];
    int aborted = 0;
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    for (int i = 0; i < 50; ++i) {
        a.async_receive(net::buffer(memory),
                        [&](error_code ec, std::size_t) { aborted += ec == net::error::operation_aborted; });
        a.close();
        a.open(udp::v4());
        a.bind(where);
    }
    work.reset();
    runner.join();
    EXPECT_EQ(aborted, 50);
}

} // namespace

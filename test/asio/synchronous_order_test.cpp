// Synchronous calls come after what was started on their object, as with Asio, which starts it at once.
#include "support/flavour.hpp"
#include "support/handlers.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

namespace net = test::net;
using test::error_code;
using stream = aura::local::stream_protocol;

/// Everything until the end of the connection, which has to come.
std::string everything_from(int peer) {
    timeval patience{10, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string all;
    char some[64];
    for (;;) {
        const ssize_t n = ::recv(peer, some, sizeof some, 0);
        if (n == 0)
            return all;
        if (n < 0)
            return all + " and no end";
        all.append(some, static_cast<std::size_t>(n));
    }
}

class SynchronousOrder : public testing::Test {
protected:
    SynchronousOrder() { connect(); }
    ~SynchronousOrder() override { ::close(peer); }

    void connect() {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        socket = std::make_unique<stream::socket>(ctx, stream(), ends[0]);
        peer = ends[1];
    }
    template <class F>
    void in_a_handler(F f) {
        net::post(ctx, f);
        ctx.restart();
        ctx.run();
    }
    void send(const std::string& text) {
        socket->async_send(net::buffer(text),
                           test::exactly_once([size = text.size()](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec) << ec.message();
                               EXPECT_EQ(n, size);
                           }));
    }

    aura::io_context ctx;
    std::unique_ptr<stream::socket> socket;
    int peer = -1;
    const std::string hello = "hello", one = "one", two = "two", three = "three";
};

TEST_F(SynchronousOrder, WhatWasSentArrivesBeforeAShutdown) {
    in_a_handler([&] {
        send(hello);
        socket->shutdown(stream::socket::shutdown_send);
    });
    EXPECT_EQ(everything_from(peer), "hello");
}

TEST_F(SynchronousOrder, WhatWasSentArrivesBeforeAShutdownOfBothSides) {
    in_a_handler([&] {
        send(hello);
        socket->shutdown(stream::socket::shutdown_both);
        socket->close();
    });
    EXPECT_EQ(everything_from(peer), "hello");
}

TEST_F(SynchronousOrder, WhatWasSentArrivesBeforeAClose) {
    in_a_handler([&] {
        send(hello);
        socket->close();
    });
    EXPECT_EQ(everything_from(peer), "hello");
}

TEST_F(SynchronousOrder, WhatWasSentArrivesBeforeTheDestructor) {
    in_a_handler([&] {
        send(hello);
        socket.reset();
    });
    EXPECT_EQ(everything_from(peer), "hello");
}

TEST_F(SynchronousOrder, SeveralSendsArriveBeforeAClose) {
    in_a_handler([&] {
        send(one);
        send(two);
        send(three);
        socket->close();
    });
    EXPECT_EQ(everything_from(peer), "onetwothree");
}

TEST_F(SynchronousOrder, WhatWaitsBehindASendThatIsDoneArrivesBeforeAClose) {
    in_a_handler([&] {
        send(one);
        ctx.flush();
        send(two);
        socket->close();
    });
    EXPECT_EQ(everything_from(peer), "onetwo");
}

TEST_F(SynchronousOrder, WhatWasSentArrivesBeforeASystemCallOnTheNativeHandle) {
    in_a_handler([&] {
        send(hello);
        ::shutdown(socket->native_handle(), SHUT_WR);
    });
    EXPECT_EQ(everything_from(peer), "hello");
}

TEST_F(SynchronousOrder, WhatWasSentArrivesBeforeWhatIsSentSynchronously) {
    in_a_handler([&] {
        send(one);
        send(two);
        EXPECT_EQ(socket->send(net::buffer(three)), three.size());
        socket->close();
    });
    EXPECT_EQ(everything_from(peer), "onetwothree");
}

TEST_F(SynchronousOrder, ReleaseComesAfterWhatWasSent) {
    int released = -1;
    in_a_handler([&] {
        send(hello);
        released = socket->release();
    });
    ::close(released);
    EXPECT_EQ(everything_from(peer), "hello");
}

TEST_F(SynchronousOrder, HoldsFromAThreadThatIsNotTheRings) {
    auto guard = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    for (int i = 0; i < 200; ++i) {
        send(hello);
        if (i % 3 == 0)
            socket->close();
        else if (i % 3 == 1)
            socket->shutdown(stream::socket::shutdown_send);
        else
            socket.reset();
        ASSERT_EQ(everything_from(peer), "hello") << i;
        ::close(peer);
        connect();
    }
    guard.reset();
    runner.join();
}

TEST_F(SynchronousOrder, WhatWasSentBeforeRunArrivesWithoutIt) {
    send(hello);
    char some[8];
    EXPECT_EQ(::recv(peer, some, sizeof some, MSG_DONTWAIT), 5);
    ctx.run();
}

TEST_F(SynchronousOrder, AReadBeforeRunIsNotBegunByWhatAnotherSends) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    aura::readable_pipe reader(ctx, ends[0]);
    char first[1], second[1];
    reader.async_read_some(net::buffer(first), test::exactly_once([](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec) << ec.message();
                               EXPECT_EQ(n, 1u);
                           }));
    send(hello);
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
    EXPECT_EQ(::read(ends[0], second, 1), 1) << "somebody else has read it";
    EXPECT_EQ(::write(ends[1], "y", 1), 1);
    ctx.run();
    EXPECT_EQ(first[0], 'y');
    ::close(ends[1]);
}

TEST_F(SynchronousOrder, AConnectBeforeRunIsAcceptedSynchronously) {
    using tcp = aura::ip::tcp;
    tcp::acceptor acceptor(ctx, {aura::ip::address_v4::loopback(), 0});
    tcp::socket client(ctx), server(ctx);
    client.async_connect(acceptor.local_endpoint(),
                         test::exactly_once([](error_code ec) { EXPECT_FALSE(ec) << ec.message(); }));
    acceptor.accept(server);
    EXPECT_TRUE(server.is_open());
    ctx.run();
}

TEST_F(SynchronousOrder, AConnectInAHandlerIsAcceptedInTheSame) {
    using tcp = aura::ip::tcp;
    tcp::acceptor acceptor(ctx, {aura::ip::address_v4::loopback(), 0});
    tcp::socket client(ctx), server(ctx);
    in_a_handler([&] {
        client.async_connect(acceptor.local_endpoint(),
                             test::exactly_once([](error_code ec) { EXPECT_FALSE(ec) << ec.message(); }));
        acceptor.accept(server);
    });
    EXPECT_TRUE(server.is_open());
}

TEST_F(SynchronousOrder, AnAnswerToWhatAnotherSocketSentCanBeReceived) {
    std::string answer;
    std::thread other([&] {
        answer = everything_from(peer); // ends with the shutdown below
        EXPECT_EQ(::send(peer, "ok", 2, 0), 2);
    });
    char some[8];
    in_a_handler([&] {
        send(hello);
        socket->shutdown(stream::socket::shutdown_send);
        EXPECT_EQ(socket->receive(net::buffer(some)), 2u);
    });
    other.join();
    EXPECT_EQ(answer, "hello");
}

TEST_F(SynchronousOrder, APipeIsWrittenBeforeItIsClosed) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    in_a_handler([&] {
        aura::writable_pipe pipe(ctx, ends[1]);
        pipe.async_write_some(net::buffer(hello), test::exactly_once([](error_code ec, std::size_t n) {
                                  EXPECT_FALSE(ec) << ec.message();
                                  EXPECT_EQ(n, 5u);
                              }));
    });
    char some[8];
    EXPECT_EQ(::read(ends[0], some, sizeof some), 5);
    EXPECT_EQ(::read(ends[0], some, sizeof some), 0);
    ::close(ends[0]);
}

TEST_F(SynchronousOrder, CostsNothingWhereNothingIsQueued) {
    char byte;
    socket->async_receive(net::buffer(&byte, 1), [](error_code, std::size_t) {});
    ctx.poll(); // it is pending now
    net::post(ctx, [&] {
        const auto before = ctx.stats().total().enters;
        for (int i = 0; i < 100; ++i)
            (void)socket->native_handle();
        socket->non_blocking(false);
        EXPECT_EQ(ctx.stats().total().enters, before);
    });
    ctx.poll();
    EXPECT_EQ(::send(peer, "x", 1, 0), 1);
    ctx.restart();
    ctx.run();
}

} // namespace

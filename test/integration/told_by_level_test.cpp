// Sockets whose peers answer, one message after the other, which epoll tells by level after a while: nothing is lost
// when they behave otherwise, and nothing spins.
#include <auraio/auraio.hpp>

#include "core/loop/outside_wait.hpp"
#include "support/ring_configurations.hpp"

#include <asio/generic/stream_protocol.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <netinet/in.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using stream = net::generic::stream_protocol;
using socket_type = net::basic_stream_socket<stream, aura::executor>;

namespace {

class ToldByLevel : public testing::TestWithParam<ring_configuration> {
protected:
    enum class kind { local, tcp };

    struct connection {
        connection(aura::io_context& ctx, kind k)
            : socket(ctx) {
            const std::array<int, 2> ends = k == kind::tcp ? tcp_ends() : local_ends();
            socket.assign(k == kind::tcp ? stream(AF_INET, IPPROTO_TCP) : stream(AF_UNIX, 0), ends[0]);
            peer = ends[1];
        }
        ~connection() { ::close(peer); }
        connection(const connection&) = delete;

        socket_type socket;
        int peer;
    };

    static std::array<int, 2> local_ends() {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        return ends;
    }
    static std::array<int, 2> tcp_ends() {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const name = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(listener, name, size), 0);
        EXPECT_EQ(::listen(listener, 1), 0);
        EXPECT_EQ(::getsockname(listener, name, &size), 0);
        const int one = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(one, name, size), 0);
        const int other = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        ::close(listener);
        return {one, other};
    }

    /// Receives what fills its buffer.
    std::string receive(connection& c, std::size_t size, int flags = 0) {
        std::string data(size, ' ');
        begin(c, data, flags);
        run_until([this] { return ended_; });
        data.resize(got_);
        return data;
    }
    void begin(connection& c, std::string& data, int flags = 0) {
        ended_ = false;
        c.socket.async_receive(net::buffer(data), flags, [this](std::error_code ec, std::size_t n) {
            error_ = ec;
            got_ = n;
            ended_ = true;
        });
    }
    static void send(connection& c, const std::string& data) {
        EXPECT_EQ(::send(c.peer, data.data(), data.size(), MSG_NOSIGNAL), static_cast<ssize_t>(data.size()));
    }
    void begin_before_data(connection& c, std::string& data);
    void answer(connection& c, int times) {
        for (int i = 0; i < times; ++i) {
            std::string data(4, ' ');
            begin(c, data);
            ctx.restart();
            ctx.poll(); // there is nothing yet
            EXPECT_FALSE(ended_);
            send(c, std::to_string(1000 + i));
            run_until([this] { return ended_; });
            EXPECT_EQ(data, std::to_string(1000 + i));
        }
    }
    template <class Condition>
    void run_until(Condition over) {
        const auto end = std::chrono::steady_clock::now() + 30s;
        while (!over() && std::chrono::steady_clock::now() < end) {
            ctx.restart();
            ctx.run_one_for(1s);
        }
        EXPECT_TRUE(over());
    }
    /// System calls of a context in which nothing happens for a while.
    std::uint64_t calls_while_idle() {
        const auto calls = [this] {
            std::uint64_t all = 0;
            for (const auto& ring : ctx.stats().rings)
                all += ring.enters;
            return all;
        };
        const std::uint64_t before = calls();
        net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>,
                                  aura::executor>
            timer(ctx, 50ms);
        bool fired = false;
        timer.async_wait([&](std::error_code) { fired = true; });
        run_until([&] { return fired; });
        return calls() - before;
    }

    aura::io_context ctx{GetParam().options()};
    std::error_code error_;
    std::size_t got_ = 0;
    bool ended_ = false;
};
INSTANTIATE_TEST_SUITE_P(Flags, ToldByLevel, testing::ValuesIn(all_rings), configuration_name);

constexpr int often = 100;
constexpr std::uint64_t few = 300; // a loop that spins makes as many in a millisecond

TEST_P(ToldByLevel, WhatIsLeftOfAMessageIsReceivedToItsEnd) {
    for (const kind k : {kind::local, kind::tcp}) {
        connection c(ctx, k);
        error_ = {};
        answer(c, often);
        std::string sent, received;
        for (int i = 0; i < 500; ++i)
            sent += std::to_string(10000 + i);
        send(c, sent);
        ::shutdown(c.peer, SHUT_WR);
        while (received.size() < sent.size() && !error_)
            received += receive(c, 4);
        EXPECT_EQ(received, sent);
        EXPECT_EQ(receive(c, 4), "");
        EXPECT_EQ(error_, net::error::eof);
        EXPECT_LT(calls_while_idle(), few) << "the end is there for good";
    }
}

TEST_P(ToldByLevel, WhatNobodyReceivesDoesNotSpin) {
    connection c(ctx, kind::tcp);
    for (int round = 0; round < 3; ++round) {
        answer(c, often);
        send(c, "left");
        EXPECT_LT(calls_while_idle(), few);
        EXPECT_EQ(receive(c, 4), "left");
    }
}

TEST_P(ToldByLevel, WhoOnlyLooksHearsOfIt) {
    connection c(ctx, kind::tcp);
    answer(c, often);
    send(c, "abcdefgh");
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(receive(c, 4, MSG_PEEK), "abcd");
    bool waited = false;
    c.socket.async_wait(socket_type::wait_read, [&](std::error_code ec) {
        EXPECT_FALSE(ec);
        waited = true;
    });
    run_until([&] { return waited; });
    EXPECT_EQ(receive(c, 4), "abcd");
    EXPECT_EQ(receive(c, 4), "efgh");
}

TEST_P(ToldByLevel, UrgentDataIsNotSpunFor) {
    connection c(ctx, kind::tcp);
    answer(c, often);
    EXPECT_EQ(::send(c.peer, "!", 1, MSG_OOB), 1);
    std::string data(4, ' ');
    begin(c, data);
    EXPECT_LT(calls_while_idle(), few);
    send(c, "line");
    run_until([this] { return ended_; });
    EXPECT_EQ(data, "line");
    answer(c, often);
}

TEST_P(ToldByLevel, SendsThatWaitForRoomGoOn) {
    connection c(ctx, kind::local);
    answer(c, often);
    const std::string much(1 << 20, 'x');
    bool sent = false;
    net::async_write(c.socket, net::buffer(much), [&](std::error_code ec, std::size_t) {
        EXPECT_FALSE(ec);
        sent = true;
    });
    std::string taken(1 << 16, ' ');
    std::size_t total = 0;
    while (total < much.size()) {
        ctx.restart();
        ctx.poll();
        const ssize_t n = ::recv(c.peer, taken.data(), taken.size(), MSG_DONTWAIT);
        total += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    run_until([&] { return sent; });
    answer(c, often);
}

TEST_P(ToldByLevel, ANumberThatWasClosedBehindTheSocketDoesNotSpin) {
    connection c(ctx, kind::local), other(ctx, kind::tcp);
    answer(c, often);
    answer(other, often);
    const int number = c.socket.native_handle();
    const int copy = ::dup(number); // the file stays open, and in the set
    ::close(number);
    send(c, "left");
    EXPECT_LT(calls_while_idle(), few);
    EXPECT_EQ(::dup2(copy, number), number); // the socket closes it
    ::close(copy);
    answer(other, often); // whose registration is another one
    std::string data(4, ' ');
    begin(other, data);
    EXPECT_LT(calls_while_idle(), few);
    send(other, "more");
    run_until([this] { return ended_; });
    EXPECT_EQ(data, "more");
}

TEST_P(ToldByLevel, NorDoesItInASetThatOthersHaveInTheirs) {
    connection c(ctx, kind::local), other(ctx, kind::tcp);
    answer(c, often);
    answer(other, often);
    const int number = c.socket.native_handle();
    const int copy = ::dup(number);
    const int filler = ::eventfd(0, EFD_CLOEXEC);
    EXPECT_EQ(::dup2(filler, number), number); // which closes it, and gives its number to nobody
    send(c, "left");
    const aura::core::outside_wait outside(*aura::detail::find_engine(ctx));
    EXPECT_LT(calls_while_idle(), few);
    EXPECT_EQ(::dup2(copy, number), number); // the socket closes it
    ::close(copy);
    ::close(filler);
    answer(other, often);
}

/// Half of a message is received: the next receive has what it needs.
void ToldByLevel::begin_before_data(connection& c, std::string& data) {
    send(c, "abcdefgh");
    EXPECT_EQ(receive(c, 4), "abcd");
    begin(c, data);
}

constexpr int rounds = 10; // of the receives by level one in 32 is tried at once

TEST_P(ToldByLevel, ASynchronousReceiveDoesNotOvertakeOneThatHasItsData) {
    for (const kind k : {kind::local, kind::tcp}) {
        for (int round = 0; round < rounds; ++round) {
            connection c(ctx, k);
            c.socket.non_blocking(true);
            answer(c, often + round * 3);
            std::string data(4, ' '), own(4, ' ');
            begin_before_data(c, data);
            std::error_code ec;
            EXPECT_EQ(c.socket.receive(net::buffer(own), 0, ec), 0U);
            EXPECT_EQ(ec, net::error::would_block);
            run_until([this] { return ended_; });
            EXPECT_EQ(data, "efgh");
        }
    }
}

TEST_P(ToldByLevel, ACloseDoesNotOvertakeAReceiveThatHasItsData) {
    for (const kind k : {kind::local, kind::tcp}) {
        for (int round = 0; round < rounds; ++round) {
            connection c(ctx, k);
            answer(c, often + round * 3);
            std::string data(4, ' ');
            begin_before_data(c, data);
            c.socket.close();
            run_until([this] { return ended_; });
            EXPECT_FALSE(error_) << error_.message();
            EXPECT_EQ(data, "efgh");
        }
    }
}

TEST_P(ToldByLevel, ASynchronousReceiveOfALaterTurnDoesNotOvertakeEither) {
    for (int round = 0; round < rounds; ++round) {
        connection c(ctx, kind::tcp);
        c.socket.non_blocking(true);
        answer(c, often + round * 3);
        std::string data(4, ' '), own(4, ' ');
        bool received = false;
        net::post(ctx, [&] {
            send(c, "abcd");
            begin(c, data);
            net::post(ctx, [&] { // the turn between looks for no events
                std::error_code ec;
                EXPECT_EQ(c.socket.receive(net::buffer(own), 0, ec), 0U);
                received = true;
            });
        });
        run_until([&] { return received && ended_; });
        EXPECT_EQ(data, "abcd");
    }
}

/// Told by edges, a stream from which less was received than asked for is not tried either.
TEST_P(ToldByLevel, NorIsAReceiveOvertakenFromAStreamThatWasDrained) {
    for (const bool closes : {false, true}) {
        connection c(ctx, kind::tcp);
        c.socket.non_blocking(true);
        for (int i = 0; i < 4; ++i) {
            send(c, "abcd");
            EXPECT_EQ(receive(c, 8), "abcd");
        }
        std::string data(4, ' '), own(4, ' ');
        send(c, "efgh");
        begin(c, data);
        std::error_code ec;
        if (closes)
            c.socket.close();
        else
            EXPECT_EQ(c.socket.receive(net::buffer(own), 0, ec), 0U);
        run_until([this] { return ended_; });
        EXPECT_FALSE(error_) << error_.message();
        EXPECT_EQ(data, "efgh");
    }
}

} // namespace

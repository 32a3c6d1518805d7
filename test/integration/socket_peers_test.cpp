// Peers that misbehave: they reset, close one direction, stall, dribble, or send more than anybody can take
// at once.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"

#include <asio/co_spawn.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;
using tcp = net::ip::tcp;
using server_socket = net::basic_stream_socket<tcp, aura::executor>;

namespace {

/// Every position of the stream has its own value, so that what is lost, doubled or misplaced shows.
char byte_at(std::size_t position) {
    return static_cast<char>((position * 0x9e3779b97f4a7c15u) >> 56);
}
std::vector<char> pattern(std::size_t size) {
    std::vector<char> all(size);
    for (std::size_t i = 0; i < size; ++i)
        all[i] = byte_at(i);
    return all;
}

template <class F>
void spawn(aura::io_context& ctx, F coroutine) {
    net::co_spawn(ctx, std::move(coroutine), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
}

/// A connection between a ring and a peer of plain blocking calls in a thread of its own.
class SocketPeers : public testing::TestWithParam<ring_configuration> {
protected:
    void SetUp() override { connect(server, peer); }
    ~SocketPeers() override { join(); }

    void connect(server_socket& one, tcp::socket& other) {
        tcp::acceptor acceptor(blocking, {net::ip::address_v4::loopback(), 0});
        one.connect(acceptor.local_endpoint());
        acceptor.accept(other);
        other.set_option(tcp::no_delay(true));
    }
    template <class F>
    void peer_does(F f) {
        thread = std::thread(std::move(f));
    }
    void join() {
        if (thread.joinable())
            thread.join();
    }

    net::io_context blocking;
    tcp::socket peer{blocking};
    aura::io_context ctx{GetParam().options()};
    server_socket server{ctx.get_executor()};
    std::thread thread;
};
INSTANTIATE_TEST_SUITE_P(Rings, SocketPeers, testing::ValuesIn(all_rings), configuration_name);

TEST_P(SocketPeers, AResetEndsWhatIsPending) {
    char data[10];
    aura::error_code read_ec, write_ec;
    std::size_t got = 0;
    std::latch reading(1);
    net::async_read(server, net::buffer(data), [&](aura::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        got = n;
        server.async_read_some(net::buffer(data), [&](aura::error_code e, std::size_t) {
            read_ec = e;
            server.async_write_some(net::buffer(data),
                                    [&](aura::error_code w, std::size_t) { write_ec = w; });
        });
        ctx.flush();
        reading.count_down();
    });
    peer_does([&] {
        net::write(peer, net::buffer(pattern(10)));
        reading.wait();
        peer.set_option(tcp::socket::linger(true, 0));
        peer.close(); // a reset, and not the end of the stream
    });
    ctx.run();
    join();
    EXPECT_EQ(got, 10u);
    EXPECT_EQ(read_ec, net::error::connection_reset);
    EXPECT_EQ(write_ec, net::error::broken_pipe); // and no SIGPIPE
}

TEST_P(SocketPeers, AHalfClosedPeerStillGetsItsAnswer) {
    const std::vector<char> question = pattern(100'000);
    std::vector<char> answer(question.size());
    peer_does([&] {
        net::write(peer, net::buffer(question));
        peer.shutdown(tcp::socket::shutdown_send);
        net::read(peer, net::buffer(answer));
        char more;
        aura::error_code ec;
        EXPECT_EQ(peer.read_some(net::buffer(&more, 1), ec), 0u);
        EXPECT_EQ(ec, net::error::eof);
    });
    spawn(ctx, [&]() -> net::awaitable<void> {
        std::vector<char> all;
        aura::error_code ec;
        co_await net::async_read(server, net::dynamic_buffer(all),
                                 net::redirect_error(net::use_awaitable, ec));
        EXPECT_EQ(ec, net::error::eof);
        co_await net::async_write(server, net::buffer(all), net::use_awaitable);
        server.shutdown(tcp::socket::shutdown_send);
    });
    ctx.run();
    join();
    EXPECT_EQ(answer, question);
}

TEST_P(SocketPeers, AStalledPeerHoldsUpNobodyElse) {
    const std::vector<char> large = pattern(16 << 20);
    server_socket second(ctx.get_executor());
    tcp::socket second_peer(blocking);
    connect(second, second_peer);
    bool written = false, written_early = false;
    std::size_t echoed = 0;
    std::latch others_done(1);
    net::async_write(server, net::buffer(large), [&](aura::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(n, large.size());
        written = true;
    });
    spawn(ctx, [&]() -> net::awaitable<void> {
        char letter;
        for (; echoed < 500; ++echoed) {
            co_await net::async_read(second, net::buffer(&letter, 1), net::use_awaitable);
            co_await net::async_write(second, net::buffer(&letter, 1), net::use_awaitable);
        }
        written_early = written;
        others_done.count_down();
    });
    peer_does([&] {
        for (int i = 0; i < 500; ++i) {
            char letter = 'x';
            net::write(second_peer, net::buffer(&letter, 1));
            net::read(second_peer, net::buffer(&letter, 1));
        }
        others_done.wait();
        std::vector<char> all(large.size());
        net::read(peer, net::buffer(all));
        EXPECT_TRUE(all == large);
    });
    ctx.run();
    join();
    EXPECT_FALSE(written_early);
    EXPECT_TRUE(written);
}

TEST_P(SocketPeers, OneByteAtATime) {
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += "line " + std::to_string(i) + " of what comes in pieces\n";
    const std::vector<char> rest = pattern(1500);
    peer_does([&] {
        for (const char c : text)
            net::write(peer, net::buffer(&c, 1));
        for (const char c : rest)
            net::write(peer, net::buffer(&c, 1));
    });
    std::string got;
    spawn(ctx, [&]() -> net::awaitable<void> {
        std::string buffered;
        for (int i = 0; i < 40; ++i) {
            const std::size_t n = co_await net::async_read_until(server, net::dynamic_buffer(buffered), '\n',
                                                                 net::use_awaitable);
            got += buffered.substr(0, n);
            buffered.erase(0, n);
        }
        std::vector<char> all(rest.size());
        std::copy(buffered.begin(), buffered.end(), all.begin());
        co_await net::async_read(server, net::buffer(all) + buffered.size(), net::use_awaitable);
        EXPECT_EQ(all, rest);
    });
    ctx.run();
    join();
    EXPECT_EQ(got, text);
}

TEST_P(SocketPeers, AHugeBurst) {
    constexpr std::size_t size = 16 << 20;
    peer_does([&] {
        const std::vector<char> all = pattern(size);
        net::write(peer, net::buffer(all));
        peer.close();
    });
    std::size_t got = 0, wrong = 0;
    spawn(ctx, [&]() -> net::awaitable<void> {
        std::vector<char> data(100'000);
        for (;;) {
            aura::error_code ec;
            const std::size_t n = co_await server.async_read_some(
                net::buffer(data), net::redirect_error(net::use_awaitable, ec));
            if (ec == net::error::eof)
                co_return;
            EXPECT_FALSE(ec) << ec.message();
            for (std::size_t i = 0; i < n; ++i)
                wrong += data[i] != byte_at(got + i);
            got += n;
        }
    });
    ctx.run();
    join();
    EXPECT_EQ(got, size);
    EXPECT_EQ(wrong, 0u);
}

} // namespace

// Sockets under fault: closing from another thread, peers that vanish, connections kept by the ring.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>

namespace net = aura::net;
using namespace test;
using tcp = net::ip::tcp;
using socket_type = net::basic_stream_socket<tcp, aura::executor>;
using acceptor_type = net::basic_socket_acceptor<tcp, aura::executor>;

namespace {

/// What the thread that drives the ring is doing meanwhile.
enum class driver_state { asleep, blocked, computing };

const char* name_of(driver_state s) {
    constexpr const char* names[] = {"asleep", "blocked", "computing"};
    return names[static_cast<int>(s)];
}

/// A thread in run(), held in a handler where the state says so.
class driven {
public:
    driven(aura::io_context& ctx)
        : work_(ctx.get_executor())
        , thread_([&ctx] { ctx.run(); }) {}
    ~driven() {
        let_go();
        work_.reset();
        thread_.join();
    }

    void enter(const aura::executor& ring, driver_state s) {
        if (s == driver_state::asleep)
            return;
        std::latch inside(1);
        net::post(ring, [this, s, &inside] {
            inside.count_down();
            if (s == driver_state::blocked)
                released_.get_future().wait();
            else
                while (!stop_.load(std::memory_order_relaxed)) {
                }
        });
        inside.wait();
    }
    void let_go() {
        if (!stop_.exchange(true))
            released_.set_value();
    }

private:
    net::executor_work_guard<aura::executor> work_;
    std::promise<void> released_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

/// Of an address of this process': others that run meanwhile are not to be given the port that has just become free.
tcp::endpoint any_port() {
    const auto host = static_cast<std::uint32_t>(::getpid()) % 0xfffff0u + 2;
    return {net::ip::address_v4(0x7f000000u | host), 0};
}

/// A blocking client outside the library.
net::ip::tcp::socket stock_client(net::io_context& ctx, const tcp::endpoint& to) {
    net::ip::tcp::socket s(ctx);
    s.connect(to);
    return s;
}

using parameters = std::tuple<ring_configuration, driver_state>;
class SocketCloseFromAfar : public testing::TestWithParam<parameters> {};

TEST_P(SocketCloseFromAfar, TheListeningPortIsFreeAtOnce) {
    const auto& [configuration, state] = GetParam();
    for (int round = 0; round < 20; ++round) {
        aura::io_context ctx(configuration.options());
        const aura::executor ring = ctx.ring_executor(0);
        driven thread(ctx);
        acceptor_type acceptor(ring, any_port());
        const tcp::endpoint where = acceptor.local_endpoint();
        std::promise<aura::error_code> ends[2];
        std::latch started(1);
        net::post(ring, [&] {
            for (auto& end : ends)
                acceptor.async_accept([&end](aura::error_code ec, auto) { end.set_value(ec); });
            started.count_down();
        });
        started.wait();
        thread.enter(ring, state);
        acceptor.close();
        acceptor_type again(ring);
        again.open(where.protocol());
        aura::error_code ec;
        const auto binds = [&] {
            again.bind(where, ec); // without reuse_address
            return !ec;
        };
        EXPECT_TRUE(at_once(binds)) << ec.message() << " in round " << round;
        thread.let_go();
        for (auto& end : ends)
            EXPECT_EQ(end.get_future().get(), net::error::operation_aborted);
    }
}

TEST_P(SocketCloseFromAfar, ThePeerSeesTheEndAtOnce) {
    const auto& [configuration, state] = GetParam();
    net::io_context stock;
    for (int round = 0; round < 20; ++round) {
        aura::io_context ctx(configuration.options());
        const aura::executor ring = ctx.ring_executor(0);
        driven thread(ctx);
        acceptor_type acceptor(ring, any_port());
        auto peer = stock_client(stock, acceptor.local_endpoint());
        socket_type socket(ring);
        acceptor.accept(socket);
        char data[16];
        std::promise<aura::error_code> end;
        std::latch started(1);
        net::post(ring, [&] {
            socket.async_read_some(net::buffer(data),
                                   [&](aura::error_code ec, std::size_t) { end.set_value(ec); });
            started.count_down();
        });
        started.wait();
        thread.enter(ring, state);
        socket.close();
        char c;
        aura::error_code ec;
        peer.read_some(net::buffer(&c, 1), ec); // bounded by the test's time-out
        EXPECT_EQ(ec, net::error::eof);
        thread.let_go();
        EXPECT_EQ(end.get_future().get(), net::error::operation_aborted);
    }
}

INSTANTIATE_TEST_SUITE_P(Rings, SocketCloseFromAfar,
                         testing::Combine(testing::ValuesIn(adoptable_rings),
                                          testing::Values(driver_state::asleep, driver_state::blocked,
                                                          driver_state::computing)),
                         [](const testing::TestParamInfo<parameters>& cell) {
                             return std::string(std::get<0>(cell.param).name) + "_" +
                                    name_of(std::get<1>(cell.param));
                         });

class SocketFaults : public testing::TestWithParam<ring_configuration> {};

TEST_P(SocketFaults, KeptConnectionsAreSeenByWaitsAndSynchronousAccepts) {
    net::io_context stock;
    aura::io_context ctx(GetParam().options());
    acceptor_type acceptor(ctx.ring_executor(0), any_port());
    std::vector<net::ip::tcp::socket> peers;
    int accepted = 0;
    acceptor.async_accept([&](aura::error_code ec, auto) {
        EXPECT_FALSE(ec) << ec.message();
        ++accepted;
    });
    ctx.poll();
    for (int i = 0; i < 4; ++i)
        peers.push_back(stock_client(stock, acceptor.local_endpoint()));
    ctx.restart();
    ctx.run();
    EXPECT_EQ(accepted, 1);
    acceptor.native_non_blocking(true); // synchronous calls block all the same
    for (int i = 0; i < 3; ++i) {
        acceptor.wait(acceptor_type::wait_read);
        socket_type s = acceptor.accept();
        EXPECT_EQ(s.remote_endpoint(), peers[static_cast<std::size_t>(i) + 1].local_endpoint());
    }
    acceptor.non_blocking(true);
    aura::error_code ec;
    (void)acceptor.accept(ec);
    EXPECT_EQ(ec, net::error::would_block);
}

TEST_P(SocketFaults, ASocketMayBeDestroyedInItsHandlerAndWritingToAResetPeerRaisesNoSignal) {
    net::io_context stock;
    aura::io_context ctx(GetParam().options());
    acceptor_type acceptor(ctx.ring_executor(0), any_port());
    auto peer = stock_client(stock, acceptor.local_endpoint());
    auto socket = std::make_unique<socket_type>(acceptor.accept());
    peer.set_option(net::socket_base::linger(true, 0));
    peer.close(); // reset
    char c = 'x';
    aura::error_code read, write;
    socket->async_read_some(net::buffer(&c, 1), [&](aura::error_code ec, std::size_t) {
        read = ec;
        socket->async_write_some(net::buffer(&c, 1), [&](aura::error_code ec2, std::size_t) {
            write = ec2;
            socket.reset();
        });
    });
    ctx.run();
    EXPECT_EQ(read, net::error::connection_reset);
    EXPECT_EQ(write, net::error::broken_pipe);
    EXPECT_FALSE(socket);
}

TEST_P(SocketFaults, ARefusedConnectSaysSo) {
    aura::io_context ctx(GetParam().options());
    tcp::endpoint where;
    {
        acceptor_type acceptor(ctx.ring_executor(0), any_port());
        where = acceptor.local_endpoint();
    }
    for (const bool non_blocking : {false, true}) {
        socket_type socket(ctx.ring_executor(0), tcp::v4());
        socket.non_blocking(non_blocking);
        aura::error_code result;
        socket.async_connect(where, [&](aura::error_code ec) { result = ec; });
        ctx.restart();
        ctx.run();
        EXPECT_EQ(result, net::error::connection_refused);
    }
}

class SocketChangesHands : public testing::TestWithParam<ring_configuration> {};

TEST_P(SocketChangesHands, ACancellationOnItsWayDoesNotReachTheNextSocket) {
    net::io_context stock;
    aura::io_context ctx(GetParam().options());
    const aura::executor ring = ctx.ring_executor(0);
    acceptor_type acceptor(ring, any_port());
    auto first_peer = stock_client(stock, acceptor.local_endpoint());
    auto socket = std::make_unique<socket_type>(acceptor.accept());
    auto second_peer = stock_client(stock, acceptor.local_endpoint());
    const int second = acceptor.accept().release();
    char c = 'x';
    first_peer.send(net::buffer(&c, 1));
    std::latch inside(1), leave(1);
    socket->async_read_some(net::buffer(&c, 1), [&](aura::error_code, std::size_t) {
        inside.count_down();
        leave.wait();
        ctx.stop();
    });
    std::thread driver([&] { ctx.run(); });
    inside.wait();
    socket->cancel(); // the driver is told, but leaves without having listened
    leave.count_down();
    driver.join();
    socket.reset(); // nobody drives the ring: done here, at once
    socket_type next(ring, tcp::v4(), second);
    aura::error_code read = net::error::would_block;
    next.async_read_some(net::buffer(&c, 1), [&](aura::error_code ec, std::size_t) { read = ec; });
    second_peer.send(net::buffer("y", 1));
    ctx.restart();
    ctx.run();
    EXPECT_FALSE(read) << read.message();
}

TEST_P(SocketChangesHands, WaitsForReadinessOutlastSynchronousAccepts) {
    net::io_context stock;
    aura::io_context ctx(GetParam().options());
    const aura::executor ring = ctx.ring_executor(0);
    driven thread(ctx);
    acceptor_type acceptor(ring, any_port());
    std::promise<aura::error_code> accepted, ready;
    acceptor.async_accept([&](aura::error_code ec, auto) { accepted.set_value(ec); });
    auto peer = stock_client(stock, acceptor.local_endpoint());
    EXPECT_FALSE(accepted.get_future().get());
    acceptor.non_blocking(true);
    acceptor.async_wait(acceptor_type::wait_read, [&](aura::error_code ec) { ready.set_value(ec); });
    for (int i = 0; i < 40; ++i) {
        aura::error_code ec;
        (void)acceptor.accept(ec);
        EXPECT_EQ(ec, net::error::would_block);
        std::promise<void> turn;
        net::post(ring, [&] { turn.set_value(); });
        turn.get_future().wait();
    }
    auto another = stock_client(stock, acceptor.local_endpoint());
    const aura::error_code result = ready.get_future().get();
    EXPECT_FALSE(result) << result.message();
}

INSTANTIATE_TEST_SUITE_P(Rings, SocketChangesHands, testing::ValuesIn(adoptable_rings), configuration_name);

INSTANTIATE_TEST_SUITE_P(Rings, SocketFaults, testing::ValuesIn(all_rings), configuration_name);

} // namespace

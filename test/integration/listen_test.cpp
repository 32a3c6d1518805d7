// aura::listen: one port, one acceptor per ring, and sessions that stay where they were accepted.
#include <auraio/auraio.hpp>

#include <gtest/gtest.h>

#include <chrono>

#include <array>
#include <atomic>
#include <barrier>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {

namespace net = aura;
using net::ip::tcp;

constexpr unsigned rings = 4;
constexpr int connections = 200;

using acceptor = net::basic_socket_acceptor<tcp::endpoint::protocol_type, net::executor>;
using socket = net::basic_stream_socket<tcp::endpoint::protocol_type, net::executor>;

struct counts {
    std::mutex mutex;
    std::set<std::thread::id> threads; // of the ring's handlers
    std::atomic<int> accepted{0};
};

/// Answers one byte, and notes the thread of each handler.
class session : public std::enable_shared_from_this<session> {
public:
    session(socket s, counts& c)
        : socket_(std::move(s))
        , counts_(c) {}

    void start() {
        note();
        socket_.async_read_some(
            net::buffer(byte_), [self = shared_from_this()](net::error_code ec, std::size_t) {
                self->note();
                if (!ec)
                    net::async_write(self->socket_, net::buffer(self->byte_),
                                     [self](net::error_code, std::size_t) { self->note(); });
            });
    }

private:
    void note() {
        std::lock_guard guard(counts_.mutex);
        counts_.threads.insert(std::this_thread::get_id());
    }
    socket socket_;
    counts& counts_;
    std::array<char, 1> byte_{};
};

void accept(acceptor& a, counts& c) {
    a.async_accept([&](net::error_code ec, socket s) {
        if (ec)
            return;
        ++c.accepted;
        std::make_shared<session>(std::move(s), c)->start();
        accept(a, c);
    });
}

TEST(Listen, EveryRingServesItsOwnConnectionsInOneThread) {
    aura::io_context_options options = aura::options_from_environment();
    options.implicit_strands =
        true; // nobody takes a ring over from the handlers that wait for each other below
    net::io_context ctx(options);
    // Every thread has a ring of its own before the rings get acceptors: each takes one of these and waits
    // for the rest.
    std::barrier all_run(rings);
    for (unsigned i = 0; i < rings; ++i)
        net::post(ctx, [&] { all_run.arrive_and_wait(); });
    auto work = net::make_work_guard(ctx);
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < rings; ++i)
        threads.emplace_back([&] { ctx.run(); });
    while (ctx.ring_count() < rings)
        std::this_thread::yield();

    auto acceptors = net::listen(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0), rings);
    ASSERT_EQ(acceptors.size(), rings);
    std::array<counts, rings> seen;
    for (unsigned i = 0; i < rings; ++i) {
        EXPECT_EQ(acceptors[i].local_endpoint(), acceptors[0].local_endpoint());
        accept(acceptors[i], seen[i]);
    }

    net::io_context client_ctx;
    for (int i = 0; i < connections; ++i) {
        tcp::socket client(client_ctx);
        client.connect(acceptors[0].local_endpoint());
        char c = 'x';
        net::write(client, net::buffer(&c, 1));
        ASSERT_EQ(net::read(client, net::buffer(&c, 1)), 1u);
    }
    for (acceptor& a : acceptors)
        net::post(a.get_executor(), [&a] { a.close(); });
    work.reset();
    threads.clear();

    int accepted = 0;
    for (counts& c : seen) {
        accepted += c.accepted;
        EXPECT_LE(c.threads.size(), 1u);
    }
    EXPECT_EQ(accepted, connections);
    EXPECT_EQ(ctx.ring_count(), rings);
    EXPECT_FALSE(ctx.stock_reactor_active());
}

TEST(Listen, OneThreadServesAllRings) {
    net::io_context ctx;
    auto acceptors = net::listen(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0), rings);
    std::array<counts, rings> seen;
    for (unsigned i = 0; i < rings; ++i)
        accept(acceptors[i], seen[i]);
    std::jthread thread([&] { ctx.run(); });
    net::io_context client_ctx;
    for (int i = 0; i < 20; ++i) {
        tcp::socket client(client_ctx);
        client.connect(acceptors[0].local_endpoint());
        char c = 'x';
        net::write(client, net::buffer(&c, 1));
        ASSERT_EQ(net::read(client, net::buffer(&c, 1)), 1u);
    }
    for (acceptor& a : acceptors)
        net::post(a.get_executor(), [&a] { a.close(); });
}

TEST(Listen, TheLoadOfARingIsVisible) {
    net::io_context ctx;
    net::steady_timer a(ctx.ring_executor(0), std::chrono::hours(1)),
        b(ctx.ring_executor(0), std::chrono::hours(1));
    net::post(ctx.ring_executor(0), [&] {
        a.async_wait([](net::error_code) {});
        b.async_wait([](net::error_code) {});
    });
    ctx.poll();
    EXPECT_EQ(ctx.ring_load(0), 2);
}

TEST(Listen, APortInUseIsAnError) {
    net::io_context ctx;
    tcp::acceptor taken(ctx, {net::ip::address_v4::loopback(), 0});
    EXPECT_THROW(net::listen(ctx, taken.local_endpoint(), rings), net::system_error);
    const int backlog = net::socket_base::max_listen_connections;
    const auto fails_at_once = [&] {
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_THROW(net::listen(ctx, taken.local_endpoint(), rings, backlog, std::chrono::milliseconds(0)),
                     net::system_error);
        return std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(100);
    };
    bool at_once = false;
    for (int i = 0; i < 10 && !at_once; ++i) // a machine that is busy is late now and then
        at_once = fails_at_once();
    EXPECT_TRUE(at_once);
}

TEST(Listen, APortThatComesFreeInTimeIsNone) {
    net::io_context ctx;
    tcp::acceptor taken(ctx, {net::ip::address_v4::loopback(), 0});
    const tcp::endpoint where = taken.local_endpoint();
    std::jthread predecessor([&] { taken.close(); }); // after the first attempt, if that was quick
    const auto acceptors =
        net::listen(ctx, where, rings, net::socket_base::max_listen_connections, std::chrono::seconds(20));
    EXPECT_EQ(acceptors.size(), rings);
}

} // namespace

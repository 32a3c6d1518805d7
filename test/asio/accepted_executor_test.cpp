// What an accept is told: tokens that keep what they are given, executors of coroutines, handlers that stay
// the caller's; and names that are found by an argument alone.
#include <support/flavour.hpp>

#include <auraio/auraio.hpp>

#include AURAIO_ASIO(bind_executor.hpp)
#include AURAIO_ASIO(co_spawn.hpp)
#include AURAIO_ASIO(detached.hpp)
#include AURAIO_ASIO(generic/seq_packet_protocol.hpp)
#include AURAIO_ASIO(strand.hpp)
#include AURAIO_ASIO(use_awaitable.hpp)

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <string>
#include <tuple>

namespace {

namespace net = aura;
namespace stock = aura::net; // asio, or boost::asio
using net::ip::tcp;
using test::error_code;

struct Accepting : ::testing::Test {
    net::io_context ctx;
    tcp::acceptor acceptor{ctx, {net::ip::address_v4::loopback(), 0}};
    tcp::socket client{ctx};

    void SetUp() override { client.connect(acceptor.local_endpoint()); }
};

TEST_F(Accepting, TakesDeferredTokens) {
    int accepted = 0;
    tcp::endpoint peer;
    const auto count = [&](error_code ec, auto socket) {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_TRUE(socket.is_open());
        static_assert(aura::detail::ring_executor<typename decltype(socket)::executor_type>);
        ++accepted;
    };
    std::vector<tcp::socket> more;
    for (int i = 0; i < 5; ++i)
        more.emplace_back(ctx).connect(acceptor.local_endpoint());
    acceptor.async_accept(test::deferred)(count);
    acceptor.async_accept(peer, test::deferred)(count);
    acceptor.async_accept(ctx, test::deferred)(count);
    acceptor.async_accept(ctx.get_executor(), test::deferred)(count);
    acceptor.async_accept(ctx, peer, test::deferred)(count);
    acceptor.async_accept(net::make_strand(ctx), peer, test::deferred)(count);
    ctx.run();
    EXPECT_EQ(accepted, 6);
    EXPECT_EQ(peer.address(), net::ip::address_v4::loopback());
}

TEST_F(Accepting, TakesTuples) {
    bool accepted = false;
    acceptor.async_accept(test::as_tuple([&](std::tuple<error_code, tcp::socket> result) {
        EXPECT_FALSE(std::get<0>(result));
        accepted = std::get<1>(result).is_open();
    }));
    ctx.run();
    EXPECT_TRUE(accepted);
}

TEST_F(Accepting, DefersWithoutAToken) {
#if AURAIO_TEST_ASIO_VERSION < 103300
    GTEST_SKIP() << "this Asio's default token is none; deferred came with 1.33";
#else
    bool accepted = false;
    acceptor.async_accept()([&](error_code ec, tcp::socket s) { accepted = !ec && s.is_open(); });
    ctx.run();
    EXPECT_TRUE(accepted);
#endif
}

TEST_F(Accepting, LeavesALvalueHandlerAsItIs) {
    int calls = 0;
    std::function<void(error_code, tcp::socket)> handler = [&](error_code, tcp::socket) { ++calls; };
    acceptor.async_accept(handler);
    acceptor.async_accept(ctx, handler);
    ASSERT_TRUE(handler);
    tcp::socket second(ctx);
    second.connect(acceptor.local_endpoint());
    ctx.run();
    EXPECT_EQ(calls, 2);
}

#if defined(AURAIO_HAS_CO_AWAIT)
TEST_F(Accepting, OnACoroutinesExecutorGivesOurs) {
    tcp::socket second(ctx), third(ctx), fourth(ctx);
    for (auto* s : {&second, &third, &fourth})
        s->connect(acceptor.local_endpoint());
    bool done = false;
    net::co_spawn(
        ctx,
        [&]() -> net::awaitable<void> {
            auto e = co_await net::this_coro::executor;
            tcp::socket a = co_await acceptor.async_accept(e, net::use_awaitable);
            auto b = co_await acceptor.async_accept(net::make_strand(e), net::use_awaitable);
            static_assert(std::is_same_v<decltype(b), tcp::socket>);
            tcp::endpoint peer;
            auto c = co_await acceptor.async_accept(e, peer, net::use_awaitable);
            auto d = acceptor.accept(e);
            static_assert(std::is_same_v<decltype(d), tcp::socket>);
            EXPECT_TRUE(a.is_open() && b.is_open() && c.is_open() && d.is_open());
            const auto n = co_await client.async_write_some(net::buffer("abc", 3), net::use_awaitable);
            char bytes[4];
            EXPECT_EQ(co_await a.async_read_some(net::buffer(bytes), net::use_awaitable), n);
            done = true;
        },
        net::detached);
    ctx.run();
    EXPECT_TRUE(done);
    EXPECT_FALSE(ctx.stock_reactor_active());
}
#endif

TEST_F(Accepting, OnAnExecutorThatLeadsElsewhereThrowsAtOnce) {
    const stock::any_io_executor elsewhere{stock::system_executor()};
    EXPECT_THROW(acceptor.async_accept(elsewhere, [](error_code, tcp::socket) { FAIL(); }),
                 test::system_error);
    EXPECT_THROW(acceptor.accept(elsewhere), test::system_error);
    ctx.run();
}

/// A handler bound to a strand of a type-erased executor, whatever is being waited for.
template <class Any>
void runs_in_strand() {
    net::io_context ctx;
    stock::strand<Any> strand{Any(ctx.get_executor())};
    int calls = 0;
    auto in_strand = stock::bind_executor(strand, [&](auto&&...) {
        EXPECT_TRUE(strand.running_in_this_thread());
        ++calls;
    });
    net::steady_timer timer(ctx, std::chrono::milliseconds(1));
    timer.async_wait(in_strand);
    tcp::acceptor acceptor(ctx, {net::ip::address_v4::loopback(), 0});
    acceptor.async_accept(in_strand);
    tcp::socket client(ctx);
    client.async_connect(acceptor.local_endpoint(), in_strand);
    net::async_unlink(ctx, "no such file", in_strand);
    net::stream_file file(ctx);
    char byte;
    file.async_read_some(net::buffer(&byte, 1), in_strand);
    ctx.run();
    EXPECT_EQ(calls, 5);
}

TEST(StrandOfAnyExecutor, RunsHandlers) {
    runs_in_strand<stock::any_io_executor>();
    runs_in_strand<net::any_io_executor>();
}

TEST(ArgumentDependentLookup, FindsOneFunction) {
    net::io_context ctx;
    auto strand = make_strand(ctx);
    static_assert(std::is_same_v<decltype(strand), net::strand<net::io_context::executor_type>>);
    auto guard = make_work_guard(ctx);
    int ran = 0;
    post(ctx, [&] { ++ran; });
    dispatch(ctx, [&] { ++ran; });
    defer(strand, [&] { ++ran; });
    char memory[64];
    {
        auto registration = register_buffers(ctx, net::buffer(memory));
        EXPECT_EQ(registration.size(), 1u);
    }
    guard.reset();
    ctx.run();
    EXPECT_EQ(ran, 3);
}

TEST(ContextArgument, StandsForItsExecutor) {
    net::io_context ctx;
    std::vector<int> errors;
    const auto remember = [&](error_code ec) { errors.push_back(ec.value()); };
    net::async_unlink(ctx, "/no such directory/file", remember);
    net::async_rename(ctx, "/no such directory/file", "/no such directory/other", remember);
    net::async_mkdir(ctx, "/no such directory/new", remember);
    ctx.run();
    EXPECT_EQ(errors, (std::vector<int>{ENOENT, ENOENT, ENOENT}));
}

TEST(ContextArgument, LeavesALvalueHandlerAsItIs) {
    net::io_context ctx;
    int calls = 0;
    std::function<void(error_code)> handler = [&](error_code) { ++calls; };
    std::function<void(error_code, std::size_t)> transfer_handler = [&](error_code, std::size_t) { ++calls; };
    net::async_unlink(ctx, "/no such directory/file", handler);
    net::random_access_file file(ctx);
    file.async_sync_all(handler);
    file.async_close(handler);
    char byte;
    file.async_read_some_at(0, net::buffer(&byte, 1), transfer_handler);
    EXPECT_TRUE(handler && transfer_handler);
    ctx.run();
    EXPECT_EQ(calls, 4);
}

} // namespace

// using namespace aura: every name means ours where there is one of ours, and Asio's elsewhere.
#include <auraio/auraio.hpp>

#if AURAIO_ASIO_VERSION >= 102400 // before, it wants Boost.Coroutine
#include AURAIO_ASIO(spawn.hpp)   // not within all of Asio, and after it
#endif

#include <gtest/gtest.h>

#include <chrono>
#include <type_traits>

#if defined(AURAIO_EVERY_NAME)

using namespace aura;

namespace inside {
using namespace aura::ip;
using namespace aura::posix;
static_assert(std::is_same_v<tcp, aura::ip::tcp> && std::is_same_v<udp, aura::ip::udp>);
static_assert(std::is_same_v<address, aura::net::ip::address>);
static_assert(std::is_same_v<stream_descriptor, aura::posix::stream_descriptor>);
} // namespace inside
namespace inside_local {
using namespace aura::local;
static_assert(std::is_same_v<stream_protocol, aura::local::stream_protocol>);
} // namespace inside_local
namespace inside_generic {
using namespace aura::generic;
static_assert(std::is_same_v<stream_protocol, aura::generic::stream_protocol>);
} // namespace inside_generic

namespace {

static_assert(std::is_same_v<io_context, aura::io_context>);
static_assert(!std::is_same_v<io_context, aura::net::io_context>);
static_assert(std::is_same_v<execution_context, aura::net::execution_context>);
#if AURAIO_ASIO_VERSION >= 102400
static_assert(std::is_same_v<aura::yield_context, aura::net::yield_context>);
#endif

TEST(UsingNamespace, FindsOneOfEachName) {
    io_context ctx;
    ip::tcp::acceptor acceptor(ctx, {ip::address_v4::loopback(), 0});
    ip::tcp::socket client(ctx), accepted(ctx);
    client.connect(acceptor.local_endpoint());
    acceptor.accept(accepted);
    steady_timer timer(ctx, std::chrono::milliseconds(1));
    int done = 0;
    timer.async_wait(bind_executor(make_strand(ctx), [&](error_code ec) { done += !ec; }));
    char bytes[3];
    async_write(client, buffer("abc", 3), [&](error_code ec, std::size_t) { done += !ec; });
    async_read(accepted, buffer(bytes), transfer_all(), [&](error_code ec, std::size_t) { done += !ec; });
    post(ctx, [&] { ++done; });
#if defined(AURAIO_HAS_CO_AWAIT)
    co_spawn(
        ctx,
        [&]() -> awaitable<void> {
            steady_timer pause(co_await this_coro::executor, std::chrono::milliseconds(1));
            co_await pause.async_wait(use_awaitable);
            ++done;
        },
        detached);
    ctx.run();
    EXPECT_EQ(done, 5);
#else
    ctx.run();
    EXPECT_EQ(done, 4);
#endif
    EXPECT_FALSE(ctx.stock_reactor_active());
}

} // namespace

#else

TEST(UsingNamespace, FindsOneOfEachName) {
    GTEST_SKIP() << "the names of this version of Asio are known one by one only, as aura::name";
}

#endif

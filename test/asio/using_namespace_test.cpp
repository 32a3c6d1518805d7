// using namespace aura: every name means ours where there is one of ours, and Asio's elsewhere.
#define AURAIO_USING_NAMESPACE
#include <auraio/detail/config.hpp>

#include <gtest/gtest.h>

#if AURAIO_ASIO_VERSION / 100 == 1022 || AURAIO_ASIO_VERSION / 100 == 1026 ||                                \
    AURAIO_ASIO_VERSION / 100 == 1034 || AURAIO_ASIO_VERSION / 100 == 1038
#include <auraio/auraio.hpp>

#include <chrono>
#include <type_traits>

using namespace aura;

namespace {

static_assert(std::is_same_v<io_context, aura::io_context>);
static_assert(!std::is_same_v<io_context, aura::net::io_context>);
static_assert(std::is_same_v<execution_context, aura::net::execution_context>);

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
    GTEST_SKIP() << "auraio.hpp knows the names of this version of Asio only one by one, as aura::name";
}

#endif

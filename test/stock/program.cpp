// program: what a program that has been swapped sees with AURAIO_STOCK; all public headers stand before it.
#include <cstdio>
#include <type_traits>

#if !defined(AURAIO_STOCK)
#error "this is for AURAIO_STOCK"
#endif

using namespace aura;

static_assert(std::is_same_v<aura::io_context, asio::io_context>);
static_assert(std::is_same_v<io_context, asio::io_context>);
static_assert(std::is_same_v<aura::ip::tcp::socket, asio::ip::tcp::socket>);
static_assert(std::is_same_v<aura::steady_timer, asio::steady_timer>);
static_assert(std::is_same_v<aura::any_io_executor, asio::any_io_executor>);
static_assert(std::is_same_v<aura::executor, asio::io_context::executor_type>);
static_assert(std::is_same_v<error_code, asio::error_code>);

int main() {
    aura::io_context ctx;
    aura::strand<aura::executor> strand = aura::make_strand(ctx.get_executor());
    int ran = 0;
    aura::post(strand, [&] { ++ran; });
    aura::steady_timer timer(ctx, std::chrono::milliseconds(1));
    timer.async_wait([&](aura::error_code ec) { ran += !ec; });
    ctx.run();
    std::printf("%d handlers\n", ran);
    return ran == 2 ? 0 : 1;
}

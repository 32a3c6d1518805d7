// beside_asio: <aura.hpp> and <auraio/auraio.hpp> in one source file, in one program: one namespace, no name twice.
#include <aura.hpp>
#include <auraio/auraio.hpp>

#include <gtest/gtest.h>

#include <chrono>

using namespace std::chrono_literals;

namespace with_directive {

using namespace aura;

// What is Asio's there stays so, and what is here is found.
using tcp_socket = ip::tcp::socket;
Task<int> answer(Engine& engine) {
    co_await engine.async_timeout(1ms);
    co_return 42;
}

} // namespace with_directive

TEST(BesideAsio, BothRunInOneProgram) {
    aura::io_context context;
    aura::steady_timer timer(context, 1ms);
    bool fired = false;
    timer.async_wait([&](aura::error_code ec) { fired = !ec; });
    context.run();
    EXPECT_TRUE(fired);

    aura::Engine engine;
    EXPECT_EQ(engine.block_on(with_directive::answer(engine)), 42);
}

TEST(BesideAsio, AnEngineIsServedByAnIoContext) {
    aura::io_context context;
    aura::Engine engine;
    aura::posix::stream_descriptor ready(context, ::dup(engine.poll_fd()));
    bool fired = false;
    engine.timeout(1ms, [&] { fired = true; });
    engine.flush();
    const std::function<void(aura::error_code)> serve = [&](aura::error_code ec) {
        ASSERT_FALSE(ec);
        engine.poll();
        if (!fired)
            ready.async_wait(aura::posix::stream_descriptor::wait_read, serve);
    };
    ready.async_wait(aura::posix::stream_descriptor::wait_read, serve);
    context.run();
    EXPECT_TRUE(fired);
}

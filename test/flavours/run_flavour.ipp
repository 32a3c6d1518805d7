// What both halves run: a post and a timer on an io_context. AURAIO_TEST_RUN names the function.
#include <auraio/auraio.hpp>

#include <chrono>

int AURAIO_TEST_RUN() {
    int handlers = 0;
    aura::io_context context;
    aura::net::post(context, [&handlers] { ++handlers; });
    aura::steady_timer timer(context, std::chrono::milliseconds(1));
    timer.async_wait([&handlers](const auto& error) { handlers += error ? 0 : 1; });
    context.run();
    return handlers;
}

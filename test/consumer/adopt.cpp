// A user of adopt mode: the program names Asio's own classes, and they live on the rings.
#include <asio.hpp>
#include <auraio/io_context.hpp>

int main() {
    aura::io_context context;
    asio::steady_timer timer(context, std::chrono::milliseconds(1));
    bool fired = false;
    timer.async_wait([&fired](const std::error_code& error) { fired = !error; });
    context.run();
    return fired && !context.stock_reactor_active() ? 0 : 1;
}

// Ends on SIGINT or SIGTERM: no new connections, those that are open may finish, for a while.
// graceful_shutdown [PORT]
#include <auraio/auraio.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace net = aura;
using net::ip::tcp;

namespace {

net::awaitable<void> session(tcp::socket s) {
    net::error_code ec;
    for (std::array<char, 4096> data; !ec;) {
        const std::size_t n =
            co_await s.async_read_some(net::buffer(data), net::redirect_error(net::use_awaitable, ec));
        if (!ec)
            co_await net::async_write(s, net::buffer(data, n), net::redirect_error(net::use_awaitable, ec));
    }
}

net::awaitable<void> listen(tcp::acceptor& acceptor, int& sessions) {
    net::error_code ec;
    while (!ec) {
        tcp::socket s = co_await acceptor.async_accept(net::redirect_error(net::use_awaitable, ec));
        if (ec)
            break;
        ++sessions;
        net::co_spawn(acceptor.get_executor(), session(std::move(s)),
                      [&](const std::exception_ptr&) { --sessions; });
    }
}

} // namespace

int main(int argc, char** argv) {
    net::io_context ctx(1); // one ring: the count of sessions needs no lock
    const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    tcp::acceptor acceptor(ctx, {tcp::v4(), port});
    int sessions = 0;
    net::co_spawn(ctx, listen(acceptor, sessions), net::detached);

    net::signal_set signals(ctx, SIGINT, SIGTERM);
    net::steady_timer patience(ctx);
    signals.async_wait([&](net::error_code, int) {
        std::cout << "closing, " << sessions << " open" << std::endl;
        acceptor.close();
        patience.expires_after(std::chrono::seconds(5));
        patience.async_wait([&](net::error_code ec) {
            if (!ec)
                ctx.stop(); // whoever is still there is cut off
        });
        net::co_spawn(
            ctx,
            [&]() -> net::awaitable<void> {
                net::steady_timer look(ctx);
                while (sessions != 0) {
                    look.expires_after(std::chrono::milliseconds(10));
                    co_await look.async_wait(net::use_awaitable);
                }
                patience.cancel();
            },
            net::detached);
    });
    std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
    ctx.run();
    std::cout << "closed" << std::endl;
}

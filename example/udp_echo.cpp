// A UDP echo server: every datagram goes back to where it came from. udp_echo [PORT]
#include <auraio/auraio.hpp>

#include <array>
#include <cstdlib>
#include <iostream>

namespace net = aura;
using net::ip::udp;

namespace {

net::awaitable<void> echo(udp::socket& socket) {
    udp::endpoint peer;
    for (std::array<char, 65536> data;;) {
        const std::size_t n = co_await socket.async_receive_from(net::buffer(data), peer, net::use_awaitable);
        co_await socket.async_send_to(net::buffer(data, n), peer, net::use_awaitable);
    }
}

} // namespace

int main(int argc, char** argv) {
    net::io_context ctx;
    const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    udp::socket socket(ctx, udp::endpoint(udp::v4(), port));
    std::cout << "listening on " << socket.local_endpoint().port() << std::endl;
    net::co_spawn(ctx, echo(socket), net::detached);
    ctx.run();
}

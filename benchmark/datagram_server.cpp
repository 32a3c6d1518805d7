// A UDP echo server as one writes it on Asio, callbacks or coroutines: one source for all libraries and
// backends.
#include "support/contender.hpp"
#include "support/served_load.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace benchmark;
using net::ip::udp;

using datagram_socket = net::basic_datagram_socket<udp, io_executor>;

struct echo {
    datagram_socket socket;
    std::vector<std::byte> data;
    udp::endpoint from{};

    void receive() {
        socket.async_receive_from(net::buffer(data), from, [this](const error_code& error, std::size_t got) {
            if (error)
                fail("async_receive_from: " + error.message());
            send(got);
        });
    }

    void send(std::size_t size) {
        socket.async_send_to(net::buffer(data.data(), size), from,
                             [this](const error_code& error, std::size_t) {
                                 if (error)
                                     fail("async_send_to: " + error.message());
                                 receive();
                             });
    }
};

net::awaitable<void, io_executor> answer(echo& server) {
    constexpr net::use_awaitable_t<io_executor> token{};
    for (;;) {
        const std::size_t got =
            co_await server.socket.async_receive_from(net::buffer(server.data), server.from, token);
        co_await server.socket.async_send_to(net::buffer(server.data.data(), got), server.from, token);
    }
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    const bool coroutines = args.text("style", "callbacks") == "coroutines";
    const std::string hint = args.text("hint", "1");
    return run_under_load(args, [&](const served_socket& what) {
        const auto context = make_context(hint);
        echo server{datagram_socket(*context, udp::v4(), what.fd), std::vector<std::byte>(what.message_size)};
        if (coroutines)
            net::co_spawn(context->get_executor(), answer(server), net::detached);
        else
            server.receive();
        context->run();
        fail("the context has run out of work");
    });
}

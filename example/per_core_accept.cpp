// One acceptor per ring on one port (SO_REUSEPORT): connections never change rings. per_core_accept [PORT
// [THREADS]]
#include <auraio/auraio.hpp>
#include <auraio/run_on_each_cpu.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace net = aura;
using net::ip::tcp;

namespace {

template <class Socket>
net::awaitable<void, net::executor> session(Socket s) {
    constexpr net::use_awaitable_t<net::executor> token;
    try {
        for (std::array<char, 4096> data;;) {
            const std::size_t n = co_await s.async_read_some(net::buffer(data), token);
            co_await net::async_write(s, net::buffer(data, n), token);
        }
    } catch (const net::system_error&) { // the peer has gone
    }
}

template <class Acceptor>
net::awaitable<void, net::executor> serve(Acceptor& a) { // typed: executors of one word
    for (;;) {
        auto s = co_await a.async_accept(net::use_awaitable_t<net::executor>());
        auto executor = s.get_executor();
        net::co_spawn(executor, session(std::move(s)), net::detached);
    }
}

} // namespace

int main(int argc, char** argv) {
    const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    const auto rings = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : net::usable_cpu_count();
    net::io_context ctx;
    auto acceptors = net::listen(ctx, tcp::endpoint(tcp::v4(), port), rings);
    std::cout << "listening on " << acceptors.front().local_endpoint().port() << std::endl;
    for (auto& a : acceptors)
        net::co_spawn(a.get_executor(), serve(a), net::detached);

    net::run_on_each_cpu(ctx, {.threads = rings, .pin = true});
}

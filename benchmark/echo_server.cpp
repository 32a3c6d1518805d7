// An echo server as one writes it on Asio, callbacks or coroutines, TCP or UDP: one source for all libraries
// and backends.
#include "support/affinity.hpp"
#include "support/contender.hpp"
#include "support/served_load.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace benchmark;
using net::ip::tcp;

// What the server does with a message.
struct service {
    std::size_t message_size;
    std::chrono::microseconds work; // computed for each: what a server does beside moving bytes

    void compute() const {
        if (work.count() == 0)
            return;
        const auto end = std::chrono::steady_clock::now() + work;
        while (std::chrono::steady_clock::now() < end) {
        }
    }
};

struct settings {
    bool coroutines;
    std::uint64_t threads;
    std::string hint;
    unsigned batch; // auraio: requests submitted together at most; 0: the library finds out
};

// What the sockets are templates of: the context's own executor, or the one that Asio's plain names have.
template <typename Executor>
struct sockets {
    using executor = Executor;
    using stream = net::basic_stream_socket<tcp, Executor>;
    using acceptor = net::basic_socket_acceptor<tcp, Executor>;
    template <typename T = void>
    using awaitable = net::awaitable<T, Executor>;
    static constexpr net::use_awaitable_t<Executor> use_awaitable{};
};

template <typename Socket>
void set_no_delay(Socket& socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
}

// ---- callbacks ----

template <typename Sockets>
class session {
public:
    session(typename Sockets::stream socket, const service& what)
        : socket_(std::move(socket))
        , service_(what)
        , data_(what.message_size) {
        set_no_delay(socket_);
    }

    // Owns itself: it ends with its connection.
    void read() {
        socket_.async_read_some(net::buffer(data_), [this](const error_code& error, std::size_t got) {
            if (error)
                delete this;
            else
                write(got);
        });
    }

private:
    void write(std::size_t size) {
        service_.compute();
        net::async_write(socket_, net::buffer(data_.data(), size),
                         [this](const error_code& error, std::size_t) {
                             if (error)
                                 delete this;
                             else
                                 read();
                         });
    }

    typename Sockets::stream socket_;
    const service& service_;
    std::vector<std::byte> data_;
};

template <typename Sockets>
void accept_next(typename Sockets::acceptor& acceptor, const service& what) {
    acceptor.async_accept([&](const error_code& error, typename Sockets::stream socket) {
        if (!error)
            (new session<Sockets>(std::move(socket), what))->read();
        accept_next<Sockets>(acceptor, what);
    });
}

// ---- coroutines ----

template <typename Sockets>
typename Sockets::template awaitable<> talk(typename Sockets::stream socket, const service& what) {
    constexpr auto& token = Sockets::use_awaitable;
    set_no_delay(socket);
    std::vector<std::byte> data(what.message_size);
    try {
        for (;;) {
            const std::size_t got = co_await socket.async_read_some(net::buffer(data), token);
            what.compute();
            co_await net::async_write(socket, net::buffer(data.data(), got), token);
        }
    } catch (const std::exception&) {
        // The connection has ended.
    }
}

template <typename Sockets>
typename Sockets::template awaitable<> listen(typename Sockets::acceptor& acceptor, const service& what) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(Sockets::use_awaitable);
        auto executor = socket.get_executor();
        net::co_spawn(executor, talk<Sockets>(std::move(socket), what), net::detached);
    }
}

// ---- the server ----

void run_threads(io::io_context& context, std::uint64_t threads) {
    std::vector<std::thread> others;
    for (unsigned place = 1; place < threads; ++place)
        others.emplace_back([&context, place] {
            pin_this_thread(place);
            context.run();
        });
    context.run();
    fail("the context has run out of work");
}

template <typename Sockets>
void serve(int listening, const service& what, const settings& how) {
    const auto context = how.threads > 1 ? std::make_unique<io::io_context>(static_cast<int>(how.threads))
                                         : make_context(how.hint);
#if defined(BENCHMARK_AURAIO)
    context->set_batch_threshold(how.batch);
#endif
    typename Sockets::acceptor acceptor(*context, tcp::v4(), listening);
    if (how.coroutines)
        net::co_spawn(context->get_executor(), listen<Sockets>(acceptor, what), net::detached);
    else
        accept_next<Sockets>(acceptor, what);
    run_threads(*context, how.threads);
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    const settings how{args.text("style", "callbacks") == "coroutines", args.number("threads", 1),
                       args.text("hint", "1"), static_cast<unsigned>(args.number("batch", 0))};
    const std::chrono::microseconds work(args.number("work_us", 0));
    const std::string executor = args.text("executor", "typed");
    return run_under_load(args, [&](const served_socket& socket) {
        const service what{socket.message_size, work};
        if (executor == "typed")
            return serve<sockets<io_executor>>(socket.fd, what, how);
#if !defined(BENCHMARK_AURAIO)
        if (executor == "any")
            return serve<sockets<net::any_io_executor>>(socket.fd, what, how);
#endif
        fail("executor is typed or, for Asio, any");
    });
}

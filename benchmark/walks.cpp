// The walks of doc/architecture.md, so many times each, for counting their instructions: walks.sh.
#include "support/arguments.hpp"
#include "support/contender.hpp"
#include "support/failure.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace benchmark;
using net::ip::tcp;

std::int64_t left; // of all that are in flight

void post_next(io::io_context& context) {
    net::post(context, [&context] {
        if (--left > 0)
            post_next(context);
    });
}

void wait_next(io::steady_timer& timer) {
    timer.expires_after(std::chrono::seconds(0)); // in the past when it is looked at
    timer.async_wait([&timer](const error_code&) {
        if (--left > 0)
            wait_next(timer);
    });
}

#if defined(BENCHMARK_AURAIO)
constexpr std::size_t block = 4096;

void read_next(io::random_access_file& file, std::byte* buffer, std::uint64_t offset) {
    file.async_read_some_at(offset, net::buffer(buffer, block),
                            [&file, buffer, offset](const error_code& error, std::size_t size) {
                                if (error || size != block)
                                    fail("read");
                                if (--left > 0)
                                    read_next(file, buffer, offset);
                            });
}
#endif

// Both ends of a connection: 64 bytes there and back.
class echo_pair {
public:
    explicit echo_pair(io::io_context& context)
        : client_(context)
        , server_(context) {
        net::basic_socket_acceptor<tcp, io_executor> acceptor(context, {net::ip::address_v4::loopback(), 0});
        client_.connect(acceptor.local_endpoint());
        server_ = acceptor.accept();
    }

    void serve() {
        server_.async_read_some(net::buffer(received_), [this](const error_code& error, std::size_t size) {
            if (!error)
                net::async_write(server_, net::buffer(received_, size),
                                 [this](const error_code& failed, std::size_t) {
                                     if (!failed)
                                         serve();
                                 });
        });
    }

    void ask() {
        net::async_write(client_, net::buffer(sent_), [this](const error_code& error, std::size_t) {
            if (error)
                fail("write", error.value());
            client_.async_read_some(net::buffer(sent_), [this](const error_code& failed, std::size_t size) {
                if (failed || size != sizeof sent_)
                    fail("read", failed.value());
                if (--left > 0)
                    return ask();
                server_.close();
            });
        });
    }

private:
    using socket = net::basic_stream_socket<tcp, io_executor>;

    socket client_;
    socket server_;
    char sent_[64] = {};
    char received_[64] = {};
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    const std::string walk = args.text("walk", "post");
    left = static_cast<std::int64_t>(args.number("count", 1000));
    [[maybe_unused]] const std::string path = args.text("path", "data");
    const auto depth = args.number("depth", 1);
    const auto context = make_context(args);
    args.reject_unknown();

    std::vector<std::unique_ptr<io::steady_timer>> timers;
    std::vector<std::unique_ptr<echo_pair>> pairs;
#if defined(BENCHMARK_AURAIO)
    std::vector<std::byte> buffers(depth * block);
    std::unique_ptr<io::random_access_file> file;
    if (walk == "read")
        file = std::make_unique<io::random_access_file>(*context, path, io::file_base::read_only);
#endif
    for (std::uint64_t i = 0; i < depth; ++i) {
        if (walk == "post") {
            post_next(*context);
        } else if (walk == "timer") {
            wait_next(*timers.emplace_back(std::make_unique<io::steady_timer>(*context)));
        } else if (walk == "echo") {
            echo_pair& pair = *pairs.emplace_back(std::make_unique<echo_pair>(*context));
            pair.serve();
            pair.ask();
#if defined(BENCHMARK_AURAIO)
        } else if (walk == "read") {
            read_next(*file, buffers.data() + i * block, i * block);
#endif
        } else {
            fail("walk is post, timer, read (auraio) or echo");
        }
    }
    context->run();
}

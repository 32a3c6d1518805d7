// An echo server by callbacks with nothing around it: what a program that only has sockets pulls in, by its size.
#if defined(BENCHMARK_AURAIO)
#include <auraio/auraio.hpp>
namespace io = aura;
namespace net = aura::net;
#else
#include <asio.hpp>
namespace io = asio;
namespace net = asio;
#endif

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

namespace {

using net::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket)
        : socket_(std::move(socket)) {}

    void read() {
        socket_.async_read_some(net::buffer(data_),
                                [self = shared_from_this()](const std::error_code& error, std::size_t size) {
                                    if (!error)
                                        self->write(size);
                                });
    }

private:
    void write(std::size_t size) {
        net::async_write(socket_, net::buffer(data_, size),
                         [self = shared_from_this()](const std::error_code& error, std::size_t) {
                             if (!error)
                                 self->read();
                         });
    }

    tcp::socket socket_;
    char data_[1024];
};

void accept_next(tcp::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](const std::error_code& error, tcp::socket socket) {
        if (!error)
            std::make_shared<session>(std::move(socket))->read();
        accept_next(acceptor);
    });
}

} // namespace

int main(int argc, char** argv) {
    io::io_context context(1);
    const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    tcp::acceptor acceptor(context, {net::ip::address_v4::loopback(), port});
    accept_next(acceptor);
    context.run();
}

// A chat server: what one says, all hear. One ring, so the room needs no lock. chat [PORT]
#include <auraio/auraio.hpp>

#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace net = aura;
using net::ip::tcp;

namespace {

class participant;
using room = std::set<std::shared_ptr<participant>>;

class participant : public std::enable_shared_from_this<participant> {
public:
    participant(tcp::socket s, room& r)
        : socket_(std::move(s))
        , room_(r) {}

    void join() {
        room_.insert(shared_from_this());
        read();
    }

    void hear(const std::string& line) {
        const bool idle = lines_.empty();
        lines_.push_back(line);
        if (idle)
            write();
    }

private:
    void read() {
        net::async_read_until(socket_, net::dynamic_buffer(input_, 1024), '\n',
                              [self = shared_from_this()](net::error_code ec, std::size_t n) {
                                  if (ec)
                                      return self->leave();
                                  const std::string line = self->input_.substr(0, n);
                                  self->input_.erase(0, n);
                                  for (const auto& p : self->room_)
                                      p->hear(line);
                                  self->read();
                              });
    }

    void write() {
        net::async_write(socket_, net::buffer(lines_.front()),
                         [self = shared_from_this()](net::error_code ec, std::size_t) {
                             if (ec)
                                 return self->leave();
                             self->lines_.pop_front();
                             if (!self->lines_.empty())
                                 self->write();
                         });
    }

    void leave() {
        room_.erase(shared_from_this());
        socket_.close();
    }

    tcp::socket socket_;
    room& room_;
    std::string input_;
    std::deque<std::string> lines_;
};

void accept(tcp::acceptor& acceptor, room& r) {
    acceptor.async_accept([&](net::error_code ec, tcp::socket s) {
        if (!ec)
            std::make_shared<participant>(std::move(s), r)->join();
        accept(acceptor, r);
    });
}

} // namespace

int main(int argc, char** argv) {
    net::io_context ctx(1);
    room everybody;
    const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    tcp::acceptor acceptor(ctx, {tcp::v4(), port});
    std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
    accept(acceptor, everybody);
    ctx.run();
}

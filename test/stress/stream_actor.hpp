// stream_actor: a connection whose ends read, write, half-close and vanish, and whose survivor must see the
// end.
#pragma once

#include "actor.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>

#include <array>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

/// Two connected descriptors: a pair of the UNIX domain, or a TCP connection over the loopback.
inline void connected_pair(const net::local::stream_protocol&, int (&fds)[2]) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}
inline void connected_pair(const net::ip::tcp&, int (&fds)[2]) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    auto* address = reinterpret_cast<sockaddr*>(&where);
    EXPECT_EQ(::bind(listener, address, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, address, &size), 0);
    fds[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fds[0], address, size), 0);
    fds[1] = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(fds[1], 0);
    ::close(listener);
}
inline net::ip::tcp protocol_of(const net::ip::tcp*) {
    return net::ip::tcp::v4();
}
inline net::local::stream_protocol protocol_of(const net::local::stream_protocol*) {
    return {};
}

/// Reads what is left of a connection whose other end is closed. The error it ends with; 0: the end itself.
inline int read_to_the_end(int fd) {
    char data[4096];
    for (;;) {
        const ssize_t n = ::recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EAGAIN)
            return errno;
        pollfd p{fd, POLLIN, 0};
        if (n < 0 && ::poll(&p, 1, 10'000) != 1)
            return ETIMEDOUT;
    }
}

/// One end is the library's. The other is, by chance, the library's too, or a plain descriptor outside of it.
template <class Protocol>
class stream_actor final : public actor {
    using socket_type = net::basic_stream_socket<Protocol, aura::executor>;

public:
    stream_actor(world& w, std::uint32_t seed)
        : actor(w, seed)
        , tag_(static_cast<char>(seed)) {
        out_.fill(tag_);
        connect();
    }
    ~stream_actor() override {
        near_.reset();
        survive();
    }

private:
    void connect() {
        int fds[2];
        connected_pair(protocol_of(static_cast<Protocol*>(nullptr)), fds);
        const auto protocol = protocol_of(static_cast<Protocol*>(nullptr));
        near_.emplace(executor(), protocol, fds[0]);
        if (below(2) == 0)
            far_.emplace(executor(), protocol, fds[1]);
        else
            plain_ = fds[1];
        ++counts().connections;
    }

    void act() override {
        if (ending_)
            return;
        if (!near_) {
            connect();
            return;
        }
        switch (below(64)) {
        case 0:
            near_->close();
            vanish();
            break;
        case 1:
            vanish();
            break;
        case 2:
            ::close(near_->release());
            vanish();
            break;
        case 3: {
            socket_type moved(std::move(*near_)); // pending operations move along
            *near_ = std::move(moved);
            break;
        }
        case 4:
        case 5:
            shut_down();
            break;
        case 6:
        case 7:
        case 8:
            near_->cancel();
            break;
        case 9:
        case 10:
        case 11:
            emit();
            break;
        default:
            if (far_ && below(2) == 0)
                start(*far_);
            else
                start(*near_);
            use_plain_end();
        }
    }

    void end() override {
        if (!ending_ && near_)
            vanish();
    }

    void start(socket_type& s) {
        if (pending() > 6)
            return;
        // Its own: a handler that has not run yet still has the last one.
        const auto in = std::make_shared<std::array<char, 1024>>();
        switch (below(16)) {
        case 0:
            s.async_wait(below(2) == 0 ? socket_type::wait_read : socket_type::wait_write,
                         cancellable(true, [](aura::error_code) {}));
            break;
        case 1: {
            const std::array<net::mutable_buffer, 2> two{net::buffer(*in, 16), net::buffer(*in) + 512};
            s.async_read_some(two, handle(true, [in](aura::error_code, std::size_t) {}));
            break;
        }
        case 2:
        case 3:
        case 4:
            s.async_read_some(net::buffer(*in), cancellable(true, received(in)));
            break;
        case 5:
        case 6:
        case 7:
            s.async_write_some(net::buffer(out_, below(out_.size())),
                               cancellable(true, [](aura::error_code, std::size_t) {}));
            break;
        default:
            if (below(2) == 0)
                s.async_read_some(net::buffer(*in), handle(true, received(in)));
            else
                s.async_write_some(net::buffer(out_, 1 + below(out_.size())),
                                   handle(true, [](aura::error_code, std::size_t) {}));
        }
    }
    auto received(std::shared_ptr<const std::array<char, 1024>> in) {
        return [this, in = std::move(in)](aura::error_code, std::size_t n) {
            counts().bytes += n;
            for (std::size_t i = 0; i < n; ++i)
                counts().foreign_bytes += (*in)[i] != tag_;
        };
    }

    void use_plain_end() {
        if (plain_ < 0)
            return;
        std::array<char, 4096> data;
        if (below(2) == 0)
            (void)!::recv(plain_, data.data(), data.size(), MSG_DONTWAIT);
        else
            (void)!::send(plain_, out_.data(), 1 + below(out_.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    void shut_down() {
        aura::error_code ignored; // the peer may have reset it
        near_->shutdown(below(2) == 0 ? socket_type::shutdown_send : socket_type::shutdown_both, ignored);
    }

    /// The near end goes, with whatever is pending, and the other has to notice.
    void vanish() {
        near_.reset();
        if (far_) {
            ending_ = true;
            read_to_the_end();
        } else {
            survive();
        }
    }
    void read_to_the_end() {
        far_->async_read_some(net::buffer(in_), handle(true, [this](aura::error_code ec, std::size_t) {
                                  if (!ec)
                                      return read_to_the_end();
                                  note_end(ec == net::error::eof ? 0 : ec.value());
                                  far_.reset();
                                  ending_ = false;
                              }));
    }
    void survive() {
        if (plain_ < 0)
            return;
        note_end(test::read_to_the_end(plain_));
        ::close(std::exchange(plain_, -1));
    }

    const char tag_; // all that this connection carries
    std::array<char, 1024> in_{}, out_;
    std::optional<socket_type> near_, far_;
    int plain_ = -1;
    bool ending_ = false; // the near end is gone, the far one reads
};

} // namespace test

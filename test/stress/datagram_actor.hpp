// datagram_actor: two datagram sockets that send to each other. timer_actor: waits that are cancelled and
// replaced.
#pragma once

#include "actor.hpp"

#include <asio/ip/udp.hpp>

#include <array>
#include <memory>
#include <optional>

namespace test {

class datagram_actor final : public actor {
    using udp = net::ip::udp;
    using socket_type = net::basic_datagram_socket<udp, aura::executor>;

public:
    using actor::actor;

private:
    struct side {
        std::optional<socket_type> socket;
        udp::endpoint where{net::ip::address_v4::loopback(), 9}; // until there is a better one, nobody
        udp::endpoint sender[8];                                 // of one receive each, in turn
        unsigned receives = 0;
    };

    void act() override {
        side& s = sides_[below(2)];
        if (!s.socket) {
            s.socket.emplace(executor(), udp::endpoint(net::ip::address_v4::loopback(), 0));
            s.where = s.socket->local_endpoint();
            return;
        }
        switch (below(64)) {
        case 0:
            s.socket->close();
            s.socket.reset();
            break;
        case 1:
            s.socket.reset();
            break;
        case 2: {
            socket_type moved(std::move(*s.socket));
            *s.socket = std::move(moved);
            break;
        }
        case 3:
        case 4:
            s.socket->cancel();
            break;
        case 5:
        case 6:
        case 7:
            emit();
            break;
        default:
            if (pending() < 7) // no more, so that a sender's place is free again when its turn comes
                start(s);
        }
    }

    void end() override {
        for (side& s : sides_)
            s.socket.reset();
    }

    void start(side& s) {
        // Its own: a handler that has not run yet still has the last one.
        const auto in = std::make_shared<std::array<char, 512>>();
        const auto received = [this, in](aura::error_code, std::size_t n) { counts().bytes += n; };
        switch (below(8)) {
        case 0:
            s.socket->async_receive(net::buffer(*in), cancellable(true, received));
            break;
        case 1:
            s.socket->async_wait(socket_type::wait_read, cancellable(true, [](aura::error_code) {}));
            break;
        case 2:
        case 3:
        case 4:
            s.socket->async_receive_from(net::buffer(*in), s.sender[s.receives++ % 8],
                                         handle(true, received));
            break;
        default:
            // The address may be that of a socket that is gone: then it is nobody's, or a stranger's.
            s.socket->async_send_to(net::buffer(out_, below(out_.size())), sides_[below(2)].where,
                                    cancellable(true, [](aura::error_code, std::size_t) {}));
        }
    }

    std::array<side, 2> sides_;
    std::array<char, 512> out_{};
};

class timer_actor final : public actor {
    using timer_type = net::basic_waitable_timer<std::chrono::steady_clock,
                                                 net::wait_traits<std::chrono::steady_clock>, aura::executor>;

public:
    using actor::actor;

private:
    void act() override {
        if (!timer_)
            timer_.emplace(executor());
        switch (below(16)) {
        case 0:
            timer_.reset();
            break;
        case 1:
            timer_->cancel();
            break;
        case 2:
            timer_->cancel_one();
            break;
        case 3:
            emit();
            break;
        case 4:
        case 5:
        case 6:
            timer_->expires_after(std::chrono::microseconds(below(500)));
            break;
        default:
            if (pending() < 4)
                timer_->async_wait(cancellable(true, [](aura::error_code) {}));
        }
    }
    void end() override { timer_.reset(); }

    std::optional<timer_type> timer_;
};

} // namespace test

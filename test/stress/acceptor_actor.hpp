// acceptor_actor: accepts and connects that are cancelled, closed and destroyed at every moment; each
// connection that comes about ends in the way its client announces.
#pragma once

#include "actor.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>

#include <optional>

namespace test {

/// One end of an accepted connection. A client sends a letter: 'c', and closes; or 'w', and waits for the
/// server to close.
template <class Protocol>
class session final : public actor {
public:
    using socket_type = net::basic_stream_socket<Protocol, aura::executor>;

    session(world& w, std::uint32_t seed, socket_type s)
        : actor(w, seed)
        , socket_(std::move(s)) {}

    void serve() {
        socket_.async_read_some(net::buffer(letter_), handle(true, [this](aura::error_code ec, std::size_t) {
                                    if (!ec && letter_[0] == 'c')
                                        serve();
                                    else if (ec)
                                        ended(ec);
                                    else
                                        socket_.close();
                                }));
    }
    void call() {
        letter_[0] = below(2) == 0 ? 'c' : 'w';
        const bool waits = letter_[0] == 'w';
        socket_.async_write_some(net::buffer(letter_),
                                 handle(true, [this, waits](aura::error_code ec, std::size_t) {
                                     if (waits && !ec)
                                         wait_for_end();
                                     else
                                         socket_.close();
                                 }));
    }

private:
    void act() override {}
    void end() override {}
    void wait_for_end() {
        socket_.async_read_some(net::buffer(letter_),
                                handle(true, [this](aura::error_code ec, std::size_t) { ended(ec); }));
    }
    void ended(aura::error_code ec) { note_end(ec == net::error::eof ? 0 : ec.value()); }

    socket_type socket_;
    std::array<char, 1> letter_{};
};

template <class Protocol>
class acceptor_actor final : public actor {
    using socket_type = net::basic_stream_socket<Protocol, aura::executor>;
    using acceptor_type = net::basic_socket_acceptor<Protocol, aura::executor>;
    using endpoint_type = typename Protocol::endpoint;

public:
    acceptor_actor(world& w, std::uint32_t seed)
        : actor(w, seed)
        , world_(w) {}

private:
    struct client {
        std::optional<socket_type> socket;
        bool connecting = false;
    };

    static endpoint_type anywhere() {
        if constexpr (std::is_same_v<Protocol, net::ip::tcp>)
            return {net::ip::address_v4::loopback(), 0};
        else
            return {}; // the system chooses an abstract name
    }

    void act() override {
        if (!acceptor_) {
            acceptor_.emplace(executor(), anywhere());
            where_ = acceptor_->local_endpoint();
            acceptor_->non_blocking(below(2) == 0);
            return;
        }
        client& c = clients_[below(clients_.size())];
        aura::error_code ignored;
        switch (below(128)) {
        case 0:
            acceptor_->close();
            acceptor_.reset();
            break;
        case 1:
            acceptor_.reset();
            break;
        case 2: {
            acceptor_type moved(std::move(*acceptor_));
            *acceptor_ = std::move(moved);
            break;
        }
        case 3:
        case 4:
            acceptor_->cancel();
            break;
        case 5:
        case 6:
        case 7:
        case 8:
            emit();
            break;
        case 9:
        case 10:
            if (c.socket)
                c.socket->cancel(ignored);
            break;
        case 11:
            if (c.socket)
                c.socket->close();
            break;
        case 12:
            c.socket.reset();
            break;
        case 13:
            if (!acceptor_->non_blocking())
                break;
            if (socket_type s = acceptor_->accept(ignored); s.is_open())
                serve(std::move(s));
            break;
        default:
            start(c);
        }
    }

    void end() override {
        acceptor_.reset();
        for (client& c : clients_)
            c.socket.reset();
    }

    void start(client& c) {
        if (pending() > 6)
            return;
        if (below(2) == 0)
            accept();
        else if (!c.connecting)
            connect(c);
    }

    void accept() {
        const auto accepted = [this](aura::error_code ec, socket_type s) {
            if (!ec)
                serve(std::move(s));
        };
        switch (below(4)) {
        case 0:
            acceptor_->async_accept(cancellable(true, accepted));
            break;
        case 1:
            acceptor_->async_accept(executor(), handle(true, accepted));
            break;
        case 2:
            acceptor_->async_wait(acceptor_type::wait_read, cancellable(true, [](aura::error_code) {}));
            break;
        default:
            acceptor_->async_accept(handle(true, accepted));
        }
    }

    void serve(socket_type s) {
        ++counts().connections;
        if (below(4) != 0)
            std::make_shared<session<Protocol>>(world_, below(1u << 30), std::move(s))->serve();
    }

    void connect(client& c) {
        c.socket.emplace(executor());
        if (below(4) == 0) {
            c.socket->open(where_.protocol());
            c.socket->non_blocking(true);
        }
        c.connecting = true;
        c.socket->async_connect(
            where_, cancellable(true, [this, &c](aura::error_code ec) {
                c.connecting = false;
                if (!c.socket)
                    return;
                aura::error_code gone;
                // (A port of the loopback that is free again may be connected to itself.)
                if (!ec && c.socket->is_open() && c.socket->local_endpoint(gone) != where_)
                    std::make_shared<session<Protocol>>(world_, below(1u << 30), std::move(*c.socket))
                        ->call();
                c.socket.reset();
            }));
    }

    world& world_;
    std::optional<acceptor_type> acceptor_;
    endpoint_type where_;
    std::array<client, 3> clients_;
};

} // namespace test

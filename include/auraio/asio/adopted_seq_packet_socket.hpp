// adopted_seq_packet_socket: Asio's sockets of sequenced packets over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/adopted_message_socket.hpp"
#include "auraio/asio/basic_seq_packet_socket.hpp"

AURAIO_NET_OPEN

/// Forwards everything to the native socket where the executor leads to a ring, to Asio's own otherwise.
template <class Protocol>
class basic_seq_packet_socket<Protocol, any_io_executor> : public basic_socket<Protocol, any_io_executor> {
    using base = basic_socket<Protocol, any_io_executor>;
    using error_code = aura::error_code;
    using message_flags = socket_base::message_flags;

    struct start_receive_with_flags {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& s, Handler&& handler, const Buffers& b, message_flags in,
                        message_flags* out) const {
            s.async_receive(b, in, *out, std::forward<Handler>(handler));
        }
    };
    using typename base::initiate_send;
    using initiate_receive = typename base::template initiate_transfer<start_receive_with_flags>;

public:
    using typename base::executor_type;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_seq_packet_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_seq_packet_socket(basic_seq_packet_socket&&) = default;
    basic_seq_packet_socket& operator=(basic_seq_packet_socket&&) = default;

    /// From a socket with an executor of a known type, or of another protocol: it becomes what is inside.
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_seq_packet_socket(basic_seq_packet_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::in_place, aura::detail::adopt<typename base::held>(std::move(other))) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_seq_packet_socket& operator=(basic_seq_packet_socket<OtherProtocol, OtherExecutor>&& other) {
        return *this = basic_seq_packet_socket(std::move(other));
    }
    ~basic_seq_packet_socket() = default;

    template <class Buffers>
    std::size_t send(const Buffers& b, message_flags f) {
        return this->impl_.on([&](auto& s) { return s.send(b, f); });
    }
    template <class Buffers>
    std::size_t send(const Buffers& b, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.send(b, f, ec); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags& out) {
        return this->impl_.on([&](auto& s) { return s.receive(b, out); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags in, message_flags& out) {
        return this->impl_.on([&](auto& s) { return s.receive(b, in, out); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags in, message_flags& out, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.receive(b, in, out, ec); });
    }

    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send(const Buffers& b, message_flags f, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, b, f);
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& b, message_flags& out, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const Buffers&, message_flags, message_flags*> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, b, message_flags(0), &out);
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& b, message_flags in, message_flags& out, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const Buffers&, message_flags, message_flags*> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, b, in, &out);
    }
};

AURAIO_NET_CLOSE

// basic_seq_packet_socket: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/message_socket.hpp"

#include AURAIO_ASIO(basic_seq_packet_socket.hpp)

AURAIO_NET_OPEN

/// A seq-packet socket on a ring. Interface and meaning are Asio's; see there. Order, buffers, handlers,
/// errors and cancellation are those of aura::detail::message_socket. As in Asio, the end of the connection
/// shows as a message of 0 bytes.
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_seq_packet_socket<Protocol, Executor> : public basic_socket<Protocol, Executor> {
    using base = basic_socket<Protocol, Executor>;
    using error_code = aura::error_code;
    static constexpr auto kind = aura::detail::socket_kind::message;

    using initiate_send = typename base::template initiate_transfer<false, kind>;
    using initiate_receive =
        typename base::template initiate_transfer<true, kind, aura::detail::yields_flags>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = socket_base::message_flags;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_seq_packet_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_seq_packet_socket(basic_seq_packet_socket&&) = default;
    basic_seq_packet_socket& operator=(basic_seq_packet_socket&&) = default;

    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_seq_packet_socket(basic_seq_packet_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::move(other)) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_seq_packet_socket& operator=(basic_seq_packet_socket<OtherProtocol, OtherExecutor>&& other) {
        base::operator=(std::move(other));
        return *this;
    }
    ~basic_seq_packet_socket() = default;

    template <class ConstBufferSequence>
    std::size_t send(const ConstBufferSequence& buffers, message_flags flags) {
        error_code ec;
        const std::size_t n = send(buffers, flags, ec);
        aura::detail::throw_if(ec, "send");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t send(const ConstBufferSequence& buffers, message_flags flags, error_code& ec) {
        msghdr message{};
        return this->template transfer_now<false, kind>(buffers, flags, message, ec);
    }

    template <class MutableBufferSequence>
    std::size_t receive(const MutableBufferSequence& buffers, message_flags& out_flags) {
        return receive(buffers, 0, out_flags);
    }
    template <class MutableBufferSequence>
    std::size_t receive(const MutableBufferSequence& buffers, message_flags in_flags,
                        message_flags& out_flags) {
        error_code ec;
        const std::size_t n = receive(buffers, in_flags, out_flags, ec);
        aura::detail::throw_if(ec, "receive");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t receive(const MutableBufferSequence& buffers, message_flags in_flags,
                        message_flags& out_flags, error_code& ec) {
        msghdr message{};
        const std::size_t n = this->template transfer_now<true, kind>(buffers, in_flags, message, ec);
        out_flags = ec ? 0 : message.msg_flags;
        return n;
    }

    template <class ConstBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const ConstBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, buffers, flags);
    }

    /// Receives a message, and its flags (MSG_EOR, MSG_TRUNC) into `out_flags`, which must live until the
    /// handler is called.
    template <class MutableBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, message_flags& out_flags,
                       Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags,
                                   message_flags*> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, buffers, message_flags(0),
                                                               &out_flags);
    }
    template <class MutableBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, message_flags in_flags, message_flags& out_flags,
                       Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags,
                                   message_flags*> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, buffers, in_flags, &out_flags);
    }
};

AURAIO_NET_CLOSE

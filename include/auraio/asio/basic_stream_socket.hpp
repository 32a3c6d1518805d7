// basic_stream_socket: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/asio/basic_socket.hpp"

#include AURAIO_ASIO(basic_stream_socket.hpp)

AURAIO_NET_OPEN

/// A stream socket on a ring. Interface and meaning are Asio's; see there. Any number of operations may be
/// pending at once, in either direction; those of one direction are carried out in the order they were
/// started.
///
/// Buffers must live until the handler is called, cancelled or not. The handler is never called from within
/// the initiating function. Errors are the system's, error::eof when the peer has ended its side, and
/// operation_aborted. Cancellation of reads and writes: terminal, partial, total: a cancelled one has
/// transferred nothing.
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_stream_socket<Protocol, Executor> : public basic_socket<Protocol, Executor> {
    using base = basic_socket<Protocol, Executor>;
    using error_code = aura::error_code;
    static constexpr auto kind = aura::detail::socket_kind::stream;

    using initiate_send = typename base::template initiate_transfer<false, kind>;
    using initiate_receive = typename base::template initiate_transfer<true, kind>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = socket_base::message_flags;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_stream_socket(basic_stream_socket&&) = default;
    basic_stream_socket& operator=(basic_stream_socket&&) = default;

    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_stream_socket(basic_stream_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::move(other)) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_stream_socket& operator=(basic_stream_socket<OtherProtocol, OtherExecutor>&& other) {
        base::operator=(std::move(other));
        return *this;
    }
    ~basic_stream_socket() = default;

    template <class ConstBufferSequence>
    std::size_t send(const ConstBufferSequence& buffers, message_flags flags = 0) {
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
    std::size_t receive(const MutableBufferSequence& buffers, message_flags flags = 0) {
        error_code ec;
        const std::size_t n = receive(buffers, flags, ec);
        aura::detail::throw_if(ec, "receive");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t receive(const MutableBufferSequence& buffers, message_flags flags, error_code& ec) {
        msghdr message{};
        return this->template transfer_now<true, kind>(buffers, flags, message, ec);
    }

    template <class ConstBufferSequence>
    std::size_t write_some(const ConstBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = write_some(buffers, ec);
        aura::detail::throw_if(ec, "write_some");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t write_some(const ConstBufferSequence& buffers, error_code& ec) {
        return send(buffers, 0, ec);
    }
    template <class MutableBufferSequence>
    std::size_t read_some(const MutableBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = read_some(buffers, ec);
        aura::detail::throw_if(ec, "read_some");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t read_some(const MutableBufferSequence& buffers, error_code& ec) {
        return receive(buffers, 0, ec);
    }

    /// Sends some of the first 64 non-empty buffers. Signature void(error_code, std::size_t).
    template <class ConstBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const ConstBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, buffers, message_flags(0));
    }
    template <class ConstBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const ConstBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, buffers, flags);
    }

    /// Receives at least a byte into the first 64 non-empty buffers; with no room at all it completes at
    /// once. Signature void(error_code, std::size_t).
    template <class MutableBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, buffers, message_flags(0));
    }
    template <class MutableBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, buffers, flags);
    }

    template <class ConstBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const ConstBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, buffers, message_flags(0));
    }
    template <class MutableBufferSequence, class Token = default_completion_token_t<Executor>>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, buffers, message_flags(0));
    }
};

AURAIO_NET_CLOSE

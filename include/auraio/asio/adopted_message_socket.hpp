// adopted_message_socket: Asio's datagram and raw sockets over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/adopted_socket.hpp"
#include "auraio/asio/basic_datagram_socket.hpp"
#include "auraio/asio/basic_raw_socket.hpp"

AURAIO_OPEN
namespace detail {

/// What the two have in common. Forwards everything to the native socket where the executor leads to a ring,
/// to Asio's own otherwise.
template <class Protocol>
class adopted_message_socket : public net::basic_socket<Protocol, net::any_io_executor> {
    using base = net::basic_socket<Protocol, net::any_io_executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = net::socket_base::message_flags;

private:
    struct start_send_to {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& s, Handler&& handler, const Buffers& b, message_flags f,
                        const endpoint_type& to) const {
            s.async_send_to(b, to, f, std::forward<Handler>(handler));
        }
    };
    struct start_receive_from {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& s, Handler&& handler, const Buffers& b, message_flags f,
                        endpoint_type* from) const {
            s.async_receive_from(b, *from, f, std::forward<Handler>(handler));
        }
    };
    using typename base::initiate_receive;
    using typename base::initiate_send;
    using initiate_send_to = typename base::template initiate_transfer<start_send_to>;
    using initiate_receive_from = typename base::template initiate_transfer<start_receive_from>;

public:
    template <class Buffers>
    std::size_t send(const Buffers& b, message_flags f = 0) {
        return this->impl_.on([&](auto& s) { return s.send(b, f); });
    }
    template <class Buffers>
    std::size_t send(const Buffers& b, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.send(b, f, ec); });
    }
    template <class Buffers>
    std::size_t send_to(const Buffers& b, const endpoint_type& destination, message_flags f = 0) {
        return this->impl_.on([&](auto& s) { return s.send_to(b, destination, f); });
    }
    template <class Buffers>
    std::size_t send_to(const Buffers& b, const endpoint_type& destination, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.send_to(b, destination, f, ec); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags f = 0) {
        return this->impl_.on([&](auto& s) { return s.receive(b, f); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.receive(b, f, ec); });
    }
    template <class Buffers>
    std::size_t receive_from(const Buffers& b, endpoint_type& sender, message_flags f = 0) {
        return this->impl_.on([&](auto& s) { return s.receive_from(b, sender, f); });
    }
    template <class Buffers>
    std::size_t receive_from(const Buffers& b, endpoint_type& sender, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.receive_from(b, sender, f, ec); });
    }

    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_send(const Buffers& b, message_flags f, Token&& token = Token())
        -> initiated<initiate_send, Token, const Buffers&, message_flags> {
        return initiate<initiate_send, Token>(this, token, b, f);
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_send(const Buffers& b, Token&& token = Token())
        -> initiated<initiate_send, Token, const Buffers&, message_flags> {
        return initiate<initiate_send, Token>(this, token, b, message_flags(0));
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_send_to(const Buffers& b, const endpoint_type& destination, message_flags f,
                       Token&& token = Token())
        -> initiated<initiate_send_to, Token, const Buffers&, message_flags, const endpoint_type&> {
        return initiate<initiate_send_to, Token>(this, token, b, f, destination);
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_send_to(const Buffers& b, const endpoint_type& destination, Token&& token = Token())
        -> initiated<initiate_send_to, Token, const Buffers&, message_flags, const endpoint_type&> {
        return initiate<initiate_send_to, Token>(this, token, b, message_flags(0), destination);
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& b, message_flags f, Token&& token = Token())
        -> initiated<initiate_receive, Token, const Buffers&, message_flags> {
        return initiate<initiate_receive, Token>(this, token, b, f);
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& b, Token&& token = Token())
        -> initiated<initiate_receive, Token, const Buffers&, message_flags> {
        return initiate<initiate_receive, Token>(this, token, b, message_flags(0));
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_receive_from(const Buffers& b, endpoint_type& sender, message_flags f, Token&& token = Token())
        -> initiated<initiate_receive_from, Token, const Buffers&, message_flags, endpoint_type*> {
        return initiate<initiate_receive_from, Token>(this, token, b, f, &sender);
    }
    template <class Buffers, class Token = net::default_completion_token_t<executor_type>>
    auto async_receive_from(const Buffers& b, endpoint_type& sender, Token&& token = Token())
        -> initiated<initiate_receive_from, Token, const Buffers&, message_flags, endpoint_type*> {
        return initiate<initiate_receive_from, Token>(this, token, b, message_flags(0), &sender);
    }

protected:
    using base::base;
    adopted_message_socket(adopted_message_socket&&) = default;
    adopted_message_socket& operator=(adopted_message_socket&&) = default;
    ~adopted_message_socket() = default;
};

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

template <class Protocol>
class basic_datagram_socket<Protocol, any_io_executor>
    : public aura::detail::adopted_message_socket<Protocol> {
    using base = aura::detail::adopted_message_socket<Protocol>;

public:
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_datagram_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_datagram_socket(basic_datagram_socket&&) = default;
    basic_datagram_socket& operator=(basic_datagram_socket&&) = default;

    /// From a socket with an executor of a known type, or of another protocol: it becomes what is inside.
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_datagram_socket(basic_datagram_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::in_place, aura::detail::adopt<typename base::held>(std::move(other))) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_datagram_socket& operator=(basic_datagram_socket<OtherProtocol, OtherExecutor>&& other) {
        return *this = basic_datagram_socket(std::move(other));
    }
    ~basic_datagram_socket() = default;
};

template <class Protocol>
class basic_raw_socket<Protocol, any_io_executor> : public aura::detail::adopted_message_socket<Protocol> {
    using base = aura::detail::adopted_message_socket<Protocol>;

public:
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_raw_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_raw_socket(basic_raw_socket&&) = default;
    basic_raw_socket& operator=(basic_raw_socket&&) = default;

    /// From a socket with an executor of a known type, or of another protocol: it becomes what is inside.
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_raw_socket(basic_raw_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::in_place, aura::detail::adopt<typename base::held>(std::move(other))) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_raw_socket& operator=(basic_raw_socket<OtherProtocol, OtherExecutor>&& other) {
        return *this = basic_raw_socket(std::move(other));
    }
    ~basic_raw_socket() = default;
};

AURAIO_NET_CLOSE

// basic_raw_socket: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/message_socket.hpp"

#include AURAIO_ASIO(basic_raw_socket.hpp)

AURAIO_NET_OPEN

/// A raw socket on a ring. Interface and meaning are Asio's; see there, and aura::detail::message_socket for
/// what is beyond it.
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_raw_socket<Protocol, Executor> : public aura::detail::message_socket<Protocol, Executor> {
    using base = aura::detail::message_socket<Protocol, Executor>;

public:
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_raw_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_raw_socket(basic_raw_socket&&) = default;
    basic_raw_socket& operator=(basic_raw_socket&&) = default;

    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_raw_socket(basic_raw_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::move(other)) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_raw_socket& operator=(basic_raw_socket<OtherProtocol, OtherExecutor>&& other) {
        basic_raw_socket moved(std::move(other));
        return *this = std::move(moved);
    }
    ~basic_raw_socket() = default;
};

AURAIO_NET_CLOSE

// basic_sockets: Asio's socket, acceptor and timer templates with an executor of ours as their default.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_datagram_socket.hpp"
#include "auraio/asio/basic_raw_socket.hpp"
#include "auraio/asio/basic_seq_packet_socket.hpp"
#include "auraio/asio/basic_socket_acceptor.hpp"
#include "auraio/asio/basic_stream_socket.hpp"
#include "auraio/asio/basic_waitable_timer.hpp"

AURAIO_OPEN

template <class Protocol, class Executor = any_io_executor>
using basic_socket = net::basic_socket<Protocol, Executor>;
template <class Protocol, class Executor = any_io_executor>
using basic_stream_socket = net::basic_stream_socket<Protocol, Executor>;
template <class Protocol, class Executor = any_io_executor>
using basic_datagram_socket = net::basic_datagram_socket<Protocol, Executor>;
template <class Protocol, class Executor = any_io_executor>
using basic_seq_packet_socket = net::basic_seq_packet_socket<Protocol, Executor>;
template <class Protocol, class Executor = any_io_executor>
using basic_raw_socket = net::basic_raw_socket<Protocol, Executor>;
template <class Protocol, class Executor = any_io_executor>
using basic_socket_acceptor = net::basic_socket_acceptor<Protocol, Executor>;
template <class Clock, class WaitTraits = net::wait_traits<Clock>, class Executor = any_io_executor>
using basic_waitable_timer = net::basic_waitable_timer<Clock, WaitTraits, Executor>;

AURAIO_CLOSE

#endif

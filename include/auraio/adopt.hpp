// adopt: plain asio::ip::tcp::socket & co. become native wherever their executor leads to an
// aura::io_context.
#pragma once

// A property of the whole program: in every translation unit, before the first use of a socket. The targets
// auraio::adopt and auraio::boost_adopt see to both; link one of them instead of including this.
#if !defined(AURAIO_ADOPT)
#error                                                                                                       \
    "auraio: <auraio/adopt.hpp> concerns a whole program: link auraio::adopt (or auraio::boost_adopt) instead"
#endif

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/detail/every_name.hpp"

#if !defined(AURAIO_ASIO_HEADER_ONLY)
#error "auraio: adopt mode cannot be combined with separately compiled Asio, which was compiled without it"
#endif

#include "auraio/asio/adopted_acceptor.hpp"
#include "auraio/asio/adopted_deadline_timer.hpp"
#include "auraio/asio/adopted_descriptor.hpp"
#include "auraio/asio/adopted_message_socket.hpp"
#include "auraio/asio/adopted_pipe.hpp"
#include "auraio/asio/adopted_resolver.hpp"
#include "auraio/asio/adopted_seq_packet_socket.hpp"
#include "auraio/asio/adopted_serial_port.hpp"
#include "auraio/asio/adopted_signal_set.hpp"
#include "auraio/asio/adopted_socket.hpp"
#include "auraio/asio/adopted_timer.hpp"
#include "auraio/auraio.hpp"

#endif

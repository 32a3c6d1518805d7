// auraio: everything, Asio included: `namespace net = aura;` needs no other header (Beast: its own). Narrower
// headers compile faster.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/detail/config.hpp"

#include AURAIO_ASIO_EVERYTHING

#include "auraio/detail/every_name.hpp" // before what brings the names

#include "auraio/any_io_executor.hpp"
#include "auraio/awaitable.hpp"
#include "auraio/basic_socket_iostream.hpp"
#include "auraio/basic_sockets.hpp"
#include "auraio/buffer_pool.hpp"
#include "auraio/deadline_timer.hpp"
#include "auraio/filesystem.hpp"
#include "auraio/generic/datagram_protocol.hpp"
#include "auraio/generic/raw_protocol.hpp"
#include "auraio/generic/seq_packet_protocol.hpp"
#include "auraio/generic/stream_protocol.hpp"
#include "auraio/io_context.hpp"
#include "auraio/ip/basic_resolver.hpp"
#include "auraio/ip/icmp.hpp"
#include "auraio/ip/tcp.hpp"
#include "auraio/ip/udp.hpp"
#include "auraio/listen.hpp"
#include "auraio/local/datagram_protocol.hpp"
#include "auraio/local/stream_protocol.hpp"
#include "auraio/log.hpp"
#include "auraio/namespace.hpp"
#include "auraio/pipe.hpp"
#include "auraio/posix/stream_descriptor.hpp"
#include "auraio/prometheus.hpp"
#include "auraio/random_access_file.hpp"
#include "auraio/registered_buffers.hpp"
#include "auraio/registered_files.hpp"
#include "auraio/run_on_each_cpu.hpp"
#include "auraio/serial_port.hpp"
#include "auraio/signal_set.hpp"
#include "auraio/stats.hpp"
#include "auraio/steady_timer.hpp"
#include "auraio/stream_file.hpp"

#include "auraio/detail/asio_names.hpp" // after everything

#endif

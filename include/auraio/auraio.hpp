// auraio: everything, Asio included: `namespace net = aura;` needs no other header. Narrower headers compile
// faster.
#pragma once

#include "auraio/detail/config.hpp"

#include AURAIO_ASIO_EVERYTHING

// For programs that say `using namespace aura;`: define AURAIO_USING_NAMESPACE before the first header of
// auraio, and every name of Asio's is declared in aura by itself, see detail/asio_names.hpp.
#if defined(AURAIO_USING_NAMESPACE)
#if !defined(AURAIO_HAS_CO_AWAIT) || !defined(AURAIO_HAS_PIPE) || !defined(AURAIO_HAS_TS_EXECUTORS) ||       \
    !defined(AURAIO_HAS_DEPRECATED) ||                                                                       \
    !(AURAIO_ASIO_VERSION / 100 == 1022 || AURAIO_ASIO_VERSION / 100 == 1026 ||                              \
      AURAIO_ASIO_VERSION / 100 == 1034 || AURAIO_ASIO_VERSION / 100 == 1038)
#error                                                                                                       \
    "auraio: AURAIO_USING_NAMESPACE is for Asio 1.22, 1.26, 1.34 or 1.38 with its settings as they come: else qualify"
#endif
#endif

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
#include "auraio/ip/icmp.hpp"
#include "auraio/ip/tcp.hpp"
#include "auraio/ip/udp.hpp"
#include "auraio/listen.hpp"
#include "auraio/local/datagram_protocol.hpp"
#include "auraio/local/stream_protocol.hpp"
#include "auraio/namespace.hpp"
#include "auraio/pipe.hpp"
#include "auraio/posix/stream_descriptor.hpp"
#include "auraio/random_access_file.hpp"
#include "auraio/registered_buffers.hpp"
#include "auraio/registered_files.hpp"
#include "auraio/signal_set.hpp"
#include "auraio/steady_timer.hpp"
#include "auraio/stream_file.hpp"

#if defined(AURAIO_USING_NAMESPACE)
#include "auraio/detail/asio_names.hpp"
#endif

// serial_port: asio::serial_port on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_serial_port.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#if defined(AURAIO_HAS_SERIAL_PORT)
AURAIO_OPEN

template <class Executor = any_io_executor>
using basic_serial_port = net::basic_serial_port<Executor>;

using serial_port = basic_serial_port<>;

AURAIO_CLOSE
#endif

#endif

// pipe: readable_pipe and writable_pipe, Asio's on the rings; asio::connect_pipe() makes pairs of them.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_readable_pipe.hpp"
#include "auraio/asio/basic_writable_pipe.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(connect_pipe.hpp)

#if defined(AURAIO_HAS_PIPE)
AURAIO_OPEN

template <class Executor = any_io_executor>
using basic_readable_pipe = net::basic_readable_pipe<Executor>;
template <class Executor = any_io_executor>
using basic_writable_pipe = net::basic_writable_pipe<Executor>;

using readable_pipe = basic_readable_pipe<>;
using writable_pipe = basic_writable_pipe<>;

AURAIO_CLOSE
#endif

#endif

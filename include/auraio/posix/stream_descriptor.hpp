// posix::stream_descriptor: asio::posix::stream_descriptor on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_stream_descriptor.hpp"
#include "auraio/io_context.hpp"
#include "auraio/namespace.hpp"

AURAIO_OPEN
namespace posix {

template <class Executor = any_io_executor>
using basic_descriptor = net::posix::basic_descriptor<Executor>;
template <class Executor = any_io_executor>
using basic_stream_descriptor = net::posix::basic_stream_descriptor<Executor>;

using descriptor = basic_descriptor<>;
using stream_descriptor = basic_stream_descriptor<>;

} // namespace posix
AURAIO_CLOSE

#endif

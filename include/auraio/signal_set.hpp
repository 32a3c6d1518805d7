// signal_set: asio::signal_set on the rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_signal_set.hpp"
#include "auraio/io_context.hpp"

AURAIO_OPEN

template <class Executor = any_io_executor>
using basic_signal_set = net::basic_signal_set<Executor>;

using signal_set = basic_signal_set<>;

AURAIO_CLOSE

#endif

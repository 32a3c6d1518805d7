// deadline_timer: timers for times of Boost.DateTime on aura::io_context, where Asio has them.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_deadline_timer.hpp"
#include "auraio/io_context.hpp"

#if defined(AURAIO_HAS_DEADLINE_TIMER)
AURAIO_OPEN

template <class Time, class TimeTraits = net::time_traits<Time>, class Executor = any_io_executor>
using basic_deadline_timer = net::basic_deadline_timer<Time, TimeTraits, Executor>;

/// Waits for a point of the wall clock (UTC).
using deadline_timer = basic_deadline_timer<boost::posix_time::ptime>;

AURAIO_CLOSE
#endif

#endif

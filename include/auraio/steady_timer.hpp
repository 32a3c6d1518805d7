// steady_timer, system_timer, high_resolution_timer: timers on aura::io_context.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_waitable_timer.hpp"
#include "auraio/io_context.hpp"

AURAIO_OPEN

using steady_timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                               net::wait_traits<std::chrono::steady_clock>, any_io_executor>;

/// Waits for a point of the wall clock. Looks at the clock at least every five minutes, in case it is set.
using system_timer = net::basic_waitable_timer<std::chrono::system_clock,
                                               net::wait_traits<std::chrono::system_clock>, any_io_executor>;

using high_resolution_timer =
    net::basic_waitable_timer<std::chrono::high_resolution_clock,
                              net::wait_traits<std::chrono::high_resolution_clock>, any_io_executor>;

// All that a timer takes, on the stack and on the heap, stays within two cache lines where its executor is
// one word.
#if !defined(AURAIO_TRACKS_HANDLERS)
static_assert(sizeof(net::basic_waitable_timer<std::chrono::steady_clock,
                                               net::wait_traits<std::chrono::steady_clock>, executor>) +
                  sizeof(detail::waitable_timer<std::chrono::steady_clock, steady_timer::traits_type>) <=
              128);
#endif

AURAIO_CLOSE

#endif

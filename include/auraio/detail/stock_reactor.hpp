// stock_reactor: whether Asio has started a thread, or its own event loop, on a context.
#pragma once

#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(execution_context.hpp)

// The first of Asio's own objects on an execution_context that is not Asio's brings in its scheduler, and one
// that does I/O or waits a reactor beside it, under names of asio::detail that have not changed from 1.22 to
// 1.38. Nothing but this diagnosis depends on them.
#if !defined(AURA_NO_ASIO_DETAIL)
// In this order: Asio 1.22's reactor does not compile before its scheduler.
#include AURAIO_ASIO(detail/scheduler.hpp)

#include AURAIO_ASIO(detail/reactor.hpp)
#if defined(AURAIO_HAS_STOCK_IO_URING)
#include AURAIO_ASIO(detail/io_uring_service.hpp)
#endif
#endif

AURAIO_OPEN
namespace detail {

/// Asio's thread, whatever it is there for.
inline bool has_stock_scheduler([[maybe_unused]] net::execution_context& c) {
#if !defined(AURA_NO_ASIO_DETAIL)
    return net::has_service<net::detail::scheduler>(c);
#else
    return false;
#endif
}

/// What Asio waits for descriptors and timers with.
inline bool has_stock_reactor([[maybe_unused]] net::execution_context& c) {
#if !defined(AURA_NO_ASIO_DETAIL)
#if defined(AURAIO_HAS_STOCK_IO_URING)
    if (net::has_service<net::detail::io_uring_service>(c))
        return true;
#endif
    return net::has_service<net::detail::reactor>(c);
#else
    return false;
#endif
}

} // namespace detail
AURAIO_CLOSE

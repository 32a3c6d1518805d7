// stock_reactor: whether Asio has started its own event loop on a context.
#pragma once

#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(execution_context.hpp)

// The first of Asio's own I/O objects on an execution_context that is not Asio's brings in its scheduler,
// under a name of asio::detail that has not changed from 1.22 to 1.38. Nothing but this diagnosis depends on
// it.
#if !defined(AURA_NO_ASIO_DETAIL)
#include AURAIO_ASIO(detail/scheduler.hpp)
#endif

AURAIO_OPEN
namespace detail {

inline bool has_stock_reactor([[maybe_unused]] net::execution_context& c) {
#if !defined(AURA_NO_ASIO_DETAIL)
    return net::has_service<net::detail::scheduler>(c);
#else
    return false;
#endif
}

} // namespace detail
AURAIO_CLOSE

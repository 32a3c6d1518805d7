// stock: where there are no rings, namespace aura is Asio under the same names, by its headers alone.
#pragma once

#include "auraio/detail/config.hpp"

// AURAIO_STOCK is for programs that are built elsewhere as well: on systems other than Linux it is set by itself. Every
// public header then stands for all of Asio, and nothing is linked. What exists only on the rings (ring_executor(),
// registered buffers, the context's options and statistics, files where Asio has none) is absent; listen(), which
// programs call from generic code, says why.
#if defined(AURAIO_STOCK)

#include "auraio/namespace.hpp"

#include AURAIO_ASIO_EVERYTHING

AURAIO_OPEN

/// The type of executors that programs name: here the context's own.
using executor = net::io_context::executor_type;

namespace detail {
template <class...>
constexpr bool on_rings() {
    return false;
}
} // namespace detail

template <class... Args>
void listen(Args&&...) {
    static_assert(
        detail::on_rings<Args...>(),
        "auraio: listen() makes one acceptor per ring, and AURAIO_STOCK has no rings: use Asio's acceptor");
}

AURAIO_CLOSE

#endif

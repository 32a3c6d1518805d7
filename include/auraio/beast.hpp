// beast: Boost.Beast under the name aura::beast, with its streams on the rings. Boost flavour only.
#pragma once

#include "auraio/auraio.hpp"

#if !defined(AURAIO_HAS_BEAST)
#error "auraio: <auraio/beast.hpp> needs the Boost flavour: link auraio::boost"
#endif

#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>

AURAIO_OPEN
namespace beast {

using namespace ::boost::beast;

#if !defined(AURAIO_STOCK)
/// Beast's basic_stream with ours as the default executor; its timers live on the rings as well.
template <class Protocol, class Executor = any_io_executor,
          class RatePolicy = ::boost::beast::unlimited_rate_policy>
using basic_stream = ::boost::beast::basic_stream<Protocol, Executor, RatePolicy>;

using tcp_stream = basic_stream<net::ip::tcp>;
#endif

} // namespace beast
AURAIO_CLOSE

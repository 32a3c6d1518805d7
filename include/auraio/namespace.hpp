// namespace: `namespace net = aura;` — all of Asio under the name aura, with what is native to the rings in
// its place.
#pragma once

#include "auraio/detail/config.hpp"

// Qualified names are looked up here first and, where nothing is declared here, in Asio: what these
// namespaces declare hides Asio's. Every namespace of Asio's that ours opens as well needs a line.
AURAIO_NET_OPEN
namespace ip {}
namespace local {}
namespace generic {}
namespace posix {}
namespace detail {}
AURAIO_NET_CLOSE

AURAIO_OPEN
#if !defined(AURAIO_EVERY_NAME) // see there; auraio.hpp says it
#define AURAIO_NAMES_BY_DIRECTIVE
using namespace net;
namespace ip {
using namespace net::ip;
}
namespace local {
using namespace net::local;
}
namespace generic {
using namespace net::generic;
}
namespace posix {
using namespace net::posix;
}
#endif
// For programs that reach into Asio's: detail::socket_option is how options get a name that Asio has none
// for. What aura::detail declares itself is ours, and none of theirs to use.
namespace detail {
using namespace net::detail;
}
AURAIO_CLOSE

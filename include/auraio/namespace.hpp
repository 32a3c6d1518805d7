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
AURAIO_NET_CLOSE

AURAIO_OPEN
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
AURAIO_CLOSE

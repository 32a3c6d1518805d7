// basic_resolver: Asio's resolver template with an executor of ours as its default.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/asio/basic_resolver.hpp"

AURAIO_OPEN
namespace ip {

template <class InternetProtocol, class Executor = any_io_executor>
using basic_resolver = net::ip::basic_resolver<InternetProtocol, Executor>;

} // namespace ip
AURAIO_CLOSE

#endif

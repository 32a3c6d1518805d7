// config: the only file that knows which Asio this is: standalone, or Boost's with AURAIO_FLAVOUR_BOOST
// defined; adopted, with AURAIO_ADOPT defined, or not; with handlers tracked, which makes objects larger, or
// not. Our symbols carry all three in the name of their inline namespace, so that a program which mixes
// settings where it must not fails to link.
#pragma once

// Before any header of Asio's: Asio 1.22 decides between std::aligned_alloc() and operator new by what
// standard headers it has seen, and what one translation unit allocates another may free.
#include <cstddef>

// The rings are Linux's; see detail/stock.hpp.
#if !defined(__linux__) && !defined(AURAIO_STOCK)
#define AURAIO_STOCK
#endif

// What cannot work says so here, once, and what to do; doc/compatibility.md has a table of all settings.
#if !defined(AURAIO_STOCK)
#if !defined(__cplusplus) || __cplusplus < 202002L
#error                                                                                                       \
    "auraio: C++20 is needed: compile with -std=c++20 or later (the C library, <auraio/aura.h>, needs none)"
#endif
#if defined(__clang__) && __clang_major__ < 16
#error "auraio: Clang 16 or later is needed, or GCC 12 or later"
#endif
#if !defined(__cpp_exceptions)
#error "auraio: exceptions are needed: remove -fno-exceptions, or use the C library, <auraio/aura.h>"
#endif
#if defined(ASIO_USE_TS_EXECUTOR_AS_DEFAULT) || defined(BOOST_ASIO_USE_TS_EXECUTOR_AS_DEFAULT)
#error "auraio: objects need executors that answer queries: remove (BOOST_)ASIO_USE_TS_EXECUTOR_AS_DEFAULT"
#endif
#endif

// A target that links both flavours has both definitions; each of its source files says by what it includes
// before this which it means.
#if defined(AURAIO_FLAVOUR_BOOST) && defined(AURAIO_FLAVOUR_STANDALONE)
#if defined(BOOST_ASIO_DETAIL_CONFIG_HPP) && !defined(ASIO_DETAIL_CONFIG_HPP)
#undef AURAIO_FLAVOUR_STANDALONE
#elif defined(ASIO_DETAIL_CONFIG_HPP) && !defined(BOOST_ASIO_DETAIL_CONFIG_HPP)
#undef AURAIO_FLAVOUR_BOOST
#else
#error "auraio: this target links both flavours: include <asio.hpp> or <boost/asio.hpp>, one of them, first"
#endif
#endif

#if defined(AURAIO_FLAVOUR_BOOST)
#if defined(AURAIO_FLAVOUR_STANDALONE_SEEN)
#error "auraio: standalone Asio and Boost.Asio cannot be mixed in one translation unit; give each its own"
#endif
#define AURAIO_FLAVOUR_BOOST_SEEN
#include <boost/asio/detail/config.hpp>
#include <boost/asio/version.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#define AURAIO_ASIO_VERSION BOOST_ASIO_VERSION
#define AURAIO_ASIO(header) <boost/asio/header>
#define AURAIO_ASIO_EVERYTHING <boost/asio.hpp>
#define AURAIO_NET_OPEN namespace boost::asio {
#define AURAIO_HAS_BEAST // Boost's neighbour of this flavour
#define AURAIO_NET_CLOSE }
#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING) || defined(BOOST_ASIO_CUSTOM_HANDLER_TRACKING)
#define AURAIO_TRACKS_HANDLERS
#endif
#if defined(AURAIO_STOCK)
#define AURAIO_FLAVOUR boost_asio_stock
#elif defined(AURAIO_ADOPT) && defined(AURAIO_TRACKS_HANDLERS)
#define AURAIO_FLAVOUR boost_asio_adopt_tracked
#elif defined(AURAIO_ADOPT)
#define AURAIO_FLAVOUR boost_asio_adopt
#elif defined(AURAIO_TRACKS_HANDLERS)
#define AURAIO_FLAVOUR boost_asio_tracked
#else
#define AURAIO_FLAVOUR boost_asio
#endif
#if !defined(BOOST_ASIO_NO_TS_EXECUTORS)
#define AURAIO_HAS_TS_EXECUTORS
#endif
#if !defined(BOOST_ASIO_NO_DEPRECATED)
#define AURAIO_HAS_DEPRECATED
#endif
#if defined(BOOST_ASIO_HAS_CO_AWAIT)
#define AURAIO_HAS_CO_AWAIT
#endif
#if defined(BOOST_ASIO_HAS_BOOST_DATE_TIME)
#define AURAIO_HAS_DATE_TIME
#endif
#if defined(BOOST_ASIO_HAS_IO_URING)
#define AURAIO_HAS_STOCK_IO_URING
#endif
#if defined(BOOST_ASIO_INLINE_NAMESPACE_BEGIN) // since Asio 1.36
#define AURAIO_NET_INLINE_OPEN BOOST_ASIO_INLINE_NAMESPACE_BEGIN
#define AURAIO_NET_INLINE_CLOSE BOOST_ASIO_INLINE_NAMESPACE_END
#else
#define AURAIO_NET_INLINE_OPEN
#define AURAIO_NET_INLINE_CLOSE
#endif
#if !defined(BOOST_ASIO_NO_IOSTREAM)
#define AURAIO_HAS_IOSTREAM
#endif
#if defined(BOOST_ASIO_HAS_LOCAL_SOCKETS)
#define AURAIO_HAS_LOCAL_SOCKETS
#endif
#if defined(BOOST_ASIO_HAS_PIPE)
#define AURAIO_HAS_PIPE
#endif
#if defined(BOOST_ASIO_HAS_SERIAL_PORT)
#define AURAIO_HAS_SERIAL_PORT
#endif
#if defined(BOOST_ASIO_HEADER_ONLY) // false also with BOOST_ASIO_DYN_LINK
#define AURAIO_ASIO_HEADER_ONLY
#endif
#if defined(BOOST_ASIO_NO_TYPEID)
#define AURAIO_NO_TYPEID
#endif
#define AURAIO_ASIO_MACRO(name) BOOST_ASIO_##name
namespace boost::asio {}
namespace aura {
inline namespace AURAIO_FLAVOUR {
namespace net = ::boost::asio;
using error_code = ::boost::system::error_code;
using system_error = ::boost::system::system_error;
using error_category = ::boost::system::error_category;
using error_condition = ::boost::system::error_condition;
namespace detail {
inline const error_category& generic_category() {
    return ::boost::system::generic_category();
}
} // namespace detail
} // namespace AURAIO_FLAVOUR
} // namespace aura

#else

#if defined(AURAIO_FLAVOUR_BOOST_SEEN)
#error "auraio: standalone Asio and Boost.Asio cannot be mixed in one translation unit; give each its own"
#endif
#define AURAIO_FLAVOUR_STANDALONE_SEEN
#include <asio/version.hpp>
// Asio 1.22 knows coroutines of Clang only under their experimental name, which Clang has dropped. (Too late
// where Asio came first: such a translation unit has none, as with Asio alone.)
#if ASIO_VERSION < 102400 && defined(__clang__) && defined(__cpp_impl_coroutine) &&                          \
    !defined(ASIO_DETAIL_CONFIG_HPP) && !defined(ASIO_DISABLE_CO_AWAIT)
#if !defined(ASIO_HAS_CO_AWAIT)
#define ASIO_HAS_CO_AWAIT 1
#endif
#if !defined(ASIO_HAS_STD_COROUTINE)
#define ASIO_HAS_STD_COROUTINE 1
#endif
#endif
#include <asio/detail/config.hpp>
#include <asio/error_code.hpp>
#include <asio/system_error.hpp>
#define AURAIO_ASIO_VERSION ASIO_VERSION
#define AURAIO_ASIO(header) <asio/header>
#define AURAIO_ASIO_EVERYTHING <asio.hpp>
#define AURAIO_NET_OPEN namespace asio {
#define AURAIO_HAS_THREAD // a class that Boost leaves to Boost.Thread
#define AURAIO_NET_CLOSE }
#if defined(ASIO_ENABLE_HANDLER_TRACKING) || defined(ASIO_CUSTOM_HANDLER_TRACKING)
#define AURAIO_TRACKS_HANDLERS
#endif
#if defined(AURAIO_STOCK)
#define AURAIO_FLAVOUR std_asio_stock
#elif defined(AURAIO_ADOPT) && defined(AURAIO_TRACKS_HANDLERS)
#define AURAIO_FLAVOUR std_asio_adopt_tracked
#elif defined(AURAIO_ADOPT)
#define AURAIO_FLAVOUR std_asio_adopt
#elif defined(AURAIO_TRACKS_HANDLERS)
#define AURAIO_FLAVOUR std_asio_tracked
#else
#define AURAIO_FLAVOUR std_asio
#endif
#if !defined(ASIO_NO_TS_EXECUTORS)
#define AURAIO_HAS_TS_EXECUTORS
#endif
#if !defined(ASIO_NO_DEPRECATED)
#define AURAIO_HAS_DEPRECATED
#endif
#if defined(ASIO_HAS_CO_AWAIT)
#define AURAIO_HAS_CO_AWAIT
#endif
#if defined(ASIO_HAS_BOOST_DATE_TIME)
#define AURAIO_HAS_DATE_TIME
#endif
#if defined(ASIO_HAS_IO_URING)
#define AURAIO_HAS_STOCK_IO_URING
#endif
#if defined(ASIO_INLINE_NAMESPACE_BEGIN) // since Asio 1.36
#define AURAIO_NET_INLINE_OPEN ASIO_INLINE_NAMESPACE_BEGIN
#define AURAIO_NET_INLINE_CLOSE ASIO_INLINE_NAMESPACE_END
#else
#define AURAIO_NET_INLINE_OPEN
#define AURAIO_NET_INLINE_CLOSE
#endif
#if !defined(ASIO_NO_IOSTREAM)
#define AURAIO_HAS_IOSTREAM
#endif
#if defined(ASIO_HAS_LOCAL_SOCKETS)
#define AURAIO_HAS_LOCAL_SOCKETS
#endif
#if defined(ASIO_HAS_PIPE)
#define AURAIO_HAS_PIPE
#endif
#if defined(ASIO_HAS_SERIAL_PORT)
#define AURAIO_HAS_SERIAL_PORT
#endif
#if defined(ASIO_HEADER_ONLY) // false also with ASIO_DYN_LINK
#define AURAIO_ASIO_HEADER_ONLY
#endif
#if defined(ASIO_NO_TYPEID)
#define AURAIO_NO_TYPEID
#endif
#define AURAIO_ASIO_MACRO(name) ASIO_##name
namespace asio {}
namespace aura {
inline namespace AURAIO_FLAVOUR {
namespace net = ::asio;
using error_code = ::asio::error_code;
using system_error = ::asio::system_error;
using error_category = ::asio::error_category;
using error_condition = ::std::error_condition;
namespace detail {
inline const error_category& generic_category() {
    return ::std::generic_category();
}
} // namespace detail
} // namespace AURAIO_FLAVOUR
} // namespace aura
#endif

static_assert(AURAIO_ASIO_VERSION >= 102201, "auraio needs Asio 1.22.1 or later, or Boost 1.81 or later");

// What our own symbols are declared in: both flavours link into one program, core exists once.
#define AURAIO_OPEN                                                                                          \
    namespace aura {                                                                                         \
    inline namespace AURAIO_FLAVOUR {
#define AURAIO_CLOSE                                                                                         \
    }                                                                                                        \
    }

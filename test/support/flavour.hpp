// flavour: one spelling for what standalone Asio and Boost.Asio, old and new, spell differently.
#pragma once

#if __has_include("auraio/auraio.hpp")
#define AURAIO_TEST_HAS_AURA 1
#include "auraio/auraio.hpp"
#else
#define AURAIO_TEST_HAS_AURA 0
#endif

#include <utility>

#if defined(AURAIO_FLAVOUR_BOOST)
#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#define AURAIO_TEST_ASIO_VERSION BOOST_ASIO_VERSION
namespace test {
namespace net = ::boost::asio;
using error_code = ::boost::system::error_code;
using system_error = ::boost::system::system_error;
inline const auto& generic_category = ::boost::system::generic_category;
} // namespace test
#else
#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/parallel_group.hpp>
#define AURAIO_TEST_ASIO_VERSION ASIO_VERSION
#if ASIO_VERSION < 102400
#include <asio/experimental/append.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/experimental/prepend.hpp>
#endif
namespace test {
namespace net = ::asio;
using error_code = ::asio::error_code;
using system_error = ::asio::system_error;
inline const auto& generic_category = ::std::generic_category;
} // namespace test
#endif

namespace test {

#if AURAIO_TEST_ASIO_VERSION < 102400
using net::experimental::append;
using net::experimental::as_tuple;
using net::experimental::deferred;
using net::experimental::prepend;
#else
using net::append;
using net::as_tuple;
using net::deferred;
using net::prepend;
#endif

/// executor.execute(function), which older versions hide behind a customisation point. (That point would find
/// a function called execute here by its argument's namespace.)
template <class Executor, class Function>
void execute_on(const Executor& executor, Function function) {
#if AURAIO_TEST_ASIO_VERSION < 102400
    net::execution::execute(executor, std::move(function));
#else
    executor.execute(std::move(function));
#endif
}

} // namespace test

// initiate: what initiating functions share: starting waits and requests with a handler.
#pragma once

#include "auraio/detail/cancellation.hpp"
#include "auraio/detail/wait_op.hpp"

#include AURAIO_ASIO(async_result.hpp)
#include AURAIO_ASIO(execution/executor.hpp)
#include AURAIO_ASIO(execution_context.hpp)
#include AURAIO_ASIO(is_executor.hpp)

AURAIO_OPEN
namespace detail {

/// What functions take to say where: an executor, or a context in its place.
template <class T>
concept any_executor = net::execution::is_executor<T>::value || net::is_executor<T>::value;
template <class T>
concept any_context = std::is_convertible_v<T&, net::execution_context&>;

/// An execution context whose executor an object on Executor can be built from.
template <class Context, class Executor>
concept context_for = std::is_convertible_v<Context&, net::execution_context&> &&
                      std::is_constructible_v<Executor, typename Context::executor_type>;

/// The shard an executor leads to: directly, or through Asio's wrappers around ours.
template <ring_executor E>
core::shard& shard_for(const E& e) {
    return placement(e.query(ring_t{})).choose();
}

/// Checks at compile time what Asio checks of a handler, with its words.
template <class Handler, class... Args>
constexpr void check_handler() {
    static_assert(std::is_invocable_v<std::decay_t<Handler>&, Args...> ||
                      std::is_invocable_v<std::decay_t<Handler>, Args...>,
                  "the completion handler cannot be called with the operation's completion signature");
}

} // namespace detail
AURAIO_CLOSE

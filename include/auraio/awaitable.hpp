// awaitable: Asio's coroutine type under the name aura.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/namespace.hpp"

#include AURAIO_ASIO(awaitable.hpp)
#include AURAIO_ASIO(use_awaitable.hpp)

#if defined(AURAIO_HAS_CO_AWAIT)
AURAIO_OPEN

namespace detail {
/// A coroutine's default executor stays Asio's any_io_executor, also where a program spells it out as aura's.
template <class Executor>
using coroutine_executor =
    std::conditional_t<std::same_as<Executor, any_io_executor>, net::any_io_executor, Executor>;
} // namespace detail

template <class T, class Executor = net::any_io_executor>
using awaitable = net::awaitable<T, detail::coroutine_executor<Executor>>;

template <class Executor = net::any_io_executor>
using use_awaitable_t = net::use_awaitable_t<detail::coroutine_executor<Executor>>;

AURAIO_CLOSE
#endif

#endif

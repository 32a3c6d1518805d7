// any_io_executor: Asio's type-erased executor, which knows that it leads to a ring.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/detail/ring_of.hpp"

#include <concepts>
#include <cstddef>
#include <new>
#include <utility>

AURAIO_OPEN

/// The executor of aura::ip::tcp::socket and of everything else that Asio has over its any_io_executor: any
/// executor of an aura::io_context goes in, whatever it is wrapped in. Being a type of its own is what makes
/// those objects live on the rings; it converts to and from Asio's any_io_executor, and copies as cheaply.
///
/// An object that is built on one which does not lead to an aura::io_context throws system_error
/// (operation_not_supported).
class any_io_executor : public net::any_io_executor {
    using base = net::any_io_executor;

public:
    any_io_executor() noexcept = default;
    any_io_executor(std::nullptr_t) noexcept {}
    any_io_executor(const net::any_io_executor& e) noexcept
        : base(e) {}
    any_io_executor(net::any_io_executor&& e) noexcept
        : base(std::move(e)) {}
    template <class E>
        requires(!std::derived_from<E, net::any_io_executor> && std::constructible_from<base, E>)
    any_io_executor(E e)
        : base(std::move(e)) {}

    /// Where Asio has them (since 1.24): empty instead of an exception when there is no memory.
    any_io_executor(std::nothrow_t, const any_io_executor& e) noexcept
        : base(e) {}
    any_io_executor(std::nothrow_t, any_io_executor&& e) noexcept
        : base(static_cast<base&&>(e)) {}
    any_io_executor(std::nothrow_t, const net::any_io_executor& e) noexcept
        : base(e) {}
    template <class E>
        requires(!std::derived_from<E, net::any_io_executor> &&
                 std::constructible_from<base, std::nothrow_t, E>)
    any_io_executor(std::nothrow_t, E e) noexcept
        : base(std::nothrow, std::move(e)) {}

    using base::query;
    detail::placement query(detail::ring_t) const {
        return detail::placement_of(static_cast<const base&>(*this));
    }

    /// What is inside, where a program stores executors under that type. A strand over one of a ring becomes
    /// the ring's, which excludes at least as much; of anything else this throws system_error
    /// (operation_not_supported).
    operator executor() const { return detail::plain_executor_of(*this); }
};

AURAIO_CLOSE

#endif

// adopted_timer: Asio's timer over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_waitable_timer.hpp"
#include "auraio/detail/adopted.hpp"
#include "auraio/detail/socket_object.hpp"

AURAIO_NET_OPEN

/// Forwards everything to the native timer where the executor leads to a ring, to Asio's own otherwise.
template <class Clock, class WaitTraits>
class basic_waitable_timer<Clock, WaitTraits, any_io_executor> {
    using error_code = aura::error_code;
    using held = aura::detail::adopted<basic_waitable_timer<Clock, WaitTraits, aura::any_io_executor>,
                                       basic_waitable_timer<Clock, WaitTraits, aura::detail::stock_executor>>;

public:
    using executor_type = any_io_executor;
    using clock_type = Clock;
    using duration = typename Clock::duration;
    using time_point = typename Clock::time_point;
    using traits_type = WaitTraits;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_waitable_timer<Clock, WaitTraits, OtherExecutor>;
    };

    explicit basic_waitable_timer(const executor_type& e)
        : impl_(e) {}
    basic_waitable_timer(const executor_type& e, const time_point& t)
        : impl_(e, t) {}
    basic_waitable_timer(const executor_type& e, const duration& d)
        : impl_(e, d) {}
    template <aura::detail::context_for<executor_type> Context, class... Expiry>
        requires std::is_constructible_v<basic_waitable_timer, executor_type, const Expiry&...>
    explicit(sizeof...(Expiry) == 0) basic_waitable_timer(Context& c, const Expiry&... expiry)
        : basic_waitable_timer(executor_type(c.get_executor()), expiry...) {}

    basic_waitable_timer(basic_waitable_timer&&) = default;
    basic_waitable_timer& operator=(basic_waitable_timer&&) = default;

    /// From a timer with an executor of a known type: it becomes what is inside.
    template <aura::detail::adoptable_executor OtherExecutor>
    basic_waitable_timer(basic_waitable_timer<Clock, WaitTraits, OtherExecutor>&& other)
        : impl_(std::in_place, aura::detail::adopt<held>(std::move(other))) {}
    template <aura::detail::adoptable_executor OtherExecutor>
    basic_waitable_timer& operator=(basic_waitable_timer<Clock, WaitTraits, OtherExecutor>&& other) {
        return *this = basic_waitable_timer(std::move(other));
    }

    executor_type get_executor() noexcept {
        return impl_.on([](auto& t) { return executor_type(t.get_executor()); });
    }
    std::size_t cancel() {
        return impl_.on([](auto& t) { return t.cancel(); });
    }
    std::size_t cancel_one() {
        return impl_.on([](auto& t) { return t.cancel_one(); });
    }
    time_point expiry() const {
        return impl_.on([](auto& t) { return t.expiry(); });
    }
    std::size_t expires_at(const time_point& when) {
        return impl_.on([&](auto& t) { return t.expires_at(when); });
    }
    std::size_t expires_after(const duration& d) {
        return impl_.on([&](auto& t) { return t.expires_after(d); });
    }
#if defined(AURAIO_HAS_DEPRECATED)
    std::size_t cancel(error_code& ec) { return ec = {}, cancel(); }
    std::size_t cancel_one(error_code& ec) { return ec = {}, cancel_one(); }
    time_point expires_at() const { return expiry(); }
    std::size_t expires_at(const time_point& t, error_code& ec) { return ec = {}, expires_at(t); }
    duration expires_from_now() const { return expiry() - Clock::now(); }
    std::size_t expires_from_now(const duration& d) { return expires_after(d); }
    std::size_t expires_from_now(const duration& d, error_code& ec) { return ec = {}, expires_after(d); }
#endif
    void wait() {
        impl_.on([](auto& t) { t.wait(); });
    }
    void wait(error_code& ec) {
        impl_.on([&](auto& t) { t.wait(ec); });
    }

private:
    using initiate_wait = aura::detail::adopted_initiation<basic_waitable_timer, void(error_code),
                                                           aura::detail::start_either_wait>;

public:
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = Token()) -> aura::detail::initiated<initiate_wait, Token> {
        return aura::detail::initiate<initiate_wait, Token>(this, token);
    }

    held impl_;
};

AURAIO_NET_CLOSE

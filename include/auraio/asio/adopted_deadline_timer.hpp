// adopted_deadline_timer: Asio's timer for times of Boost.DateTime, over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_deadline_timer.hpp"
#include "auraio/detail/adopted.hpp"

#if defined(AURAIO_HAS_DEADLINE_TIMER)

AURAIO_NET_OPEN

/// Forwards everything to the native timer where the executor leads to a ring, to Asio's own otherwise.
template <class Time, class TimeTraits>
class basic_deadline_timer<Time, TimeTraits, any_io_executor> {
    using error_code = aura::error_code;

public:
    using executor_type = any_io_executor;
    using traits_type = TimeTraits;
    using time_type = typename TimeTraits::time_type;
    using duration_type = typename TimeTraits::duration_type;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_deadline_timer<Time, TimeTraits, OtherExecutor>;
    };

    explicit basic_deadline_timer(const executor_type& e)
        : impl_(e) {}
    basic_deadline_timer(const executor_type& e, const time_type& t)
        : impl_(e, t) {}
    basic_deadline_timer(const executor_type& e, const duration_type& d)
        : impl_(e, d) {}
    template <aura::detail::context_for<executor_type> Context, class... Expiry>
        requires std::is_constructible_v<basic_deadline_timer, executor_type, const Expiry&...>
    explicit(sizeof...(Expiry) == 0) basic_deadline_timer(Context& c, const Expiry&... expiry)
        : basic_deadline_timer(executor_type(c.get_executor()), expiry...) {}

    basic_deadline_timer(basic_deadline_timer&&) = default;
    basic_deadline_timer& operator=(basic_deadline_timer&&) = default;

    executor_type get_executor() noexcept {
        return impl_.on([](auto& t) { return executor_type(t.get_executor()); });
    }
    std::size_t cancel() {
        return impl_.on([](auto& t) { return t.cancel(); });
    }
    std::size_t cancel(error_code& ec) {
        return impl_.on([&](auto& t) { return t.cancel(ec); });
    }
    std::size_t cancel_one() {
        return impl_.on([](auto& t) { return t.cancel_one(); });
    }
    std::size_t cancel_one(error_code& ec) {
        return impl_.on([&](auto& t) { return t.cancel_one(ec); });
    }
    time_type expires_at() const {
        return impl_.on([](auto& t) { return t.expires_at(); });
    }
    std::size_t expires_at(const time_type& when) {
        return impl_.on([&](auto& t) { return t.expires_at(when); });
    }
    std::size_t expires_at(const time_type& when, error_code& ec) {
        return impl_.on([&](auto& t) { return t.expires_at(when, ec); });
    }
    duration_type expires_from_now() const {
        return impl_.on([](auto& t) { return t.expires_from_now(); });
    }
    std::size_t expires_from_now(const duration_type& d) {
        return impl_.on([&](auto& t) { return t.expires_from_now(d); });
    }
    std::size_t expires_from_now(const duration_type& d, error_code& ec) {
        return impl_.on([&](auto& t) { return t.expires_from_now(d, ec); });
    }
    void wait() {
        impl_.on([](auto& t) { t.wait(); });
    }
    void wait(error_code& ec) {
        impl_.on([&](auto& t) { t.wait(ec); });
    }

private:
    using initiate_wait = aura::detail::adopted_initiation<basic_deadline_timer, void(error_code),
                                                           aura::detail::start_either_wait>;

public:
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = Token()) -> aura::detail::initiated<initiate_wait, Token> {
        return aura::detail::initiate<initiate_wait, Token>(this, token);
    }

    aura::detail::adopted<basic_deadline_timer<Time, TimeTraits, aura::any_io_executor>,
                          basic_deadline_timer<Time, TimeTraits, aura::detail::stock_executor>>
        impl_;
};

AURAIO_NET_CLOSE
#endif

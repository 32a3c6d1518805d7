// basic_deadline_timer: Asio's template for times of Boost.DateTime, specialised for executors that lead to a
// ring.
#pragma once

#include "auraio/asio/basic_waitable_timer.hpp"

// Where Asio knows Boost.DateTime: always with Boost, until the flavour's newest versions drop it.
#if __has_include(AURAIO_ASIO(basic_deadline_timer.hpp)) && defined(AURAIO_HAS_DATE_TIME) &&                 \
                  (AURAIO_ASIO_VERSION < 103800 || defined(AURAIO_HAS_DEPRECATED))
#define AURAIO_HAS_DEADLINE_TIMER

#include AURAIO_ASIO(basic_deadline_timer.hpp)
#include AURAIO_ASIO(deadline_timer.hpp)
#include AURAIO_ASIO(time_traits.hpp)

AURAIO_OPEN
namespace detail {

/// Stands for the clock that time traits have inside them, in the place of a clock of std::chrono.
template <class TimeTraits>
struct deadline_clock {
    using time_point = typename TimeTraits::time_type;
};

/// Times that need not be std::chrono's: what is known of them is what Asio asks of TimeTraits.
template <class TimeTraits, class Unused>
struct timer_clock<deadline_clock<TimeTraits>, Unused> {
    using time_point = typename TimeTraits::time_type;

    static constexpr bool is_monotonic = false;

    static core::nanoseconds_t deadline(const time_point& expiry) {
        const core::nanoseconds_t wait = nap(expiry, now());
        return wait == core::never - 1 ? wait : core::monotonic_now() + wait;
    }

    static time_point now() { return TimeTraits::now(); }

    /// What is no time at all comes after every time, so that it keeps none of them waiting.
    static bool earlier(const time_point& a, const time_point& b) {
        if (is_no_time(a) || is_no_time(b))
            return !is_no_time(a);
        return TimeTraits::less_than(a, b);
    }
    static bool is_no_time(const time_point& t) {
        if constexpr (requires { t.is_not_a_date_time(); })
            return t.is_not_a_date_time();
        else
            return false;
    }

    /// How long to wait before the clock is looked at again: 0 when the time has come, for ever if it never
    /// will.
    static core::nanoseconds_t nap(const time_point& expiry, const time_point& now) {
        if (!TimeTraits::less_than(now, expiry))
            return 0;
        const auto left = TimeTraits::to_posix_duration(TimeTraits::subtract(expiry, now));
        if constexpr (requires { left.is_special(); }) {
            if (left.is_special())
                return core::never - 1;
        }
        const std::int64_t microseconds = left.total_microseconds();
        if (microseconds >= std::numeric_limits<std::int64_t>::max() / 1000)
            return until_next_look(core::never);
        // At least one: there are finer times, and this one is not over.
        return until_next_look(static_cast<core::nanoseconds_t>(microseconds > 0 ? microseconds : 1) * 1000);
    }
};

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// A timer on a ring. Interface and meaning are Asio's; beyond it, what basic_waitable_timer has. Looks at
/// the clock at least every five minutes, in case it is set.
template <class Time, class TimeTraits, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_deadline_timer<Time, TimeTraits, Executor> {
    using error_code = aura::error_code;
    using clock = aura::detail::deadline_clock<TimeTraits>;
    using clock_ops = aura::detail::timer_clock<clock, TimeTraits>;

    using initiate_wait =
        aura::detail::initiation<basic_deadline_timer*, void(error_code), aura::detail::start_timer_wait>;

public:
    using executor_type = Executor;
    using traits_type = TimeTraits;
    using time_type = typename TimeTraits::time_type;
    using duration_type = typename TimeTraits::duration_type;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_deadline_timer<Time, TimeTraits, OtherExecutor>;
    };

    explicit basic_deadline_timer(const executor_type& e)
        : impl_(e, time_type()) {}
    basic_deadline_timer(const executor_type& e, const time_type& expiry)
        : impl_(e, expiry) {}
    basic_deadline_timer(const executor_type& e, const duration_type& from_now)
        : impl_(e, TimeTraits::add(TimeTraits::now(), from_now)) {}
    template <aura::detail::context_for<executor_type> Context, class... Expiry>
        requires std::is_constructible_v<basic_deadline_timer, executor_type, const Expiry&...>
    explicit(sizeof...(Expiry) == 0) basic_deadline_timer(Context& c, const Expiry&... expiry)
        : basic_deadline_timer(executor_type(c.get_executor()), expiry...) {}

    basic_deadline_timer(basic_deadline_timer&&) = default;
    basic_deadline_timer& operator=(basic_deadline_timer&&) = default;
    /// Waits that are pending complete with operation_aborted.
    ~basic_deadline_timer() = default;

    executor_type get_executor() noexcept { return impl_.executor(); }

    std::size_t cancel() { return impl_.cancel(); }
    std::size_t cancel(error_code& ec) { return ec = {}, cancel(); }
    std::size_t cancel_one() { return impl_.cancel_one(); }
    std::size_t cancel_one(error_code& ec) { return ec = {}, cancel_one(); }

    time_type expires_at() const { return impl_.expiry(); }
    std::size_t expires_at(const time_type& t) { return impl_.set(t); }
    std::size_t expires_at(const time_type& t, error_code& ec) { return ec = {}, expires_at(t); }
    duration_type expires_from_now() const { return TimeTraits::subtract(expires_at(), TimeTraits::now()); }
    std::size_t expires_from_now(const duration_type& d) {
        return impl_.set(TimeTraits::add(TimeTraits::now(), d));
    }
    std::size_t expires_from_now(const duration_type& d, error_code& ec) {
        return ec = {}, expires_from_now(d);
    }

    /// Blocks the calling thread until the timer expires.
    void wait() {
        while (const auto nap = aura::detail::until_next_look(clock_ops::nap(expires_at(), clock_ops::now())))
            std::this_thread::sleep_for(std::chrono::nanoseconds(nap));
    }
    void wait(error_code& ec) { ec = {}, wait(); }

    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = Token()) -> aura::detail::initiated<initiate_wait, Token> {
        return aura::detail::initiate<initiate_wait, Token>(this, token);
    }

    aura::detail::timer_handle<clock, TimeTraits, Executor> impl_;
};

AURAIO_NET_CLOSE
#endif

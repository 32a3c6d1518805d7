// basic_waitable_timer: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/initiate.hpp"

#include AURAIO_ASIO(basic_waitable_timer.hpp)
#include AURAIO_ASIO(wait_traits.hpp)

#include <chrono>
#include <limits>
#include <thread>

AURAIO_OPEN
namespace detail {

/// A clock that is not monotonic may be set while we wait, forward too: look again at least this often, as
/// Asio does.
constexpr core::nanoseconds_t until_next_look(core::nanoseconds_t left) noexcept {
    constexpr core::nanoseconds_t longest = 300'000'000'000u;
    return left < longest ? left : longest;
}

/// A clock's time points as deadlines of the engine, which counts on the monotonic clock only.
template <class Clock, class WaitTraits>
struct timer_clock {
    using time_point = typename Clock::time_point;
    using duration = typename Clock::duration;

    // libstdc++'s steady_clock is CLOCK_MONOTONIC: its time points need no conversion.
    static constexpr bool is_monotonic = std::is_same_v<Clock, std::chrono::steady_clock>;

    static core::nanoseconds_t saturated(const duration& d) noexcept {
        using nanos = std::chrono::duration<double, std::nano>;
        if (d <= duration::zero())
            return 0;
        if (nanos(d).count() >= 9.2e18) // beyond 292 years: int64 nanoseconds end there
            return core::never - 1;
        return static_cast<core::nanoseconds_t>(std::chrono::ceil<std::chrono::nanoseconds>(d).count());
    }

    /// When the timer is due, or the clock to be looked at.
    static core::nanoseconds_t deadline(const time_point& expiry) {
        if constexpr (is_monotonic) {
            return saturated(expiry.time_since_epoch());
        } else {
            return core::monotonic_now() + nap(expiry, now());
        }
    }

    static time_point now() { return Clock::now(); }
    static bool earlier(const time_point& a, const time_point& b) { return a < b; }

    /// How long to wait before the clock is looked at again; 0 when the time has come, and only then: wait
    /// traits may say 0 of what is left.
    static core::nanoseconds_t nap(const time_point& expiry, const time_point& now) {
        if (expiry <= now)
            return 0;
        constexpr core::nanoseconds_t shortest = 1'000;
        const core::nanoseconds_t left = until_next_look(saturated(wait_duration(expiry, now)));
        return left != 0 ? left : shortest;
    }

    /// How long to wait until `expiry`, which is later than `now`. Not by wait_traits' own conversion of time
    /// points: Asio's overflows for every clock whose epoch lies in the past.
    static duration wait_duration(const time_point& expiry, const time_point& now) {
        if (now < time_point() && expiry > time_point::max() + now.time_since_epoch())
            return WaitTraits::to_wait_duration(duration::max());
        return WaitTraits::to_wait_duration(expiry - now);
    }

    static time_point add(const time_point& t, const duration& d) {
        if (d >= duration::zero() && t > time_point::max() - d)
            return time_point::max();
        if (d < duration::zero() && t < time_point::min() - d)
            return time_point::min();
        return t + d;
    }
};

/// A timer's time, on the monotonic clock.
template <class Clock, class WaitTraits>
class monotonic_timer : public core::timer {
public:
    typename Clock::time_point expiry;

protected:
    monotonic_timer(core::home_choice home, const behaviour& b, const typename Clock::time_point& t)
        : core::timer(home, b)
        , expiry(t) {}
    static constexpr const core::clock_kind* clock = nullptr;
};

/// And on any other, with what the engine has to know of this clock. All timers with this clock and these
/// wait traits stand in one order, as in Asio.
template <class Clock, class WaitTraits>
class settable_timer : public core::clock_timer {
    using ops = timer_clock<Clock, WaitTraits>;

public:
    typename Clock::time_point expiry;

protected:
    settable_timer(core::home_choice home, const behaviour& b, const typename Clock::time_point& t)
        : core::clock_timer(home, b)
        , expiry(t)
        , queued_for_(t) {}

private:
    static settable_timer& self(core::clock_node& node) { return static_cast<settable_timer&>(from(node)); }
    static const settable_timer& self(const core::clock_node& node) {
        return static_cast<const settable_timer&>(from(node));
    }
    static bool earlier(const core::clock_node& a, const core::clock_node& b) {
        return ops::earlier(self(a).queued_for_, self(b).queued_for_);
    }
    static bool moved(const core::clock_node& node) {
        const settable_timer& t = self(node);
        return ops::earlier(t.queued_for_, t.expiry) || ops::earlier(t.expiry, t.queued_for_);
    }
    static void renew(core::clock_node& node) { self(node).queued_for_ = self(node).expiry; }
    static core::nanoseconds_t take_due(core::clock_heap& heap) {
        const auto now = ops::now();
        while (core::clock_node* first = heap.first()) {
            if (const core::nanoseconds_t nap = ops::nap(self(*first).queued_for_, now); nap != 0)
                return nap;
            heap.take_first();
        }
        return core::never;
    }
    static constexpr core::clock_kind kind{&earlier, &moved, &renew, &take_due, &settable_timer::in_wheel};

    // What the shard side compares: `expiry` is the object side's, to be read only while there are waits.
    typename Clock::time_point queued_for_;

protected:
    static constexpr const core::clock_kind* clock = &kind;
};

template <class Clock, class WaitTraits>
using timer_on = std::conditional_t<timer_clock<Clock, WaitTraits>::is_monotonic,
                                    monotonic_timer<Clock, WaitTraits>, settable_timer<Clock, WaitTraits>>;

/// The engine's timer with what the public object needs beside it; on the heap, see core::timer.
template <class Clock, class WaitTraits>
class waitable_timer final : public timer_on<Clock, WaitTraits> {
    using base = timer_on<Clock, WaitTraits>;
    using allocator = net::recycling_allocator<waitable_timer>;

public:
    static waitable_timer* create(core::home_choice home, const typename Clock::time_point& expiry) {
        allocator a;
        return ::new (static_cast<void*>(a.allocate(1))) waitable_timer(home, expiry);
    }

private:
    waitable_timer(core::home_choice home, const typename Clock::time_point& t)
        : base(home, kind, t) {}

    static void destroy(core::timer& t) {
        auto& self = static_cast<waitable_timer&>(t);
        self.~waitable_timer();
        allocator().deallocate(&self, 1);
    }

    static constexpr typename base::behaviour kind{base::clock, &destroy};
};

/// What a basic_waitable_timer holds, under the name Asio's own timers use for it (`impl_`): Asio's
/// converting constructor and its cancel_after turn one timer's impl_ into another's.
template <class Clock, class WaitTraits, class Executor>
class timer_handle {
public:
    using time_point = typename Clock::time_point;

    timer_handle(const Executor& e, const time_point& expiry)
        : executor_(e)
        , timer_(waitable_timer<Clock, WaitTraits>::create(home_for(e), expiry)) {}
    timer_handle(timer_handle&& other) noexcept
        : executor_(other.executor_)
        , timer_(std::exchange(other.timer_, nullptr)) {
        AURAIO_WHEN_TRACKING(may_be_waiting_ = std::exchange(other.may_be_waiting_, false);)
    }
    template <class OtherExecutor>
    timer_handle(timer_handle<Clock, WaitTraits, OtherExecutor>&& other)
        : executor_(other.executor_)
        , timer_(std::exchange(other.timer_, nullptr)) {
        AURAIO_WHEN_TRACKING(may_be_waiting_ = std::exchange(other.may_be_waiting_, false);)
    }
    timer_handle& operator=(timer_handle&& other) noexcept {
        if (this != &other) {
            reset();
            executor_.~Executor();
            ::new (static_cast<void*>(&executor_)) Executor(other.executor_);
            timer_ = std::exchange(other.timer_, nullptr);
            AURAIO_WHEN_TRACKING(may_be_waiting_ = std::exchange(other.may_be_waiting_, false);)
        }
        return *this;
    }
    ~timer_handle() { reset(); }

    const Executor& executor() const noexcept { return executor_; }

    /// A moved-from timer is one that was never set.
    waitable_timer<Clock, WaitTraits>& get() {
        if (!timer_)
            timer_ = waitable_timer<Clock, WaitTraits>::create(home_for(executor_), time_point());
        return *timer_;
    }
    time_point expiry() const { return timer_ ? timer_->expiry : time_point(); }
    std::size_t cancel() {
        AURAIO_WHEN_TRACKING(track_cancel();)
        return timer_ ? timer_->cancel() : 0;
    }
    std::size_t cancel_one() {
        AURAIO_WHEN_TRACKING(track("cancel_one");)
        const std::size_t count = timer_ ? timer_->cancel_one() : 0;
        AURAIO_WHEN_TRACKING(may_be_waiting_ = may_be_waiting_ && count != 0;)
        return count;
    }

    std::size_t set(const time_point& t) {
        auto& timer = get();
        AURAIO_WHEN_TRACKING(track_cancel();)
        const std::size_t count = timer.cancel_for_rearm();
        timer.expiry = t;
        return count;
    }

    template <class Handler>
    void start_wait(Handler&& handler) {
        using op_type = wait_op<std::decay_t<Handler>, Executor>;
        auto& timer = get_to_start();
        core::shard& home = timer.home();
        auto* op = create_op<op_type>(handler, std::forward<Handler>(handler), executor_, home);
        AURAIO_WHEN_TRACKING(track_creation(home.owner(), *op, {"deadline_timer", this}, 0, "async_wait");
                             may_be_waiting_ = true;)
        connect_slot(op->handler(), *op, home, every_cancellation);
        timer.wait(*op, timer_clock<Clock, WaitTraits>::deadline(timer.expiry));
    }

    /// Into the implementation of one of Asio's own timers; nothing may be pending. Assumes only its shape.
    template <class Stock>
        requires requires(Stock& s) {
            typename Stock::service_type;
            typename Stock::implementation_type;
            s.get_service();
            s.get_implementation();
        }
    operator Stock() && {
        Stock stock(0, typename Stock::executor_type(executor_));
        error_code ec;
        stock.get_service().expires_at(stock.get_implementation(), expiry(), ec);
        return stock;
    }

private:
    template <class, class, class>
    friend class timer_handle;

#if defined(AURAIO_TRACKS_HANDLERS)
    void track(const char* name) const {
        if (timer_ && may_be_waiting_)
            track_operation(timer_->home().owner(), {"deadline_timer", this}, 0, name);
    }
    void track_cancel() {
        track("cancel");
        may_be_waiting_ = false;
    }

    bool may_be_waiting_ = false; // Asio's own has it, and tells of no cancel() where it is false
#endif

    waitable_timer<Clock, WaitTraits>& get_to_start() {
        auto& timer = get();
        return timer.may_settle() ? settled(timer) : timer;
    }

    /// Made anew where it belongs, if there are threads to choose from by now and nothing waits for it.
    [[gnu::noinline]] waitable_timer<Clock, WaitTraits>& settled(waitable_timer<Clock, WaitTraits>& timer) {
        if (core::home_choice there{}; timer.settle(there)) {
            timer_ = waitable_timer<Clock, WaitTraits>::create(there, timer.expiry);
            timer.forget();
        }
        return *timer_;
    }

    void reset() noexcept {
        AURAIO_WHEN_TRACKING(track_cancel();)
        if (timer_)
            std::exchange(timer_, nullptr)->forget();
    }

    Executor executor_;
    waitable_timer<Clock, WaitTraits>* timer_;
};

/// Starts a wait on any of the timers.
struct start_timer_wait {
    template <class Timer, class Handler>
    void operator()(Timer& self, Handler&& handler) const {
        self.impl_.start_wait(std::forward<Handler>(handler));
    }
};

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// A timer on a ring. Interface and meaning are Asio's; see there. Beyond it:
///
/// - Any member may be called in any thread (one at a time per object), before run() too. Waits complete on
///   the ring the timer lives on. The counts returned by cancel(), cancel_one() and expires_*() are exact from
///   any thread: a wait is counted there or completes with success, never both.
/// - Timers of one ring fire in the order of their deadlines, never early; those of one clock do so when it is
///   set, too. A clock that is set forward is noticed when any timer of the ring fires, after what WaitTraits
///   says of the time to wait, or after five minutes, whichever comes first.
/// - async_wait: signature void(error_code). Errors: operation_aborted. Cancellation: terminal, partial, total.
/// - A timer costs one block of memory, recycled per thread; arming and cancelling take constant time.
template <class Clock, class WaitTraits, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_waitable_timer<Clock, WaitTraits, Executor> {
    using clock_ops = aura::detail::timer_clock<Clock, WaitTraits>;

    using initiate_wait = aura::detail::initiation<basic_waitable_timer*, void(aura::error_code),
                                                   aura::detail::start_timer_wait>;

public:
    using executor_type = Executor;
    using clock_type = Clock;
    using duration = typename Clock::duration;
    using time_point = typename Clock::time_point;
    using traits_type = WaitTraits;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_waitable_timer<Clock, WaitTraits, OtherExecutor>;
    };

    explicit basic_waitable_timer(const executor_type& e)
        : impl_(e, time_point()) {}
    basic_waitable_timer(const executor_type& e, const time_point& expiry)
        : impl_(e, expiry) {}
    basic_waitable_timer(const executor_type& e, const duration& from_now)
        : impl_(e, clock_ops::add(Clock::now(), from_now)) {}

    template <aura::detail::context_for<executor_type> Context, class... Expiry>
        requires std::is_constructible_v<basic_waitable_timer, executor_type, const Expiry&...>
    explicit(sizeof...(Expiry) == 0) basic_waitable_timer(Context& c, const Expiry&... expiry)
        : basic_waitable_timer(executor_type(c.get_executor()), expiry...) {}

    basic_waitable_timer(basic_waitable_timer&&) = default;
    basic_waitable_timer& operator=(basic_waitable_timer&&) = default;

    /// From a timer on another executor that leads to a ring. Pending waits move along; the ring stays.
    template <class OtherExecutor>
        requires(std::is_convertible_v<OtherExecutor, Executor> && aura::detail::ring_executor<OtherExecutor>)
    basic_waitable_timer(basic_waitable_timer<Clock, WaitTraits, OtherExecutor>&& other)
        : impl_(std::move(other.impl_)) {}
    template <class OtherExecutor>
        requires(std::is_convertible_v<OtherExecutor, Executor> && aura::detail::ring_executor<OtherExecutor>)
    basic_waitable_timer& operator=(basic_waitable_timer<Clock, WaitTraits, OtherExecutor>&& other) {
        basic_waitable_timer moved(std::move(other));
        impl_ = std::move(moved.impl_);
        return *this;
    }

    /// Waits that are pending complete with operation_aborted.
    ~basic_waitable_timer() = default;

    const executor_type& get_executor() noexcept { return impl_.executor(); }

    std::size_t cancel() { return impl_.cancel(); }
    std::size_t cancel_one() { return impl_.cancel_one(); }

    time_point expiry() const { return impl_.expiry(); }
    std::size_t expires_at(const time_point& t) { return set(t); }
    std::size_t expires_after(const duration& d) { return set(clock_ops::add(Clock::now(), d)); }

#if defined(AURAIO_HAS_DEPRECATED)
    std::size_t cancel(aura::error_code& ec) { return ec = {}, cancel(); }
    std::size_t cancel_one(aura::error_code& ec) { return ec = {}, cancel_one(); }
    time_point expires_at() const { return expiry(); }
    std::size_t expires_at(const time_point& t, aura::error_code& ec) { return ec = {}, expires_at(t); }
    duration expires_from_now() const { return expiry() - Clock::now(); }
    std::size_t expires_from_now(const duration& d) { return expires_after(d); }
    std::size_t expires_from_now(const duration& d, aura::error_code& ec) {
        return ec = {}, expires_after(d);
    }
#endif

    /// Blocks the calling thread until the timer expires.
    void wait() {
        // In naps: the clock may be set, and sleep_for overflows on durations near their maximum.
        while (const aura::core::nanoseconds_t nap = clock_ops::nap(expiry(), clock_ops::now()))
            std::this_thread::sleep_for(std::chrono::nanoseconds(nap));
    }
    void wait(aura::error_code& ec) { ec = {}, wait(); }

    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = Token()) -> aura::detail::initiated<initiate_wait, Token> {
        return aura::detail::initiate<initiate_wait, Token>(this, token);
    }

private:
    template <class, class, class>
    friend class basic_waitable_timer;

    std::size_t set(const time_point& t) { return impl_.set(t); }

public: // Asio's own timers, and cancel_after, reach into each other by this name
    aura::detail::timer_handle<Clock, WaitTraits, Executor> impl_;
};

AURAIO_NET_CLOSE

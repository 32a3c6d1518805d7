// completion: how an operation's handler is called: on which executor, with whose work counted.
#pragma once

#include "auraio/executor.hpp"

#include AURAIO_ASIO(any_io_executor.hpp)
#include AURAIO_ASIO(associated_allocator.hpp)
#include AURAIO_ASIO(associated_executor.hpp)
#include AURAIO_ASIO(dispatch.hpp)
#include AURAIO_ASIO(executor_work_guard.hpp)
#include AURAIO_ASIO(prefer.hpp)

#include <optional>
#include <tuple>
#include <utility>

AURAIO_OPEN
namespace detail {

/// A handler with its arguments, for executors that are not ours. Keeps the handler's allocator.
template <class Handler, class... Args>
class bound_handler {
public:
    using allocator_type = net::associated_allocator_t<Handler>;

    bound_handler(Handler&& handler, Args... args)
        : handler_(std::move(handler))
        , args_(std::move(args)...) {}

    allocator_type get_allocator() const noexcept { return net::get_associated_allocator(handler_); }

    void operator()() {
        std::apply([this](auto&... args) { std::move(handler_)(std::move(args)...); }, args_);
    }

private:
    Handler handler_;
    std::tuple<Args...> args_;
};

/// Whether a handler that is associated with `e` may be called directly on shard `s`, by its driver.
template <plain_executor E>
bool runs_directly_on(const E& e, const core::shard& s) noexcept {
    const placement p = e.query(ring_t{});
    return p.engine == &s.owner() && (p.shard == nullptr || p.shard == &s) &&
           e.query(net::execution::blocking_t{}) != net::execution::blocking.never;
}

/// Keeps the work that a pending operation represents towards the executor its handler will run on, and calls
/// the handler there. Our own executor on the same context costs nothing: the operation itself is counted.
template <class Executor>
class completion_target {
    // An executor that has both interfaces is taken by the standard one, as Asio does for its own objects.
    // Some (a strand over any_io_executor) declare the older one and cannot do it, which a work guard would
    // ask for.
    static constexpr bool has_properties = net::execution::is_executor<Executor>::value;

    template <class E, bool>
    struct tracking {
        using type = net::executor_work_guard<E>;
    };
    template <class E>
    struct tracking<E, true> {
        using type = std::decay_t<decltype(net::prefer(std::declval<const E&>(),
                                                       net::execution::outstanding_work.tracked))>;
    };
    using tracking_type = typename tracking<Executor, has_properties>::type;

public:
    completion_target(const Executor& e, const core::shard&)
        : target_(track(e)) {}

    template <class Handler, class... Args>
    void call(Handler&& handler, Args... args) {
        bound_handler<std::decay_t<Handler>, Args...> bound(std::forward<Handler>(handler),
                                                            std::move(args)...);
        if constexpr (has_properties)
            net::dispatch(target_, std::move(bound));
        else
            net::dispatch(target_.get_executor(), std::move(bound));
    }

private:
    static tracking_type track(const Executor& e) {
        if constexpr (has_properties)
            return net::prefer(e, net::execution::outstanding_work.tracked);
        else
            return tracking_type(e);
    }

    tracking_type target_;
};

template <plain_executor Executor>
class completion_target<Executor> {
public:
    completion_target(const Executor& e, const core::shard& s)
        : direct_(runs_directly_on(e, s))
        , executor_(direct_ || e.query(ring_t{}).engine == &s.owner()
                        ? e
                        : static_cast<const Executor&>(e.require(net::execution::outstanding_work.tracked))) {
    }

    template <class Handler, class... Args>
    void call(Handler&& handler, Args... args) {
        if (direct_) [[likely]]
            std::forward<Handler>(handler)(std::move(args)...);
        else
            net::dispatch(executor_, bound_handler<std::decay_t<Handler>, Args...>(
                                         std::forward<Handler>(handler), std::move(args)...));
    }

private:
    bool direct_;
    Executor executor_;
};

/// The executor of coroutines and of objects by default: ours inside, most of the time, and then treated as
/// ours.
template <std::derived_from<net::any_io_executor> Erased>
class completion_target<Erased> {
public:
    completion_target(const net::any_io_executor& e, const core::shard& s) {
        const executor* ours = target_of<executor>(e);
        if (!ours || !runs_directly_on(*ours, s))
            executor_.emplace(net::prefer(e, net::execution::outstanding_work.tracked));
    }

    template <class Handler, class... Args>
    void call(Handler&& handler, Args... args) {
        if (!executor_) [[likely]]
            std::forward<Handler>(handler)(std::move(args)...);
        else
            net::dispatch(*executor_, bound_handler<std::decay_t<Handler>, Args...>(
                                          std::forward<Handler>(handler), std::move(args)...));
    }

private:
    // Not there: call directly. An empty any_io_executor would do, but moves and dies by indirect calls.
    std::optional<net::any_io_executor> executor_;
};

/// Whether a handler has no executor of its own, as told by its answer for an object on another executor.
/// Then that of the object need not be copied to be looked at.
template <class Handler, class IoExecutor>
inline constexpr bool uses_default_executor =
    std::is_same_v<net::associated_executor_t<Handler, IoExecutor>, IoExecutor> &&
    (std::is_same_v<IoExecutor, executor> ||
     std::is_same_v<net::associated_executor_t<Handler, executor>, executor>);

/// Handler and target together; what every operation with a handler carries.
template <class Handler, class IoExecutor>
class completion {
    using executor_type = net::associated_executor_t<Handler, IoExecutor>;

public:
    template <class H>
    completion(H&& handler, const IoExecutor& io, const core::shard& s)
        : handler_(std::forward<H>(handler))
        , target_(target_for(handler_, io, s)) {}
    completion(completion&&) = default;

    const Handler& handler() const noexcept { return handler_; }

    template <class... Args>
    void call(Args... args) {
        target_.call(std::move(handler_), std::move(args)...);
    }

private:
    static completion_target<executor_type> target_for(const Handler& handler, const IoExecutor& io,
                                                       const core::shard& s) {
        if constexpr (uses_default_executor<Handler, IoExecutor>)
            return completion_target<executor_type>(io, s);
        else
            return completion_target<executor_type>(net::get_associated_executor(handler, io), s);
    }

    Handler handler_;
    completion_target<executor_type> target_;
};

} // namespace detail
AURAIO_CLOSE

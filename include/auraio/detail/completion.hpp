// completion: how an operation's handler is called: on which executor, with whose work counted.
#pragma once

#include "auraio/executor.hpp"

#include AURAIO_ASIO(any_io_executor.hpp)
#include AURAIO_ASIO(associated_allocator.hpp)
#include AURAIO_ASIO(associated_executor.hpp)
#include AURAIO_ASIO(dispatch.hpp)
#include AURAIO_ASIO(executor_work_guard.hpp)
#include AURAIO_ASIO(prefer.hpp)

#include <concepts>
#include <cstring>
#include <memory>
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
[[gnu::always_inline]] inline bool runs_directly_on(const E& e, const core::shard& s) noexcept {
    const placement p = e.query(ring_t{});
    return p.engine == &s.owner() && (p.shard == nullptr || p.shard == &s) &&
           e.query(net::execution::blocking_t{}) != net::execution::blocking.never;
}

/// How a handler will be called.
struct call_manner {
    bool direct;        ///< by the driver of its shard, with no executor kept
    bool leaves = true; ///< and it has been promised no strand of that ring: see core::operation::leaves()
};

/// On ours: whoever chose a ring asked for its strand.
template <plain_executor E>
call_manner direct_manner(const E& e) noexcept {
    const placement p = e.query(ring_t{});
    return {true, p.shard == nullptr || p.loose};
}

/// The executor that a pending operation keeps for its handler, if it keeps one. Whether it does is known to
/// the owner, who says so each time: the flag has a place in the operation.
template <class Kept>
class kept_executor {
public:
    kept_executor() noexcept {
        // A word, for GCC, which does not see that what is not kept is not looked at and warns in the user's
        // program.
        if constexpr (plain_executor<Kept>)
            std::memset(static_cast<void*>(&executor_), 0, sizeof executor_);
    }
    kept_executor(const kept_executor&) = delete;
    ~kept_executor() {}

    template <class... Args>
    void put(Args&&... args) {
        std::construct_at(&executor_, std::forward<Args>(args)...);
    }
    void take(kept_executor& other) {
        std::construct_at(&executor_, std::move(other.executor_));
        other.drop();
    }
    void drop() noexcept { std::destroy_at(&executor_); }
    const Kept& get() const noexcept { return executor_; }

private:
    union {
        Kept executor_;
    };
};

/// Keeps the work that a pending operation represents towards the executor its handler will run on, and
/// dispatches to it. Our own executor on the same context costs nothing: the operation itself is counted, and
/// keep() says that the handler is to be called directly, with nothing kept.
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

public:
    using kept_type = typename tracking<Executor, has_properties>::type;

    static call_manner keep(kept_executor<kept_type>& kept, const Executor& e, const core::shard&) {
        if constexpr (has_properties)
            kept.put(net::prefer(e, net::execution::outstanding_work.tracked));
        else
            kept.put(e);
        return {false};
    }

    template <class Bound>
    static void dispatch(const kept_type& kept, Bound&& bound) {
        if constexpr (has_properties)
            net::dispatch(kept, std::forward<Bound>(bound));
        else
            net::dispatch(kept.get_executor(), std::forward<Bound>(bound));
    }
};

template <plain_executor Executor>
class completion_target<Executor> {
public:
    using kept_type = Executor;

    /// The first half by order in who starts an operation: called for each, with its arguments in memory, it takes as
    /// long again.
    [[gnu::always_inline]] static call_manner keep(kept_executor<kept_type>& kept, const Executor& e,
                                                   const core::shard& s) {
        if (runs_directly_on(e, s)) [[likely]]
            return direct_manner(e);
        keep_work(kept, e, s);
        return {false};
    }

    template <class Bound>
    static void dispatch(const kept_type& kept, Bound&& bound) {
        net::dispatch(kept, std::forward<Bound>(bound));
    }

private:
    [[gnu::noinline]] static void keep_work(kept_executor<kept_type>& kept, const Executor& e,
                                            const core::shard& s) {
        if (e.query(ring_t{}).engine == &s.owner())
            kept.put(e);
        else
            kept.put(e.require(net::execution::outstanding_work.tracked));
    }
};

/// The executor of coroutines and of objects by default: ours inside, most of the time, and then treated as
/// ours.
template <std::derived_from<net::any_io_executor> Erased>
class completion_target<Erased> {
public:
    using kept_type = net::any_io_executor;

    static call_manner keep(kept_executor<kept_type>& kept, const net::any_io_executor& e,
                            const core::shard& s) {
        const executor* ours = target_of<executor>(e);
        if (ours && runs_directly_on(*ours, s))
            return direct_manner(*ours);
        kept.put(net::prefer(e, net::execution::outstanding_work.tracked));
        return {false};
    }

    template <class Bound>
    static void dispatch(const kept_type& kept, Bound&& bound) {
        net::dispatch(kept, std::forward<Bound>(bound));
    }
};

/// Whether a handler has no executor of its own, as told by its answer for an object on another executor.
/// Then that of the object need not be copied to be looked at.
template <class Handler, class IoExecutor>
inline constexpr bool uses_default_executor =
    std::is_same_v<net::associated_executor_t<Handler, IoExecutor>, IoExecutor> &&
    (std::is_same_v<IoExecutor, executor> ||
     std::is_same_v<net::associated_executor_t<Handler, executor>, executor>);

/// A handler and its executor; what every operation with a handler carries, beside a flag of core::operation.
/// Taken out by a completion, once.
template <class Handler, class IoExecutor>
class kept_completion {
    using executor_type = net::associated_executor_t<Handler, IoExecutor>;
    using target = completion_target<executor_type>;

public:
    /// Calls note() with how the handler is to be called.
    template <class H, std::invocable<call_manner> Note>
    kept_completion(H&& handler, const IoExecutor& io, const core::shard& s, Note note)
        : handler_(std::forward<H>(handler)) {
        if constexpr (uses_default_executor<Handler, IoExecutor>)
            note(target::keep(executor_, io, s));
        else
            note(target::keep(executor_, net::get_associated_executor(handler_, io), s));
    }
    /// An operation of its own, which has the flag.
    template <class H>
    kept_completion(H&& handler, const IoExecutor& io, const core::shard& s, core::operation& owner)
        : kept_completion(std::forward<H>(handler), io, s,
                          [&owner](call_manner m) { owner.set_calls_directly(m.direct); }) {}

    const Handler& handler() const noexcept { return handler_; }

private:
    template <class, class>
    friend class completion;

    Handler handler_;
    kept_executor<typename target::kept_type> executor_;
};

/// How an operation ends whose memory is not needed any more.
template <class Handler, class IoExecutor>
class completion {
    using kept = kept_completion<Handler, IoExecutor>;
    using target = typename kept::target;

public:
    completion(kept& from, bool direct)
        : handler_(std::move(from.handler_))
        , direct_(direct) {
        if (!direct_) [[unlikely]]
            executor_.take(from.executor_);
    }
    completion(const completion&) = delete;
    ~completion() {
        if (!direct_) [[unlikely]]
            executor_.drop();
    }

    const Handler& handler() const noexcept { return handler_; }

    template <class... Args>
    void call(Args... args) {
        if (direct_) [[likely]]
            std::move(handler_)(std::move(args)...);
        else
            target::dispatch(executor_.get(),
                             bound_handler<Handler, Args...>(std::move(handler_), std::move(args)...));
    }

private:
    Handler handler_;
    bool direct_;
    kept_executor<typename target::kept_type> executor_;
};

} // namespace detail
AURAIO_CLOSE

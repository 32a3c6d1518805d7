// io_context: asio::io_context on io_uring rings, one for each thread in run().
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/detail/stock_reactor.hpp"
#include "auraio/detail/thread_memory.hpp"
#include "auraio/detail/wrapped_handler.hpp"
#include "auraio/error.hpp"
#include "auraio/executor.hpp"
#include "auraio/io_context_options.hpp"
#include "auraio/stats.hpp"
#include "auraio/storage.hpp"

#include AURAIO_ASIO(execution_context.hpp)
#include AURAIO_ASIO(dispatch.hpp)
#include AURAIO_ASIO(executor_work_guard.hpp)
#include AURAIO_ASIO(post.hpp)
#include AURAIO_ASIO(strand.hpp)
#if AURAIO_ASIO_VERSION >= 103300
#include AURAIO_ASIO(config.hpp)
#endif

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

AURAIO_OPEN
namespace detail {

/// Ties the engine to the life of the execution_context: shutdown destroys what is pending, forks are passed
/// on.
class engine_service final : public net::execution_context::service {
public:
    using key_type = engine_service;
    static inline net::execution_context::id id;

    engine_service(net::execution_context& c, core::engine& e)
        : service(c)
        , engine_(&e) {}

    /// What use_service() wants of a service that might be missing; find_engine() never lets it come to that.
    explicit engine_service(net::execution_context& c)
        : service(c) {}

private:
    void shutdown() override {
        if (engine_)
            engine_->shutdown();
    }

    void notify_fork(net::execution_context::fork_event event) override {
        switch (event) {
        case net::execution_context::fork_prepare:
            engine_->before_fork();
            break;
        case net::execution_context::fork_parent:
            engine_->after_fork_in_parent();
            break;
        case net::execution_context::fork_child:
            engine_->after_fork_in_child();
            break;
        }
    }

    friend core::engine* find_engine(net::execution_context& c);

    core::engine* engine_ = nullptr;
};

inline core::engine* find_engine(net::execution_context& c) {
    return net::has_service<engine_service>(c) ? net::use_service<engine_service>(c).engine_ : nullptr;
}

/// A point on any clock as a deadline of the engine's.
template <class Clock, class Duration>
core::nanoseconds_t to_deadline(const std::chrono::time_point<Clock, Duration>& t) {
    using std::chrono::nanoseconds;
    const auto left = t - Clock::now();
    if (left <= left.zero())
        return 1; // in the past, and not 0: "what is ready" is another question
    const auto limit = nanoseconds::max() / 4;
    const auto now = core::monotonic_now();
    if (std::chrono::duration<double>(left) > std::chrono::duration<double>(limit))
        return core::never - 1;
    return now + static_cast<core::nanoseconds_t>(std::chrono::ceil<nanoseconds>(left).count());
}

} // namespace detail

/// Execution context for Asio on Linux io_uring.
///
/// The members are asio::io_context's, with its meaning: any member may be called from any thread at any
/// time, except the destructor. What differs is underneath. Every thread in run() drives a ring of its own, and
/// runs what lives there one after the other. One thread serves everything there is; a thread that leaves run(),
/// or is in a handler for longer than io_context_options::takeover_after, leaves its ring to the others.
///
/// So objects that nobody has put on a ring or a strand have no order between their handlers, as with Asio; those
/// on ring_executor(i) have: each ring is a strand to who asks for it. See doc/migrating.md.
class io_context : public net::execution_context {
    /// Where an asio::io_context has the pointer that all its members go through. Code that takes an
    /// execution_context of ours for one, by a cast that the language does not check
    /// (`(asio::io_context&)executor.context()`), crashes at once instead of writing into the engine.
    [[maybe_unused]] void* const not_an_asio_io_context_ = nullptr;

public:
    using executor_type = executor;
    using count_type = std::size_t;

    /// Asio's own has bits at compile time, ours has them at run time.
    template <class Allocator, std::uintptr_t = 0>
    using basic_executor_type = basic_executor<Allocator>;

    class service;
#if defined(AURAIO_HAS_TS_EXECUTORS)
    class strand;
#endif

    /// Options from the environment (see options_from_environment()). Throws system_error when no backend, or not
    /// the one that is named, is available; the message says what was tried and what came back.
    io_context()
#if AURAIO_ASIO_VERSION >= 103300
        : net::execution_context(net::config_from_concurrency_hint())
        , engine_(from_environment(), *this) {
        install();
    }
#else
        : io_context(from_environment()) {
    }
#endif

    /// `concurrency_hint`: 1 means one ring whatever the number of threads, which saves locks, and so do
    /// ASIO_CONCURRENCY_HINT_UNSAFE and _UNSAFE_IO, which promise one thread at a time; a thread that breaks the
    /// promise breaks nothing here. Other values have no effect: N threads in run() have N rings.
    explicit io_context(int concurrency_hint)
#if AURAIO_ASIO_VERSION >= 103300
        : net::execution_context(net::config_from_concurrency_hint(concurrency_hint))
        , engine_(from_environment(concurrency_hint), *this) {
        install();
    }
#else
        : io_context(from_environment(concurrency_hint)) {
    }
#endif

    /// Exactly these options; the environment is not read.
    explicit io_context(const io_context_options& options)
        : engine_(options, *this) {
        install();
    }

#if AURAIO_ASIO_VERSION >= 103300
    /// With services that are there from the beginning; see asio::execution_context. Of what `asio::config`
    /// then tells, scheduler/concurrency_hint, scheduler/locking and reactor/io_locking are heeded.
    explicit io_context(const service_maker& initial_services)
        : net::execution_context(initial_services)
        , engine_(configured(), *this) {
        install();
    }
#endif
#if AURAIO_ASIO_VERSION >= 103600
    /// With memory for services from an allocator; see asio::execution_context. The engine has its own.
    template <class Allocator>
    io_context(std::allocator_arg_t tag, const Allocator& a)
        : io_context(tag, a, net::config_from_concurrency_hint()) {}
    template <class Allocator>
    io_context(std::allocator_arg_t tag, const Allocator& a, int concurrency_hint)
        : net::execution_context(tag, a, net::config_from_concurrency_hint(concurrency_hint))
        , engine_(from_environment(concurrency_hint), *this) {
        install();
    }
    template <class Allocator>
    io_context(std::allocator_arg_t tag, const Allocator& a, const service_maker& initial_services)
        : net::execution_context(tag, a, initial_services)
        , engine_(configured(), *this) {
        install();
    }
#endif

    io_context(const io_context&) = delete;
    io_context& operator=(const io_context&) = delete;

    /// Cancels what is pending, destroys all handlers without calling them, and returns when the kernel no
    /// longer refers to any buffer: as long as a device holds one, this waits. No thread may be in run().
    ~io_context() {
        shutdown();
        destroy();
    }

    /// An executor for work that any running thread may take.
    executor_type get_executor() noexcept { return executor_type(engine_); }

    /// An executor bound to ring `index`, which need not have a thread yet: threads entering run() take such
    /// rings first, and until then the other threads serve it. Throws system_error (EAGAIN) from 512 on.
    executor_type ring_executor(unsigned index) {
        try {
            if (index >= core::engine::max_shards)
                throw core::engine_error(EAGAIN, "auraio: ring_executor: at most 512 rings");
            return executor_type(engine_.shard_at(engine_.single_shard() ? 0 : index));
        } catch (const core::engine_error& e) {
            detail::rethrow(e);
        }
    }

    /// An executor bound to the lighter of two rings among those that are being driven: one in turn, one picked at
    /// random.
    executor_type balanced_executor() noexcept { return executor_type(engine_.place_balanced()); }
    /// The same for who does not need that ring's strand (accepted connections, strands of their own): see
    /// io_context_options::takeover_after.
    executor_type spread_executor() noexcept { return without_strand(engine_.place_balanced()); }

    /// How often others have taken the rings of a thread that was in a handler for too long: see
    /// io_context_options::takeover_after. Any thread.
    std::uint64_t takeovers() const noexcept { return engine_.takeovers(); }

    /// What make_strand(ctx) is over: spread_executor(). Outside of handlers, while fewer than two threads are there to
    /// choose from, it is this context's, unless io_context_options::implicit_strands is set.
    executor_type strand_executor() noexcept {
        core::shard* const s = engine_.place_strand();
        return s ? without_strand(*s) : get_executor();
    }

    /// How many operations lived on ring `index` at the end of its last turn: what placement goes by. A hint,
    /// any thread. Precondition: index < ring_count().
    std::int64_t ring_load(unsigned index) { return engine_.shard_at(index).load().operations(); }

    /// How many rings there are: as many as there were threads in run() at once, at least 1.
    std::size_t ring_count() const noexcept { return engine_.shard_count(); }

    /// Runs handlers until the context is stopped or has no work left. Returns how many ran. Leaves with the
    /// exception a handler throws; may then be called again. Throws system_error when a ring for this thread
    /// cannot be created (no memory, no descriptors; the message says what to raise).
    count_type run() { return run_until_deadline(core::never); }

    /// Runs at most one handler, waiting for it if need be.
    count_type run_one() { return run_one_until_deadline(core::never); }

    template <class Rep, class Period>
    count_type run_for(const std::chrono::duration<Rep, Period>& d) {
        return run_until(std::chrono::steady_clock::now() + d);
    }
    template <class Clock, class Duration>
    count_type run_until(const std::chrono::time_point<Clock, Duration>& t) {
        return run_until_deadline(detail::to_deadline(t));
    }
    template <class Rep, class Period>
    count_type run_one_for(const std::chrono::duration<Rep, Period>& d) {
        return run_one_until(std::chrono::steady_clock::now() + d);
    }
    template <class Clock, class Duration>
    count_type run_one_until(const std::chrono::time_point<Clock, Duration>& t) {
        return run_one_until_deadline(detail::to_deadline(t));
    }

    /// Runs handlers that are ready, without waiting. Submits and reaps what the rings have.
    count_type poll() { return run_until_deadline(0); }
    count_type poll_one() { return run_one_until_deadline(0); }

    /// Makes all run functions return as soon as their current handler has. Pending operations stay pending.
    void stop() { engine_.stop(); } // not noexcept, as Asio's: programs bind it by type
    bool stopped() const { return engine_.stopped(); }

    /// To be called before run() is called again after it returned for lack of work or because of stop().
    void restart() { engine_.restart(); }

    /// Submits now what handlers of the calling thread have started in this turn of the loop, instead of at
    /// its end. For handlers that compute for long after starting I/O.
    void flush() { engine_.flush(); }

    /// The mechanism that carries out I/O, as AURAIO_BACKEND calls it: "uring" or "epoll"; and why it was chosen,
    /// with what would have to be allowed for a better one. Any thread. Both change once at most: when the first
    /// ring is made, and something forbids io_uring that did not when the context was.
    std::string_view backend() const noexcept { return engine_.backend_name(); }
    const std::string& backend_reason() const noexcept { return engine_.backend_reason(); }
    /// Whether some object that does I/O or waits on this context is not native to the rings: Asio then runs
    /// its own reactor in a hidden thread, and every completion of such an object costs a wake. For finding
    /// what a migration has missed. Always false where AURA_NO_ASIO_DETAIL is defined.
    bool stock_reactor_active() { return detail::has_stock_reactor(*this); }

    /// Whether Asio has a hidden thread for this context at all: for its reactor, or merely for name
    /// look-ups, which it makes in threads anyway. Always false where AURA_NO_ASIO_DETAIL is defined.
    bool stock_scheduler_active() { return detail::has_stock_scheduler(*this); }

    /// An aura::io_context is no asio::io_context, and a library that takes that by reference cannot be given
    /// ours. This says so, in the place of the compiler, and what to do.
    template <class Context>
        requires std::same_as<Context, net::io_context>
    operator Context&() const {
        static_assert(
            !std::same_as<Context, net::io_context>,
            "auraio: this wants an asio::io_context by that name, which an aura::io_context is not. Where "
            "the "
            "source names it, write aura::io_context instead (libraries often have one using-declaration "
            "for it), or pass ctx.get_executor() where an executor is taken as well; see doc/migrating.md");
    }

    /// What happened on each ring since construction: requests, handlers, system calls, wakes, loop delay,
    /// latencies. Any thread, at any time, without stopping a ring.
    engine_stats stats() const { return engine_.stats(); }

    /// Writes what is pending, on which descriptor, with which handler, and what it waits for; what each ring's
    /// thread does; timers, devices: for the question why nothing happens. Any thread, also a handler's; of a ring
    /// whose thread does not come back to its loop it says so after a quarter of a second, and for how long that
    /// has been the case. The text is for people and may change.
    void dump(std::ostream& out) { engine_.dump(out); }

    // Storage. Reads and writes of files pass a gate, which lets all of them through unless it finds that
    // fewer in flight on their device would do; doc/controller.md tells how. The functions below may be
    // called at any time, from any thread. Without a device they set what holds for all devices, those used
    // later included; what is set for one device wins over that. Where contexts differ, the strictest that
    // uses the device counts: the gate belongs to the device, not to them.

    /// The 99th percentile of the device's latency to stay below, however much throughput that costs; 0, the
    /// default: no ceiling, the throughput alone decides.
    void set_max_p99_latency(std::chrono::nanoseconds ceiling) {
        engine_.set_storage({.max_p99_latency = to_ceiling(ceiling)});
    }
    void set_max_p99_latency(std::chrono::nanoseconds ceiling, device_id device) {
        engine_.set_storage(device, {.max_p99_latency = to_ceiling(ceiling)});
    }

    /// So many requests may always be in flight on the device. 1 is the default, and the least.
    void set_min_in_flight(unsigned count) { engine_.set_storage({.min_in_flight = count}); }
    void set_min_in_flight(unsigned count, device_id device) {
        engine_.set_storage(device, {.min_in_flight = count});
    }

    /// Never more than so many, also where the gate would be open; 0, the default: no bound. When rings share
    /// the device this is divided among them; while the division changes they may exceed it for a moment.
    void set_max_in_flight(unsigned count) { engine_.set_storage({.max_in_flight = count}); }
    void set_max_in_flight(unsigned count, device_id device) {
        engine_.set_storage(device, {.max_in_flight = count});
    }

    /// False: no request of this context is held back. True is the default.
    void set_adaptive(bool on) { engine_.set_storage({.adaptive = on}); }
    void set_adaptive(bool on, device_id device) { engine_.set_storage(device, {.adaptive = on}); }

    /// A ring submits what a turn's handlers have started when all of them have run; with a threshold, each
    /// time that many requests wait. It costs throughput wherever it does something, since a system call
    /// carries less (doc/performance.md has figures): for handlers that compute for long where the first
    /// request must not wait for the last handler. 0, the default: no threshold; 1: each request at once. Any
    /// thread, at any time. See also flush().
    void set_batch_threshold(unsigned requests) noexcept { engine_.set_batch_threshold(requests); }

    const io_context_options& options() const noexcept { return engine_.options(); }

#if defined(AURAIO_HAS_DEPRECATED)
    count_type run(error_code& ec) {
        return without_throwing(ec, [this] { return run(); });
    }
    count_type run_one(error_code& ec) {
        return without_throwing(ec, [this] { return run_one(); });
    }
    count_type poll(error_code& ec) {
        return without_throwing(ec, [this] { return poll(); });
    }
    count_type poll_one(error_code& ec) {
        return without_throwing(ec, [this] { return poll_one(); });
    }
    void reset() { restart(); }

    template <class F>
    auto dispatch(F&& f) {
        return net::dispatch(get_executor(), std::forward<F>(f));
    }
    template <class F>
    auto post(F&& f) {
        return net::post(get_executor(), std::forward<F>(f));
    }

    /// A function object that dispatches `handler` on the context.
    template <class Handler>
    auto wrap(Handler handler) {
        return detail::wrapped_handler<executor_type, Handler>(get_executor(), std::move(handler));
    }

    /// Keeps run() from returning for want of work, for as long as it or a copy of it lives.
    class work {
    public:
        explicit work(io_context& ctx)
            : guard_(ctx.get_executor()) {}
        io_context& get_io_context() { return guard_.get_executor().query(net::execution::context); }
        io_context& get_io_service() { return get_io_context(); }

    private:
        net::executor_work_guard<executor_type> guard_;
    };
#endif

private:
    static core::nanoseconds_t to_ceiling(std::chrono::nanoseconds ceiling) noexcept {
        return ceiling.count() > 0 ? static_cast<core::nanoseconds_t>(ceiling.count()) : 0;
    }

    static constexpr bool promises_one_thread(int concurrency_hint) noexcept {
        return concurrency_hint == AURAIO_ASIO_MACRO(CONCURRENCY_HINT_UNSAFE) ||
               concurrency_hint == AURAIO_ASIO_MACRO(CONCURRENCY_HINT_UNSAFE_IO);
    }

    static io_context_options from_environment(int concurrency_hint = 0) {
        try {
            io_context_options defaults;
            defaults.concurrency_hint = promises_one_thread(concurrency_hint) ? 1 : concurrency_hint;
            return options_from_environment(defaults);
        } catch (const core::engine_error& e) {
            detail::rethrow(e);
        }
    }

#if AURAIO_ASIO_VERSION >= 103300
    io_context_options configured() {
        const net::config c(*this);
        const bool several_threads =
            c.get("scheduler", "locking", true) && c.get("reactor", "io_locking", true);
        return from_environment(several_threads ? c.get("scheduler", "concurrency_hint", 0) : 1);
    }
#endif

    void install() {
        AURAIO_HANDLER_TRACKING_INIT;
        net::make_service<detail::engine_service>(*this, engine_);
    }

    count_type run_until_deadline(core::nanoseconds_t deadline) {
        detail::thread_memory memory;
        try {
            return engine_.run(deadline);
        } catch (const core::engine_error& e) {
            detail::rethrow(e);
        }
    }
    count_type run_one_until_deadline(core::nanoseconds_t deadline) {
        detail::thread_memory memory;
        try {
            return engine_.run_one(deadline);
        } catch (const core::engine_error& e) {
            detail::rethrow(e);
        }
    }
    template <class F>
    static count_type without_throwing(error_code& ec, F f) {
        ec = {};
        return f(); // as in Asio: exceptions of handlers pass, and nothing else fails
    }

    /// Where nobody takes over, a ring's strand is there for whoever lives on it: then it is that ring's executor.
    executor_type without_strand(core::shard& s) noexcept {
        const std::uintptr_t bits = executor_type::ring_bound;
        return executor_type(s, engine_.takes_over() ? bits | executor_type::loose : bits);
    }

    detail::context_engine engine_;
};

#if defined(AURAIO_TRACKS_HANDLERS)
namespace detail {
inline net::execution_context& context_of(core::engine& e) {
    return static_cast<context_engine&>(e).context;
}
} // namespace detail
#endif

#if defined(AURAIO_HAS_DEPRECATED)
/// The name that programs of Boost 1.65 and before know it by.
using io_service = io_context;
#endif

AURAIO_CLOSE

AURAIO_NET_OPEN
/// A strand over the lighter of two running rings, instead of over the whole context: what runs in it is not handed
/// from thread to thread. The strand alone orders it, so that it goes on elsewhere when the ring's thread is held up by
/// another handler (see strand_executor(), which also says when it is one over the context). Same type as Asio's
/// make_strand(ctx) gives. It stands beside Asio's, as calls of every kind find it here: qualified by either name
/// (`net::make_strand(ioc)`, as Beast's servers write) and by the argument alone. Not a template, it wins.
inline strand<aura::executor> make_strand(aura::io_context& ctx) {
    return strand<aura::executor>(ctx.strand_executor());
}
AURAIO_NET_CLOSE

AURAIO_OPEN
using net::make_strand;
AURAIO_CLOSE

#include "auraio/io_context_service.hpp"
#include "auraio/io_context_strand.hpp"

#endif

// executor: the handle through which work reaches an aura::io_context, or one of its rings.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/loop/engine.hpp"
#include "auraio/detail/executor_op.hpp"
#include "auraio/detail/specialised.hpp"
#include "auraio/error.hpp"

#include AURAIO_ASIO(any_io_executor.hpp)
#include AURAIO_ASIO(execution.hpp)
#include AURAIO_ASIO(execution_context.hpp)
#if __has_include(AURAIO_ASIO(execution/inline_exception_handling.hpp)) // since Asio 1.38
#define AURAIO_HAS_INLINE_EXCEPTION_HANDLING
#include AURAIO_ASIO(execution/inline_exception_handling.hpp)
#endif

#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <typeinfo>

AURAIO_OPEN

class io_context;

namespace detail {

/// The engine of an io_context, and the way back from it.
struct context_engine : core::engine {
    context_engine(const core::engine_options& options, io_context& c) try
        : core
        ::engine(options), context(c) {
            core::library_has_the_same_containers();
        }
    catch (const core::engine_error& e) {
        rethrow(e);
    }
    io_context& context;
};

/// Where something that is built on an executor belongs: a context, and perhaps one of its shards.
struct placement {
    core::engine* engine;
    core::shard* shard; ///< null: anywhere in the context
    bool loose = false; ///< it is there, but nobody has asked for that ring's strand

    core::shard& choose() const { return shard ? *shard : engine->place(); }
    core::home_choice choose_home() const {
        return shard ? core::home_choice{shard, 0} : engine->choose_home();
    }
};

} // namespace detail

/// Executor of aura::io_context. One word; all members are thread-safe.
///
/// *Context-bound* (`ctx.get_executor()`): functions run in any thread that is in run(), in the order in which
/// idle threads take them. *Ring-bound* (`ctx.ring_executor(i)`): functions run on that ring, one at a time, in
/// the order they were submitted from one thread, and never at the same time as handlers of objects built on it.
/// That of an accepted connection is bound to a ring as well, but waits for no handler that takes long.
///
/// dispatch() runs a function at once on a thread of the context, or of that ring; post() and defer() never
/// do; defer() from inside the context stays on the calling thread's ring.
///
/// Satisfies the standard executor properties blocking.possibly/never, relationship.fork/continuation,
/// outstanding_work.tracked/untracked, allocator; queries context, mapping.
template <class Allocator = std::allocator<void>>
class basic_executor {
public:
    /// Copies share nothing, and compare equal; one that tracks work counts for itself.
    basic_executor(const basic_executor& other) noexcept
        : word_(other.word_)
        , allocator_(other.allocator_) {
        count_in();
    }
    basic_executor(basic_executor&& other) noexcept
        : word_(other.word_)
        , allocator_(std::move(other.allocator_)) {
        other.word_ &= ~std::uintptr_t{tracked}; // its count is ours now
    }
    basic_executor& operator=(const basic_executor& other) noexcept {
        basic_executor copy(other);
        swap(copy);
        return *this;
    }
    basic_executor& operator=(basic_executor&& other) noexcept {
        basic_executor moved(std::move(other));
        swap(moved);
        return *this;
    }
    ~basic_executor() { count_out(); }

    /// Equal: what one runs, the other would run in the same place and in the same way.
    friend bool operator==(const basic_executor& a, const basic_executor& b) noexcept {
        return a.word_ == b.word_ && a.allocator_ == b.allocator_;
    }
    friend bool operator!=(const basic_executor& a, const basic_executor& b) noexcept { return !(a == b); }

    /// The context this executor belongs to.
    io_context& query(net::execution::context_t) const noexcept { return engine()->context; }

    /// The standard properties, as they are set.
    static constexpr net::execution::mapping_t query(net::execution::mapping_t) noexcept {
        return net::execution::mapping.thread;
    }
#if defined(AURAIO_HAS_INLINE_EXCEPTION_HANDLING)
    /// See execute().
    static constexpr net::execution::inline_exception_handling_t
    query(net::execution::inline_exception_handling_t) noexcept {
        return net::execution::inline_exception_handling.capture;
    }
#endif
    /// The standard properties, as they are set.
    constexpr net::execution::blocking_t query(net::execution::blocking_t) const noexcept {
        return has(never) ? net::execution::blocking_t(net::execution::blocking.never)
                          : net::execution::blocking_t(net::execution::blocking.possibly);
    }
    constexpr net::execution::relationship_t query(net::execution::relationship_t) const noexcept {
        return has(continuation) ? net::execution::relationship_t(net::execution::relationship.continuation)
                                 : net::execution::relationship_t(net::execution::relationship.fork);
    }
    constexpr net::execution::outstanding_work_t query(net::execution::outstanding_work_t) const noexcept {
        return has(tracked) ? net::execution::outstanding_work_t(net::execution::outstanding_work.tracked)
                            : net::execution::outstanding_work_t(net::execution::outstanding_work.untracked);
    }
    template <class Other>
    constexpr Allocator query(net::execution::allocator_t<Other>) const noexcept {
        return allocator_;
    }
    constexpr Allocator query(net::execution::allocator_t<void>) const noexcept { return allocator_; }
    detail::placement query(detail::ring_t) const noexcept { return {engine(), shard(), has(loose)}; }

    /// An executor like this one, with the property.
    basic_executor require(net::execution::blocking_t::possibly_t) const {
        return basic_executor(word_ & ~std::uintptr_t{never}, allocator_);
    }
    basic_executor require(net::execution::blocking_t::never_t) const {
        return basic_executor(word_ | never, allocator_);
    }
    basic_executor require(net::execution::relationship_t::fork_t) const {
        return basic_executor(word_ & ~std::uintptr_t{continuation}, allocator_);
    }
    basic_executor require(net::execution::relationship_t::continuation_t) const {
        return basic_executor(word_ | continuation, allocator_);
    }
    basic_executor require(net::execution::outstanding_work_t::tracked_t) const {
        return basic_executor(word_ | tracked, allocator_);
    }
    basic_executor require(net::execution::outstanding_work_t::untracked_t) const {
        return basic_executor(word_ & ~std::uintptr_t{tracked}, allocator_);
    }
    template <class Other>
    basic_executor<Other> require(net::execution::allocator_t<Other> a) const {
        return basic_executor<Other>(word_, a.value());
    }
    basic_executor<std::allocator<void>> require(net::execution::allocator_t<void>) const {
        return basic_executor<std::allocator<void>>(word_, std::allocator<void>());
    }

    /// Runs `f` now if blocking.possibly is established and this thread is one of the context's (or drives
    /// this ring, and not for a thread that drives nothing now), else later. An exception of a function that ran now
    /// leaves run(), not this call.
    template <class F>
    void execute(F&& f) const {
        if (!has(never) && runs_now<F>(f))
            return;
        auto& op = detail::executor_op<std::decay_t<F>, Allocator>::create(std::forward<F>(f), allocator_);
        AURAIO_WHEN_TRACKING(track(op, "execute");)
        submit(op, has(continuation));
    }

    /// Whether dispatch() in the calling thread would run its function at once. With takeover_after not on a ring
    /// whose strand what runs now was not promised: others may take it at any moment.
    bool running_in_this_thread() const noexcept { return runs_here() && !may_lose(); }

    /// The ring this executor is bound to; false for a context-bound one.
    bool is_ring_bound() const noexcept { return has(ring_bound); }

#if defined(AURAIO_HAS_TS_EXECUTORS)
    // The Networking TS executor interface, where the Asio version in use still has it.
    io_context& context() const noexcept { return engine()->context; }
    void on_work_started() const noexcept { engine()->track(); }
    void on_work_finished() const noexcept { engine()->untrack(); }

    template <class F, class OtherAllocator>
    void dispatch(F&& f, const OtherAllocator& a) const {
        if (!runs_now<F>(f))
            submit_by("dispatch", std::forward<F>(f), a, false);
    }
    template <class F, class OtherAllocator>
    void post(F&& f, const OtherAllocator& a) const {
        submit_by("post", std::forward<F>(f), a, false);
    }
    template <class F, class OtherAllocator>
    void defer(F&& f, const OtherAllocator& a) const {
        submit_by("defer", std::forward<F>(f), a, true);
    }
#endif

private:
    friend class io_context;
    template <class>
    friend class basic_executor;

    // The word is the address of a shard (ring_bound) or of an engine; both are aligned to 64 bytes. One word
    // and not two: copying is what executors do all day, and a pair is copied by loads that stall on the
    // stores before them.
    enum bit : std::uintptr_t {
        never = 1,
        continuation = 2,
        tracked = 4,
        ring_bound = 8,
        loose = 16,
        all_bits = 31
    };

    basic_executor(std::uintptr_t word, const Allocator& a) noexcept
        : word_(word)
        , allocator_(a) {
        count_in();
    }
    explicit basic_executor(detail::context_engine& e) noexcept
        : basic_executor(reinterpret_cast<std::uintptr_t>(&e), Allocator()) {
        static_assert(alignof(detail::context_engine) > all_bits);
        static_assert(alignof(core::shard) > all_bits);
    }
    explicit basic_executor(core::shard& s, std::uintptr_t bits = ring_bound) noexcept
        : basic_executor(reinterpret_cast<std::uintptr_t>(&s) | bits, Allocator()) {}

    core::shard* shard() const noexcept {
        return has(ring_bound) ? reinterpret_cast<core::shard*>(word_ & ~std::uintptr_t{all_bits}) : nullptr;
    }
    detail::context_engine* engine() const noexcept {
        // By the bit, not by shard() != nullptr: GCC would follow the impossible case of both and warn in the
        // user's program (-Wstringop-overflow at -O3).
        if (has(ring_bound))
            return static_cast<detail::context_engine*>(&shard()->owner());
        return reinterpret_cast<detail::context_engine*>(word_ & ~std::uintptr_t{all_bits});
    }
    constexpr bool has(bit b) const noexcept { return (word_ & b) != 0; }

    void count_in() const noexcept {
        if (has(tracked)) [[unlikely]]
            engine()->track();
    }
    void count_out() const noexcept {
        if (has(tracked)) [[unlikely]]
            engine()->untrack();
    }
    void swap(basic_executor& other) noexcept {
        std::swap(word_, other.word_);
        if constexpr (!std::is_empty_v<Allocator>) { // allocators need not be assignable: rebuild
            Allocator mine(std::move(allocator_));
            std::destroy_at(&allocator_);
            std::construct_at(&allocator_, std::move(other.allocator_));
            std::destroy_at(&other.allocator_);
            std::construct_at(&other.allocator_, std::move(mine));
        }
    }

    bool runs_here() const noexcept {
        if (core::shard* s = shard())
            return s->is_current() && s->owner().running_in_this_thread();
        return engine()->running_in_this_thread();
    }
    /// Whether this thread may lose the ring before what runs now has returned.
    bool may_lose() const noexcept {
        return promises_strand() && engine()->takes_over() &&
               core::this_thread_mark().state() != core::thread_mark::inside;
    }

    bool promises_strand() const noexcept { return (word_ & (ring_bound | loose)) == ring_bound; }

    /// Moves from `f` only if it runs.
    template <class F>
    bool runs_now(std::remove_reference_t<F>& f) const {
        if (!promises_strand()) {
            if (!runs_here())
                return false;
            invoke_now(std::forward<F>(f));
            return true;
        }
        // On a strand of those who asked for it: until the function has returned nobody takes the ring over.
        const core::mark_entry entry;
        if (!runs_here() || !shard()->keeps_only_itself())
            return false;
        invoke_now(std::forward<F>(f));
        return true;
    }

    template <class F>
    void invoke_now(F&& f) const {
        std::decay_t<F> local(std::forward<F>(f));
        try {
            std::move(local)();
        } catch (...) {
            engine()->capture_exception();
        }
    }

    template <class F, class OtherAllocator>
    void submit_by([[maybe_unused]] const char* name, F&& f, const OtherAllocator& a, bool stays_here) const {
        auto& op = detail::executor_op<std::decay_t<F>, OtherAllocator>::create(std::forward<F>(f), a);
        AURAIO_WHEN_TRACKING(track(op, name);)
        submit(op, stays_here);
    }

    AURAIO_WHEN_TRACKING(template <class Op> void track(Op& op, const char* name) const {
        detail::track_creation(*engine(), op, {"io_context", &detail::context_of(*engine())}, 0, name);
    })

    void submit(core::operation& op, bool stays_here) const {
        op.set_leaves(!promises_strand());
        if (core::shard* s = shard()) {
            s->post(op);
            return;
        }
        if (stays_here) {
            if (core::shard* current = engine()->current_shard()) {
                current->post(op);
                return;
            }
        }
        engine()->post_shared(op);
    }

    std::uintptr_t word_;
    [[no_unique_address]] Allocator allocator_;
};

/// What objects of aura are built on by default.
using executor = basic_executor<>;

namespace detail {

#if defined(AURAIO_NO_TYPEID)
/// Where Asio tells types apart without RTTI, by addresses that it shows to derived classes only.
struct type_ids : net::execution::detail::any_executor_base {
    template <class Target>
    static const void* of() {
        return any_executor_base::target_type_ex<Target>();
    }
};
template <class Target>
bool holds(const net::any_io_executor& e) noexcept {
    return e.target_type() == type_ids::of<Target>();
}
#else
template <class Target>
bool holds(const net::any_io_executor& e) noexcept {
    return e.target_type() == typeid(Target);
}
#endif

/// What is inside a type-erased executor, if it is a Target; else null. Not any_io_executor's own target(),
/// which in Asio 1.22 takes the caller's word for the type.
template <class Target>
const Target* target_of(const net::any_io_executor& e) noexcept {
    return holds<Target>(e) ? e.template target<Target>() : nullptr;
}

/// Ours, or derived from ours (the executors of `use_awaitable_t<>::as_default_on` are).
template <class E>
concept plain_executor = requires(const E& e) { []<class A>(const basic_executor<A>&) {}(e); };

} // namespace detail
AURAIO_CLOSE

#endif

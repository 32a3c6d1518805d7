// request_slot: where an operation of the C library lives, from its start to the end of its callback.
#pragma once

#include "auraio/aura.h"

#include "auraio/core/base/thread_mark.hpp"
#include "auraio/core/io/io_operation.hpp"
#include "auraio/core/timer/timer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace aura::capi {

class request_slot;

/// How a completed operation shows itself while its callback runs, in which others may take its ring; see takeover.
struct departure {
    core::thread_mark::handler_id leaving = core::thread_mark::inside; ///< that: they may not
    unsigned expected_long = 0;                                        ///< of the operation
    bool remotely = false;                                             ///< its work is counted in the engine
};

/// An operation of the engine whose end is a request's.
class io_part final : public core::extended_operation {
public:
    io_part(request_slot& owner, const core::io_request& r) noexcept
        : core::extended_operation(&run, r)
        , owner_(owner) {
        set_leaves_by_itself();
    }
    using core::io_operation::cancel_before_start;

private:
    friend const void* callback_of(const core::operation& op) noexcept;
    static void run(core::operation& base, core::action what);
    request_slot& owner_;
};

/// The same for a timeout: a timer with one wait. Freed when the shard has forgotten the timer.
class timeout_part final : public core::timer {
public:
    class wait_part final : public core::wait_operation {
    public:
        explicit wait_part(timeout_part& t) noexcept
            : core::wait_operation(&run)
            , timer_(t) {
            set_leaves_by_itself();
        }

    private:
        friend const void* callback_of(const core::operation& op) noexcept;
        static void run(core::operation& base, core::action what);
        timeout_part& timer_;
    };

    timeout_part(request_slot& owner, core::shard& home) noexcept
        : core::timer(home, kind)
        , owner_(owner)
        , wait_(*this) {}
    void start(core::nanoseconds_t deadline) { wait(wait_, deadline); }
    wait_part& waiting() noexcept { return wait_; }

private:
    static void free(core::timer& t);
    static constexpr behaviour kind{nullptr, &free};

    friend const void* callback_of(const core::operation& op) noexcept;
    request_slot& owner_;
    wait_part wait_;
};

/// The end of a registration, which somebody waits for.
class unregister_part final : public core::operation {
public:
    explicit unregister_part(request_slot& owner) noexcept
        : core::operation(&run)
        , owner_(owner) {
        set_leaves_by_itself();
    }

private:
    static void run(core::operation& base, core::action what);
    request_slot& owner_;
};

/// Carries a cancellation to the shard of its operation. Each slot has one, so that cancelling needs no
/// memory; it may be on its way, to a shard of before, for an operation that is over.
class cancel_note final : public core::operation {
public:
    explicit cancel_note(request_slot& owner) noexcept
        : operation(&run)
        , owner_(owner) {
        set_message(true);
    }
    /// Any thread. False when it is on its way already. Acquire pairs with the release of run(), which has
    /// read life_ by then.
    bool take(std::uint64_t life) noexcept {
        if (on_its_way_.exchange(true, std::memory_order_acquire))
            return false;
        life_ = life;
        return true;
    }

private:
    static void run(core::operation& base, core::action what);
    request_slot& owner_;
    std::uint64_t life_ = 0;
    std::atomic<bool> on_its_way_{false};
};

/// A slot that holds one operation after another. Slots are never freed, so that a handle can be asked about
/// at any time; what tells one operation from the next in the same slot is the generation.
///
/// `life` is generation * 4 + stage. The thread that drives home() moves it from pending to ending, and the
/// same thread on to free, though others may have taken home() from it in the callback: that a slot is pending
/// is exact for who drives home(), and nobody else touches one that is ending. The thread that starts an
/// operation moves it from free to pending.
class alignas(64) request_slot {
public:
    enum stage : std::uint64_t { free = 0, pending = 1, ending = 2 };
    static constexpr unsigned generation_bits = 40;
    static constexpr unsigned index_bits = 24;

    explicit request_slot(std::uint32_t index) noexcept
        : index_(index) {}
    request_slot(const request_slot&) = delete;

    // ---- the thread that starts it ----
    void prepare(aura_engine& engine, core::shard& home, aura_op_type_t type, int fd,
                 aura_callback_t callback, void* user_data) noexcept {
        home_.store(&home, std::memory_order_release);
        engine_.store(&engine, std::memory_order_release);
        user_data_.store(user_data, std::memory_order_release);
        fd_.store(fd, std::memory_order_release);
        type_.store(type, std::memory_order_release);
        callback_ = callback;
        successor_ = nullptr;
    }
    io_part& make_io(const core::io_request& r) noexcept { return *::new (&storage_) io_part(*this, r); }
    timeout_part& make_timeout(core::shard& home) noexcept {
        return *::new (&storage_) timeout_part(*this, home);
    }
    unregister_part& make_unregister() noexcept { return *::new (&storage_) unregister_part(*this); }
    /// From here on the handle is valid. A linked operation waits for another to start it.
    aura_request_t* publish(bool waits_for_another) noexcept {
        started_ = !waits_for_another;
        life_.store(life_.load(std::memory_order_relaxed) + pending, std::memory_order_release);
        return handle();
    }
    /// Takes publish() back for an operation whose handle nobody was given.
    void withdraw() noexcept;
    /// `next` starts when this has succeeded. `all_asked_for`: the request asks the kernel for everything
    /// that the program has asked for; else it can end well, but not succeed.
    void link(request_slot& next, bool all_asked_for) noexcept {
        successor_ = &next;
        io().set_leaves(false); // see io_part::run()
        all_asked_for_ = all_asked_for;
    }

    // ---- the thread that drives its shard ----
    void cancel_here() noexcept;
    void start_linked(bool predecessor_succeeded) noexcept;
    /// Runs the callback; the slot is not free yet.
    void end(int result, const departure& d = {}) noexcept;
    void end_linked(int result) noexcept; ///< the same for operations that were waiting for this one
    void recycle() noexcept;
    bool succeeded(const core::short_request& r, int result) const noexcept;
    bool has_successor() const noexcept { return successor_ != nullptr; }

    // ---- any thread ----
    std::uint64_t life() const noexcept { return life_.load(std::memory_order_acquire); }
    core::shard& home() const noexcept { return *home_.load(std::memory_order_acquire); }
    aura_engine* engine() const noexcept { return engine_.load(std::memory_order_acquire); }
    void* user_data() const noexcept { return user_data_.load(std::memory_order_acquire); }
    int fd() const noexcept { return fd_.load(std::memory_order_acquire); }
    aura_op_type_t type() const noexcept { return type_.load(std::memory_order_acquire); }

    request_slot* next_free = nullptr; // of the list it is on

    cancel_note& note() noexcept { return note_; }

    /// While it is pending.
    aura_callback_t owed_callback() const noexcept { return callback_; }

private:
    aura_request_t* handle() const noexcept {
        const std::uint64_t generation = life_.load(std::memory_order_relaxed) >> 2;
        return reinterpret_cast<aura_request_t*>(generation << index_bits | index_);
    }
    io_part& io() noexcept { return *std::launder(reinterpret_cast<io_part*>(&storage_)); }
    timeout_part& timeout() noexcept { return *std::launder(reinterpret_cast<timeout_part*>(&storage_)); }

    std::atomic<std::uint64_t> life_{std::uint64_t{1} << 2};

    // Written while the slot is free, with release; a reader checks that life_ is the same before and after
    // reading them. The acquire on each makes sure that whoever read a later operation's value sees at least
    // the generation of that operation at its second look.
    std::atomic<core::shard*> home_{nullptr};
    std::atomic<aura_engine*> engine_{nullptr};
    std::atomic<void*> user_data_{nullptr};
    std::atomic<int> fd_{-1};
    std::atomic<aura_op_type_t> type_{AURA_OP_READ};

    aura_callback_t callback_ = nullptr;
    request_slot* successor_ = nullptr; // starts when this has succeeded
    const std::uint32_t index_;
    bool started_ = false;
    bool all_asked_for_ = true; // of one with a successor

    static constexpr std::size_t storage_size = sizeof(io_part) > sizeof(timeout_part) ? sizeof(io_part)
                                                                                       : sizeof(timeout_part);
    alignas(alignof(io_part)) std::byte storage_[storage_size];
    cancel_note note_{*this};
};

/// What a pending operation will call; null when it is none of the above, or calls nothing.
const void* callback_of(const core::operation& op) noexcept;

} // namespace aura::capi

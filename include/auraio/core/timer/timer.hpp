// timer: the engine's half of a waitable timer: a deadline, the operations that wait for it, exact counts.
#pragma once

#include "auraio/core/base/spin_lock.hpp"
#include "auraio/core/io/backend.hpp"
#include "auraio/core/timer/clock_queue.hpp"
#include "auraio/core/timer/timer_queue.hpp"

#include <cstddef>

namespace aura::core {

class timer;
struct home_choice;

/// A wait for a timer. result() is 0 (expired) or -ECANCELED.
class wait_operation : public cancellable_operation {
public:
    int result() const noexcept { return result_; }

    // The shard's driver; see stays_pending().
    void on_arrive();
    void on_cancel();

protected:
    explicit wait_operation(function f) noexcept
        : cancellable_operation(f) {
        result_ = 0;
    }
    ~wait_operation() = default;

private:
    friend class timer;
    timer* timer_ = nullptr;
};

/// Lives on one shard and on the heap, for the reasons given at descriptor. The object side calls from any
/// thread (one at a time), the shard side fires; a spin lock decides who claims a wait, so that cancel()
/// returns true counts from any thread, before run() too. Only the clean-up of the queue hops to the shard.
class timer : private timer_node, private operation {
public:
    /// Adds a wait that ends at `deadline`; object side. Replaces the deadline of earlier waits.
    void wait(wait_operation& op, nanoseconds_t deadline);

    /// Ends all waits, or the oldest, with ECANCELED; object side. Returns how many: exactly those that have
    /// not been claimed by expiry or by another cancellation.
    std::size_t cancel();
    std::size_t cancel_one();

    /// As cancel(), but expects that a wait with another deadline follows: leaves the queue as it is.
    std::size_t cancel_for_rearm();

    /// The owner lets go; object side. Cancels the waits; the memory goes when the shard has forgotten it.
    void forget();

    shard& home() const noexcept { return *home_; }

    /// Object side, before a wait is started: whether the choice of its home is still open; then, whether it is
    /// to be made anew, and where.
    bool may_settle() const noexcept { return open_ != 0; }
    bool settle(home_choice& there) noexcept;

protected:
    /// What differs between kinds of timers; one static object for each kind.
    struct behaviour {
        const clock_kind* clock; ///< Null for the monotonic clock; any other makes it a clock_timer.
        void (*free)(timer&);
    };

    timer(shard& home, const behaviour& b) noexcept;
    timer(home_choice home, const behaviour& b) noexcept;
    ~timer() = default;

private:
    friend class clock_timer;
    friend class inspection;
    friend class shard;
    friend class wait_operation;

    static void run(operation& base, action what);
    static timer& from(timer_node& node) noexcept { return static_cast<timer&>(node); }

    // Shard side.
    void fire(nanoseconds_t now);
    void abandon();
    void arrived();
    void wait_arrived(wait_operation& op);
    bool claim(wait_operation& op);

    bool start_wait(wait_operation& op, bool here, nanoseconds_t deadline);

    // Lock held.
    void arm_locked();
    bool unused_locked();
    std::size_t take_locked(op_queue& out, std::size_t limit);

    std::size_t end_waits(std::size_t limit, bool here);
    void finish(op_queue& waits, int result, bool here);
    void finish_from_afar(op_queue& waits, int result);

    // Small members first: they fit into the padding of the bases. A timer with its handle stays within 128
    // bytes.
    bool known_to_shard_ = false; // object side
    // Guarded by lock_, as are deadline_ and waits_; the timer_node base belongs to the shard side.
    bool message_under_way_ = false;
    bool forgotten_ = false;
    std::uint16_t open_ = 0; // object side: see home_choice
    spin_lock lock_;
    std::uint32_t in_transit_ = 0; // waits claimed from afar that have not reached the shard
    shard* const home_;
    const behaviour& behaviour_;
    nanoseconds_t deadline_ = 0;
    op_queue waits_;
};

/// A timer on a clock that is not the monotonic one: it may be set, stand still or have a pace of its own.
/// Its place is in the queue of its clock (clock_queues); for the rest it is a timer, and its calls hide
/// those of the base where that place plays a part.
class clock_timer : public timer, private clock_node {
public:
    /// Adds a wait that ends when the clock comes to the time the timer is set to; object side. That will not
    /// be before `look_at`, on the monotonic clock, if nobody sets the other.
    void wait(wait_operation& op, nanoseconds_t look_at);

    std::size_t cancel(); ///< as timer's

protected:
    clock_timer(home_choice home, const behaviour& b) noexcept;
    ~clock_timer();

    // For clock_kind.
    static clock_timer& from(clock_node& node) noexcept { return static_cast<clock_timer&>(node); }
    static const clock_timer& from(const clock_node& node) noexcept {
        return static_cast<const clock_timer&>(node);
    }
    static timer_node& in_wheel(clock_node& node) noexcept { return from(node); }

private:
    friend class inspection;
    friend class shard;
    friend class timer;

    // Shard side. The lock is held, or the object side is this thread.
    void arm_in_clock();

    void expire();
    void leave_clock();
};

} // namespace aura::core

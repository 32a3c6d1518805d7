// Timers on clocks that may be set: in the order of their own clock, whatever that clock does meanwhile.
#pragma once

#include "auraio/core/timer/timer_queue.hpp"

#include <utility>

namespace aura::core {

class clock_heap;
class clock_node;

/// What the engine has to know of a clock; one static object for each, whose address is the clock's name. The
/// functions of a user stand behind it, for the types of the clock's times are unknown here.
struct clock_kind {
    /// Whether the clock comes to the time of `a` before it comes to that of `b`. A strict weak order.
    bool (*earlier)(const clock_node& a, const clock_node& b);
    /// Whether its timer has been set to another time than the one the node has.
    bool (*moved)(const clock_node& node);
    /// Gives a node that is not queued the time its timer has been set to.
    void (*renew)(clock_node& node);
    /// Reads the clock, once, and then takes everything from the heap whose time has come. Returns for how
    /// long nothing has to be done with what is left there: not 0.
    std::uint64_t (*take_due)(clock_heap& heap);
    /// The link by which it waits in the wheel while it is the first of its clock.
    timer_node& (*in_wheel)(clock_node& node);
};

/// The part of a timer that a clock's heap links. Stays where it is while queued, and so does its time.
class clock_node {
public:
    explicit clock_node(const clock_kind& kind) noexcept
        : kind_(&kind) {}
    clock_node(const clock_node&) = delete;
    clock_node& operator=(const clock_node&) = delete;
    ~clock_node() { assert(!queued() && "a queued timer was destroyed: remove it first"); }

    [[nodiscard]] bool queued() const noexcept { return number_ != 0; }

private:
    friend class clock_heap;
    friend class clock_queues;
    friend class inspection;

    const clock_kind* const kind_;
    clock_node* first_child_ = nullptr;
    clock_node* next_ = nullptr; // the next child of its parent; of a first node, that of the next clock
    clock_node* prev_ = nullptr; // the child before it, or the parent of a first child; null for a first node
    std::uint64_t number_ = 0;   // in the order of insertion, which is that of equal times; 0: not queued
};

/// The timers of one clock: a pairing heap, in the memory of the timers alone.
///
/// First in, first out among equal times. insert: O(1). remove, take_first: O(log n) amortised.
///
/// Origin: M. L. Fredman, R. Sedgewick, D. D. Sleator and R. E. Tarjan, "The pairing heap: a new form of
/// self-adjusting heap", Algorithmica 1(1), 1986.
class clock_heap {
public:
    /// Takes over what has this node as its first; null for nothing.
    explicit clock_heap(clock_node* first) noexcept
        : first_(first) {}
    clock_heap(const clock_heap&) = delete;

    /// The one that is due before all others; null when there is none.
    [[nodiscard]] clock_node* first() const noexcept { return first_; }

    /// Takes out the first, of a heap that has one. What is taken is for the owner of the heap to fire.
    void take_first();

private:
    friend class clock_queues;

    static bool precedes(const clock_node& a, const clock_node& b);
    static clock_node* meld(clock_node* a, clock_node* b);
    static clock_node* meld_children(clock_node& parent);
    void insert(clock_node& node);
    void remove(clock_node& node);

    clock_node* first_;
    clock_node* taken_ = nullptr; // linked by next_, in the order they were taken
    clock_node** end_of_taken_ = &taken_;
};

/// The timers of a shard on clocks other than the monotonic one, as many clocks as there are.
///
/// A clock that may be set gives no time by the monotonic clock at which one of its timers is due, only one
/// at which to look at it again. So of each clock one node, the first, stands in the timing wheel, for the
/// time at which any of its timers wanted to be looked at: never later than the first is due if nobody sets
/// the clock. It may be earlier than needed after the first was removed, which costs one look that finds
/// nothing due.
///
/// As timer_queue: single owner, no clock inside, nothing is allocated.
class clock_queues {
public:
    explicit clock_queues(timer_queue& wheel) noexcept
        : wheel_(wheel) {}
    clock_queues(const clock_queues&) = delete;
    ~clock_queues() { assert(empty() && "timers outlive their queue"); }

    [[nodiscard]] bool empty() const noexcept { return clocks_ == nullptr; }

    /// Queues a node that is not queued, for the time it has; its clock is looked at by `look_at`.
    void insert(clock_node& node, std::uint64_t look_at);

    /// Takes a node out.
    void remove(clock_node& node);

    /// Has the clock of a queued node looked at by this time.
    void look_by(const clock_node& node, std::uint64_t look_at) noexcept;

    /// Reads every clock, and calls `fire` for each node whose time has come, which is not queued any more:
    /// in the order of their times, clock by clock. Nodes may be inserted and removed by `fire`, but not
    /// those that it has yet to be called for. For when the wheel gives back a first node, or anything at
    /// all: a clock may have been set, and we are awake.
    template <class Fire>
    void look(std::uint64_t now, Fire fire) {
        for (clock_node* due = take_due(now); due != nullptr;) {
            clock_node& node = *due;
            due = std::exchange(node.next_, nullptr);
            fire(node);
        }
    }

private:
    friend class inspection;

    clock_node* take_due(std::uint64_t now);
    clock_node** place_of(const clock_node& node) noexcept;
    void arm(clock_node& first, std::uint64_t look_at) noexcept;
    std::uint64_t disarm(clock_node& first) noexcept;

    timer_queue& wheel_;
    clock_node* clocks_ = nullptr; // the first of each clock
    std::uint64_t last_number_ = 0;
};

} // namespace aura::core

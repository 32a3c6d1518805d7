// The timers of one shard, ordered by deadline: a hierarchical timing wheel over exact nanoseconds.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace aura::core {

/// The part of a timer that the queue links. Embedded in the timer object; stays where it is while queued.
class timer_node {
public:
    timer_node() noexcept = default;
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;
    ~timer_node() { assert(!queued() && "a queued timer was destroyed: remove it first"); }

    /// Nanoseconds on the monotonic clock. Keeps its value after the node has left the queue.
    [[nodiscard]] std::uint64_t deadline() const noexcept { return deadline_; }

    [[nodiscard]] bool queued() const noexcept { return next_ != nullptr; }

private:
    friend class inspection;
    friend class timer_queue;

    timer_node* next_ = nullptr; // circular within a slot, null while not queued
    timer_node* prev_ = nullptr;
    std::uint64_t deadline_ = 0;
};

/// Timers in deadline order, first in first out among equal deadlines.
///
/// Single owner: no member may run concurrently with another. No clock inside: the time comes in as an
/// argument. Nothing is allocated and no function fails. Every 64-bit deadline is legal; UINT64_MAX says
/// "never", and is due only when `now_ns` is UINT64_MAX too, which is also how to empty the queue before
/// destroying it.
///
/// ### How it works
///
/// `base_` is a time that everything in the wheel is at or after. Deadlines are read as eleven digits of six
/// bits; a node lives at the *level* of the highest digit in which its deadline differs from `base_`, in the
/// *slot* numbered by that digit of the deadline. Hence a lower level is always earlier than a higher one, a
/// lower slot earlier than a higher one of its level, and a slot of level 0 holds one single nanosecond: two
/// bit scans find the earliest slot, and nothing is ever sorted. Where a node lives follows from its deadline
/// and `base_`, so a node does not store it.
///
/// When the earliest slot falls due and holds several deadlines, `base_` moves to the earliest of them and
/// the slot's nodes are dealt out again: all land on lower levels, so one node is moved at most ten times in
/// its life, however far time jumps; a node that is removed before it falls due is usually never moved at
/// all. That is why set-and-cancel, the life of a time-out, costs two list operations whatever the number of
/// timers.
///
/// A slot remembers the earliest deadline it was given. Removing that node leaves the value behind (finding
/// the next one would mean a scan), until the slot is down to one node or empty: the price is at most one
/// wake-up that finds nothing due, after which the slot has been dealt out and its values are exact.
///
/// Deadlines before `base_` (timers that were started late) go to a list of their own that is sorted when the
/// next one is popped: they are few, and a burst of n of them must not cost n squared.
///
/// ### Cost
///
/// insert, remove, next_deadline: O(1). pop_due: O(1) amortised over the at most ten moves of each node, plus
/// O(n log n) for n late nodes inserted out of order since the last call. 24 bytes per timer, 11 KiB per
/// queue.
///
/// ### Origin
///
/// Hierarchical timing wheels: G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987.
/// Addressing by the highest digit that differs from the last minimum, and dealing out from the minimum
/// rather than from a ticking clock, is the radix heap: R. K. Ahuja, K. Mehlhorn, J. Orlin and R. E. Tarjan,
/// "Faster algorithms for the shortest path problem", J. ACM 37(2), 1990.
class timer_queue {
public:
    /// What next_deadline() answers when there is nothing to wait for.
    static constexpr std::uint64_t never = UINT64_MAX;

    /// Any `now_ns` that is not in the future will do; the present one gives the finest slots from the start.
    explicit timer_queue(std::uint64_t now_ns = 0) noexcept
        : base_(now_ns) {}
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;
    ~timer_queue() { assert(empty() && "timers outlive their queue: pop or remove them first"); }

    /// Queues a node that is not queued. O(1).
    void insert(timer_node& node, std::uint64_t deadline_ns) noexcept;

    /// Takes a node out of the queue that it is in. O(1).
    void remove(timer_node& node) noexcept;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// The time to sleep until: never later than the earliest deadline, and equal to it unless the node that
    /// had this deadline was removed. Once that time has come, pop_due() makes the answer exact. O(1).
    [[nodiscard]] std::uint64_t next_deadline() const noexcept;

    /// Takes out the next node whose deadline is not after `now_ns`; null when there is none. Nodes may be
    /// inserted and removed between two calls, the popped one included. `now_ns` should not run backwards
    /// (earlier values find less, and do no harm) nor be in the future (later inserts would all count as
    /// late).
    [[nodiscard]] timer_node* pop_due(std::uint64_t now_ns) noexcept;

private:
    friend class inspection;

    static constexpr unsigned digit_bits = 6;
    static constexpr unsigned slots_per_level = 1U << digit_bits;
    static constexpr unsigned level_count = (64 + digit_bits - 1) / digit_bits;

    // A circular list and a lower bound of its deadlines, `never` when empty.
    struct slot {
        timer_node* head = nullptr;
        std::uint64_t earliest = never;
    };

    // Which slot of the wheel: slots_[level][index].
    struct position {
        unsigned level;
        unsigned index;
    };

    static void append(slot& to, timer_node& node) noexcept;
    static void unlink(slot& from, timer_node& node) noexcept;
    static timer_node* take_run(timer_node*& rest) noexcept;
    static timer_node* merge(timer_node* first, timer_node* second) noexcept;

    [[nodiscard]] position position_of(std::uint64_t deadline) const noexcept;
    [[nodiscard]] position earliest_slot() const noexcept;
    void place(timer_node& node) noexcept;
    void mark_empty(position at) noexcept;
    void deal_out(position at) noexcept;
    void advance_base(position earliest, std::uint64_t now) noexcept;

    void insert_late(timer_node& node) noexcept;
    void sort_late() noexcept;
    timer_node* pop_late(std::uint64_t now) noexcept;

    std::uint64_t base_;
    std::size_t size_ = 0;
    std::uint64_t occupied_levels_ = 0; // bit l: some slot of level l holds a node
    bool late_sorted_ = true;
    slot late_; // deadlines before base_
    std::array<std::uint64_t, level_count> occupied_slots_{};
    std::array<std::array<slot, slots_per_level>, level_count> slots_{};
};

// The slot before all others; there must be one.
inline timer_queue::position timer_queue::earliest_slot() const noexcept {
    const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));
    return {level, static_cast<unsigned>(std::countr_zero(occupied_slots_[level]))};
}

// Inline because every turn of the loop asks.
inline std::uint64_t timer_queue::next_deadline() const noexcept {
    if (late_.head != nullptr) [[unlikely]]
        return late_.earliest;
    if (occupied_levels_ == 0)
        return never;
    const position at = earliest_slot();
    return slots_[at.level][at.index].earliest;
}

} // namespace aura::core

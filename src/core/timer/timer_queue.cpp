// Bodies of the timing wheel; the class comment explains the algorithm and its invariants.
#include "auraio/core/timer/timer_queue.hpp"

#include <bit>

namespace aura::core {

// --- the public operations ---

void timer_queue::insert(timer_node& node, std::uint64_t deadline_ns) noexcept {
    assert(!node.queued());
    node.deadline_ = deadline_ns;
    ++size_;
    if (deadline_ns < base_) [[unlikely]]
        insert_late(node);
    else
        place(node);
}

void timer_queue::remove(timer_node& node) noexcept {
    assert(node.queued());
    --size_;
    // base_ never passes a node of the wheel, so this tells the two lists apart as it did at insertion.
    if (node.deadline_ < base_) [[unlikely]] {
        unlink(late_, node);
        return;
    }
    const position at = position_of(node.deadline_);
    slot& from = slots_[at.level][at.index];
    unlink(from, node);
    if (from.head == nullptr)
        mark_empty(at);
}

timer_node* timer_queue::pop_due(std::uint64_t now_ns) noexcept {
    // Everything late is before base_, everything in the wheel is not.
    if (late_.head != nullptr) [[unlikely]]
        return pop_late(now_ns);
    while (occupied_levels_ != 0) {
        const position at = earliest_slot();
        slot& earliest = slots_[at.level][at.index];
        if (earliest.earliest > now_ns) {
            advance_base(at, now_ns);
            return nullptr;
        }
        base_ = earliest.earliest;
        timer_node* node = earliest.head;
        if (at.level == 0 || node->next_ == node) { // one deadline only, and it is base_
            unlink(earliest, *node);
            if (earliest.head == nullptr)
                mark_empty(at);
            --size_;
            return node;
        }
        deal_out(at);
    }
    base_ = now_ns; // nothing is queued: any base will do
    return nullptr;
}

// --- the wheel ---

// Where a deadline that is not before base_ belongs.
timer_queue::position timer_queue::position_of(std::uint64_t deadline) const noexcept {
    // The lowest bit is set so that a deadline equal to base_ falls on level 0 too.
    const auto highest_bit = static_cast<unsigned>(63 - std::countl_zero((deadline ^ base_) | 1));
    const unsigned level = highest_bit / digit_bits;
    return {level, static_cast<unsigned>(deadline >> (level * digit_bits)) % slots_per_level};
}

// Links a node into the slot of its deadline.
void timer_queue::place(timer_node& node) noexcept {
    const position at = position_of(node.deadline_);
    append(slots_[at.level][at.index], node);
    occupied_slots_[at.level] |= std::uint64_t{1} << at.index;
    occupied_levels_ |= std::uint64_t{1} << at.level;
}

// Clears the bits of a slot that has lost its last node.
void timer_queue::mark_empty(position at) noexcept {
    occupied_slots_[at.level] &= ~(std::uint64_t{1} << at.index);
    if (occupied_slots_[at.level] == 0)
        occupied_levels_ &= ~(std::uint64_t{1} << at.level);
}

// Moves the nodes of the earliest slot, which base_ has entered, to lower levels. These are all empty (or
// there would be an earlier slot) and the order of the list is kept, so equal deadlines stay first in first
// out.
void timer_queue::deal_out(position at) noexcept {
    slot& from = slots_[at.level][at.index];
    timer_node* node = from.head;
    node->prev_->next_ = nullptr;
    from = slot{};
    mark_empty(at);
    while (node != nullptr) {
        timer_node* next = node->next_;
        place(*node);
        node = next;
    }
}

// Follows the clock while nothing is due, so that new nodes are placed by their distance from the present.
// Stops before the earliest slot: to enter it would mean dealing it out, and most of its nodes may yet be
// removed.
void timer_queue::advance_base(position earliest, std::uint64_t now) noexcept {
    const unsigned shift = earliest.level * digit_bits;
    const std::uint64_t slot_begin =
        ((base_ >> shift) & ~std::uint64_t{slots_per_level - 1}) | earliest.index;
    if (now > base_ && (now >> shift) < slot_begin)
        base_ = now;
}

// --- late nodes ---

void timer_queue::insert_late(timer_node& node) noexcept {
    if (late_.head == nullptr)
        late_sorted_ = true;
    else if (node.deadline_ < late_.head->prev_->deadline_)
        late_sorted_ = false;
    append(late_, node);
}

timer_node* timer_queue::pop_late(std::uint64_t now) noexcept {
    if (!late_sorted_)
        sort_late();
    timer_node* node = late_.head;
    assert(node != nullptr);
    late_.earliest = node->deadline_;
    if (node->deadline_ > now)
        return nullptr;
    unlink(late_, *node);
    if (late_.head != nullptr)
        late_.earliest = late_.head->deadline_;
    --size_;
    return node;
}

// Stable merge sort that starts from the runs already in order: linear when one node was added out of order.
void timer_queue::sort_late() noexcept {
    // sorted[i] is empty or the merge of 2^i runs, all of them before those of sorted[i - 1].
    std::array<timer_node*, 64> sorted{};
    timer_node* rest = late_.head;
    rest->prev_->next_ = nullptr;
    while (rest != nullptr) {
        timer_node* run = take_run(rest);
        std::size_t i = 0;
        for (; sorted[i] != nullptr; ++i) {
            run = merge(sorted[i], run);
            sorted[i] = nullptr;
        }
        sorted[i] = run;
    }
    timer_node* all = nullptr;
    for (timer_node* earlier : sorted)
        all = merge(earlier, all);

    late_ = slot{};
    late_sorted_ = true;
    while (all != nullptr) {
        timer_node* next = all->next_;
        append(late_, *all);
        all = next;
    }
}

// Cuts the longest ascending beginning off a null-terminated list.
timer_node* timer_queue::take_run(timer_node*& rest) noexcept {
    timer_node* run = rest;
    timer_node* last = rest;
    while (last->next_ != nullptr && last->next_->deadline_ >= last->deadline_)
        last = last->next_;
    rest = last->next_;
    last->next_ = nullptr;
    return run;
}

// Merges two null-terminated ascending lists; among equals those of `first` come first.
timer_node* timer_queue::merge(timer_node* first, timer_node* second) noexcept {
    timer_node* merged = nullptr;
    timer_node** tail = &merged;
    while (first != nullptr && second != nullptr) {
        timer_node*& earlier = second->deadline_ < first->deadline_ ? second : first;
        *tail = earlier;
        tail = &earlier->next_;
        earlier = earlier->next_;
    }
    *tail = first != nullptr ? first : second;
    return merged;
}

// --- lists ---

void timer_queue::append(slot& to, timer_node& node) noexcept {
    if (to.head == nullptr) {
        node.next_ = node.prev_ = to.head = &node;
        to.earliest = node.deadline_;
        return;
    }
    timer_node* last = to.head->prev_;
    node.next_ = to.head;
    node.prev_ = last;
    last->next_ = &node;
    to.head->prev_ = &node;
    if (node.deadline_ < to.earliest)
        to.earliest = node.deadline_;
}

void timer_queue::unlink(slot& from, timer_node& node) noexcept {
    timer_node* next = node.next_;
    timer_node* prev = node.prev_;
    node.next_ = node.prev_ = nullptr;
    if (next == &node) {
        from = slot{};
        return;
    }
    prev->next_ = next;
    next->prev_ = prev;
    if (from.head == &node)
        from.head = next;
    if (next == prev) // one node left, already in the cache: its deadline is the exact bound again
        from.earliest = next->deadline_;
}

} // namespace aura::core

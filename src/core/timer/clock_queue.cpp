// Bodies of the heaps of timers on clocks that may be set, and their places in the wheel.
#include "auraio/core/timer/clock_queue.hpp"

#include <algorithm>

namespace aura::core {

// --- the heap of one clock ---

bool clock_heap::precedes(const clock_node& a, const clock_node& b) {
    if (a.kind_->earlier(a, b))
        return true;
    return a.number_ < b.number_ && !a.kind_->earlier(b, a);
}

// Makes one tree of two, either of which may be null. Leaves the links of its root to brothers alone.
clock_node* clock_heap::meld(clock_node* a, clock_node* b) {
    if (a == nullptr)
        return b;
    if (b == nullptr)
        return a;
    if (precedes(*b, *a))
        std::swap(a, b);
    b->prev_ = a;
    b->next_ = a->first_child_;
    if (a->first_child_ != nullptr)
        a->first_child_->prev_ = b;
    a->first_child_ = b;
    return a;
}

// Makes one tree of the children: in pairs from the front, and then these from the back, which is what keeps
// the heap shallow.
clock_node* clock_heap::meld_children(clock_node& parent) {
    clock_node* pairs = nullptr;
    clock_node* rest = std::exchange(parent.first_child_, nullptr);
    while (rest != nullptr) {
        clock_node* one = rest;
        clock_node* other = one->next_;
        rest = other != nullptr ? other->next_ : nullptr;
        clock_node* pair = meld(one, other);
        pair->prev_ = nullptr;
        pair->next_ = pairs;
        pairs = pair;
    }
    clock_node* all = nullptr;
    while (pairs != nullptr) {
        clock_node* pair = pairs;
        pairs = std::exchange(pair->next_, nullptr);
        all = meld(all, pair);
    }
    return all;
}

void clock_heap::insert(clock_node& node) {
    first_ = meld(first_, &node);
}

void clock_heap::remove(clock_node& node) {
    if (&node == first_) {
        first_ = meld_children(node);
    } else {
        if (node.prev_->first_child_ == &node)
            node.prev_->first_child_ = node.next_;
        else
            node.prev_->next_ = node.next_;
        if (node.next_ != nullptr)
            node.next_->prev_ = node.prev_;
        first_ = meld(first_, meld_children(node));
    }
    node.next_ = node.prev_ = nullptr;
    node.number_ = 0;
}

void clock_heap::take_first() {
    clock_node& node = *first_;
    remove(node);
    *end_of_taken_ = &node;
    end_of_taken_ = &node.next_;
}

// --- the first of each clock, and the wheel ---

// Where the first node of its clock is named: the end of the list when there is none.
clock_node** clock_queues::place_of(const clock_node& node) noexcept {
    clock_node** place = &clocks_;
    while (*place != nullptr && (*place)->kind_ != node.kind_)
        place = &(*place)->next_;
    return place;
}

void clock_queues::arm(clock_node& first, std::uint64_t look_at) noexcept {
    wheel_.insert(first.kind_->in_wheel(first), look_at);
}

// Returns when its clock was to be looked at. It may have left the wheel, because that time has come.
std::uint64_t clock_queues::disarm(clock_node& first) noexcept {
    timer_node& node = first.kind_->in_wheel(first);
    if (node.queued())
        wheel_.remove(node);
    return node.deadline();
}

void clock_queues::look_by(const clock_node& node, std::uint64_t look_at) noexcept {
    clock_node& first = **place_of(node);
    const timer_node& armed = first.kind_->in_wheel(first);
    if (look_at < armed.deadline() || !armed.queued())
        arm(first, std::min(disarm(first), look_at));
}

void clock_queues::insert(clock_node& node, std::uint64_t look_at) {
    assert(!node.queued());
    node.number_ = ++last_number_;
    clock_node** place = place_of(node);
    clock_node* before = *place;
    if (before == nullptr) {
        *place = &node;
        arm(node, look_at);
        return;
    }
    clock_node* others = std::exchange(before->next_, nullptr);
    clock_heap heap(before);
    heap.insert(node);
    *place = heap.first();
    heap.first()->next_ = others;
    if (heap.first() == before)
        look_by(node, look_at);
    else
        arm(*heap.first(), std::min(disarm(*before), look_at));
}

void clock_queues::remove(clock_node& node) {
    assert(node.queued());
    clock_node** place = place_of(node);
    clock_node* before = *place;
    assert(before != nullptr); // the node is in there
    clock_node* others = std::exchange(before->next_, nullptr);
    clock_heap heap(before);
    heap.remove(node);
    *place = heap.first() != nullptr ? heap.first() : others;
    if (heap.first() != nullptr)
        heap.first()->next_ = others;
    if (heap.first() == before)
        return;
    const std::uint64_t look_at = disarm(*before);
    if (heap.first() != nullptr)
        arm(*heap.first(), look_at);
}

// All that is due, linked by next_. The clocks are armed anew when this returns.
clock_node* clock_queues::take_due(std::uint64_t now) {
    clock_node* due = nullptr;
    clock_node** end = &due;
    clock_node** place = &clocks_;
    while (*place != nullptr) {
        clock_node* before = *place;
        clock_node* others = before->next_;
        clock_heap heap(before);
        const std::uint64_t left = before->kind_->take_due(heap);
        disarm(*before);
        if (heap.taken_ != nullptr) {
            *end = heap.taken_;
            end = heap.end_of_taken_;
        }
        if (clock_node* first = heap.first()) {
            *place = first;
            first->next_ = others;
            arm(*first, left < timer_queue::never - 1 - now ? now + left : timer_queue::never - 1);
            place = &first->next_;
        } else {
            *place = others;
        }
    }
    return due;
}

} // namespace aura::core

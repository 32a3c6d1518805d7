// core::timer_queue checked against a std::multimap at every step, and random times for it.
#pragma once

#include "auraio/core/timer/timer_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace test {

using aura::core::timer_node;
using aura::core::timer_queue;

using nodes = std::deque<timer_node>; // nodes can't move

constexpr std::uint64_t latest = std::numeric_limits<std::uint64_t>::max();

// Empties the queue whatever its timers, as its destructor demands.
inline void drain(timer_queue& queue) {
    while (timer_node* node = queue.pop_due(latest))
        ASSERT_FALSE(node->queued());
    ASSERT_TRUE(queue.empty());
}

// Addition that stops at the end of time.
inline std::uint64_t later(std::uint64_t time, std::uint64_t distance) {
    return distance > latest - time ? latest : time + distance;
}

// The queue beside a multimap, which keeps equal keys in the order of their insertion.
class checked_queue {
public:
    explicit checked_queue(std::size_t node_count, std::uint64_t now)
        : queue_(now)
        , nodes_(node_count)
        , entries_(node_count, model_.end()) {}

    ~checked_queue() { drain(queue_); }

    std::size_t node_count() const { return nodes_.size(); }
    bool queued(std::size_t id) const { return entries_[id] != model_.end(); }
    bool empty() const { return model_.empty(); }
    std::uint64_t next_deadline() const { return queue_.next_deadline(); }
    std::uint64_t earliest() const { return model_.empty() ? latest : model_.begin()->first; }

    void insert(std::size_t id, std::uint64_t deadline) {
        queue_.insert(nodes_[id], deadline);
        entries_[id] = model_.emplace(deadline, id);
        ASSERT_EQ(nodes_[id].deadline(), deadline);
        check();
    }

    void remove(std::size_t id) {
        queue_.remove(nodes_[id]);
        model_.erase(entries_[id]);
        entries_[id] = model_.end();
        check();
    }

    // True if a timer was due; fails the test if it was not the one of the model.
    bool pop(std::uint64_t now) {
        timer_node* node = queue_.pop_due(now);
        const bool due = earliest() <= now && !model_.empty();
        EXPECT_EQ(node != nullptr, due) << "at " << now << ", the earliest is due at " << earliest();
        if (node == nullptr || !due) {
            EXPECT_TRUE(model_.empty() || queue_.next_deadline() > now)
                << "a time to sleep until that has passed";
            return false;
        }
        const std::size_t id = model_.begin()->second;
        EXPECT_EQ(node, &nodes_[id]) << "wanted " << earliest() << ", got " << node->deadline();
        model_.erase(model_.begin());
        entries_[id] = model_.end();
        check();
        return true;
    }

private:
    void check() const {
        ASSERT_EQ(queue_.size(), model_.size());
        ASSERT_EQ(queue_.empty(), model_.empty());
        ASSERT_LE(queue_.next_deadline(), earliest());
        if (model_.empty()) {
            ASSERT_EQ(queue_.next_deadline(), timer_queue::never);
        }
    }

    using model = std::multimap<std::uint64_t, std::size_t>;

    timer_queue queue_;
    nodes nodes_;
    model model_;
    std::vector<model::iterator> entries_;
};

// Random times of every magnitude: as many below a microsecond as between a year and ten.
class random_times {
public:
    explicit random_times(std::uint64_t seed)
        : engine_(seed) {}

    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    std::uint64_t distance(unsigned bits_max) { return engine_() >> (63 - below(bits_max)); }

    std::uint64_t deadline(std::uint64_t now, unsigned bits_max) {
        switch (below(8)) {
        case 0: // late, mostly by little
            return now - std::min(now, distance(bits_max));
        case 1: // many equal ones
            return later(now, below(4));
        case 2:
            return later(now, (below(16) << below(bits_max)));
        default:
            return later(now, distance(bits_max));
        }
    }

private:
    std::mt19937_64 engine_;
};

} // namespace test

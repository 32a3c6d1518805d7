// event_queue: what happens next, in virtual time.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

namespace simulation {

/// Virtual time in nanoseconds.
using time_ns = std::uint64_t;

enum class event_kind : std::uint32_t {
    tick,         // of the controller
    arrival,      // of an open-loop client: index is the client
    burst,        // of a client that sends in bursts: index is the client
    granted,      // a throttle has let a request through
    served,       // a server has finished a request
    done,         // the device has completed a request
    neighbour_on, // another user of the device comes, or goes
    neighbour_off,
    turn_over, // a ring has run its handlers and submits: index is the ring
    change,    // the device becomes another one: index is the segment
};

struct event {
    time_ns time;
    std::uint32_t sequence; // among equal times, first in first out
    event_kind kind;
    std::uint32_t index;

    bool operator>(const event& other) const noexcept {
        return time != other.time ? time > other.time : sequence > other.sequence;
    }
};

class event_queue {
public:
    void at(time_ns time, event_kind kind, std::uint32_t index) {
        events_.push({time, sequence_++, kind, index});
    }
    event pop() {
        event next = events_.top();
        events_.pop();
        return next;
    }
    bool empty() const { return events_.empty(); }

private:
    std::priority_queue<event, std::vector<event>, std::greater<>> events_;
    std::uint32_t sequence_ = 0;
};

} // namespace simulation

// inspection: what is pending on a ring, as values: found by the thread that has the ring, told by whoever asked.
#pragma once

#include "auraio/core/loop/engine.hpp"
#include "auraio/core/timer/timer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aura::core {

struct pending_request {
    enum class place : std::uint8_t {
        lane,      ///< it waits for another on the same file
        gate,      ///< it waits for its device
        backend,   ///< the kernel has it, or with epoll the queue of what is to be tried
        readiness, ///< it was refused, or not tried yet: the file is watched
        call,      ///< it is being done by its system call
        over,      ///< its handler is to run
    };

    request_kind kind;
    place where;
    bool cancelled;
    bool internal;        ///< the library's own
    bool is_index;        ///< `fd` is an index into the registered files
    int fd;               ///< of the file; below 0: it is named by a path
    const void* handler;  ///< code
    nanoseconds_t age;    ///< since it reached the ring; never: unknown
    std::string device{}; ///< whose gate it waits for, or has passed
};

struct pending_timer {
    nanoseconds_t deadline; ///< of the monotonic clock; of another clock's timer when that is looked at next
    bool other_clock;
    std::uint32_t waits;
    const void* handler; ///< of the oldest wait; null: there is none
};

struct ring_contents {
    std::vector<pending_request> requests;
    std::vector<pending_timer> timers;
    std::size_t more_requests = 0; ///< of which nothing is said
    std::size_t more_timers = 0;
    std::int64_t operations = 0;   ///< pending, whatever they are
    std::uint32_t handed_over = 0; ///< by other threads, and not looked at yet
    std::uint32_t ready = 0;       ///< functions and handlers that are to run
};

/// A friend of all that links what is pending. Adds nothing to it: it walks the lists there are.
class inspection {
public:
    /// By the thread that drives or visits the shard. Throws bad_alloc.
    static ring_contents look(shard& s, engine::handler_finder handler_of);

private:
    static pending_request describe(const io_operation& op, engine::handler_finder handler_of);
    static void look_at(timer& t, bool other_clock, ring_contents& into, engine::handler_finder handler_of);
    static void look_at_timers(shard& s, ring_contents& into, engine::handler_finder handler_of);
    static void look_at_clocks(shard& s, ring_contents& into, engine::handler_finder handler_of);
};

} // namespace aura::core

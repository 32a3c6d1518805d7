// ring_stats: what happened on one ring: counters that its thread writes, and the snapshot that others read.
#pragma once

#include "auraio/core/stats/latency_histogram.hpp"

#include <atomic>
#include <cstdint>

namespace aura::core {

/// One ring at one moment. Totals count from the construction of the context.
struct ring_stats {
    unsigned index = 0;
    bool driven = false; ///< a thread is in run() for it (otherwise the others serve it)

    std::uint64_t submitted = 0; ///< I/O requests handed to the backend, wakes and cancellations not included
    std::uint64_t completed = 0;
    std::uint64_t in_flight = 0; ///< of those, when the last turn ended
    /// Everything pending here then that handlers of this ring started: I/O, timers, posted functions.
    std::int64_t operations = 0;

    std::uint64_t handlers = 0; ///< handlers and completions of composed operations that ran
    std::uint64_t turns = 0;    ///< turns of the loop; `handlers / turns` tells how much is batched
    std::uint64_t enters = 0;   ///< io_uring_enter(2) calls

    std::uint64_t wakes_sent = 0;     ///< by handlers of this ring, to rings that slept
    std::uint64_t wakes_received = 0; ///< from any thread
    std::uint64_t cq_overflows = 0;   ///< how often completions did not fit: raise cq_entries
    std::uint64_t spills = 0;         ///< requests that left this ring for another because it was crowded
    std::uint64_t gate_waits = 0;     ///< file requests that had to wait for their device

    /// The longest time between two looks at what others want of this ring, in nanoseconds: a handler that
    /// computes or blocks for long shows here. Measured by the clock of the scheduler's tick (1 to 10 ms, 4
    /// ms mostly): shorter delays are 0 or one tick. May cover up to 16 turns of a ring that has neither I/O
    /// nor timers.
    std::uint64_t loop_delay_max = 0;
    std::uint64_t long_turns = 0; ///< how often that was 10 ms or more

    /// From submission to completion, in nanoseconds, of reads and writes of files, pipes and devices: one in
    /// 64, and more of them on a device whose gate is shut (up to all, if it is slow). Waiting for the gate
    /// is not included, waiting for the loop is.
    latency_snapshot read_latency;
    latency_snapshot write_latency;

    /// Adds another ring's figures; index and driven stay, loop_delay_max is the larger one.
    ring_stats& operator+=(const ring_stats& other) noexcept;
};

/// The counters of one ring. Written by the thread that drives it, except wakes_received and spills.
///
/// Ordering: relaxed throughout. A counter has one writer, so a load and a store lose nothing and cost no
/// locked instruction; when the writer changes, the ring's token orders the two. Nothing is published through
/// them: a snapshot may see one counter's newest value and another's last but one.
struct ring_counters {
    using counter = std::atomic<std::uint64_t>;

    static void bump(counter& c, std::uint64_t by = 1) noexcept {
        c.store(c.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }

    counter submitted{0};
    counter completed{0};
    counter handlers{0};
    counter turns{0};
    counter enters{0};
    counter wakes_sent{0};
    counter cq_overflows{0};
    counter gate_waits{0};
    counter loop_delay_max{0};
    counter long_turns{0};
    latency_histogram read_latency;
    latency_histogram write_latency;

    alignas(64) counter wakes_received{0}; // by whoever wakes, which costs far more than a locked instruction
    counter spills{0};

    /// Any thread. What is not counted here stays as it is.
    void read(ring_stats& out) const noexcept;
};

} // namespace aura::core

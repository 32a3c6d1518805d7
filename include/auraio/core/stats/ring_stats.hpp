// ring_stats: what happened on one ring: counters that its thread writes, and the snapshot that others read.
#pragma once

#include "auraio/core/stats/latency_histogram.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace aura::core {

/// One ring at one moment. Totals count from the construction of the context.
struct ring_stats {
    unsigned index = 0;  ///< its number: io_context::ring_executor(index) is its executor
    bool driven = false; ///< a thread is in run() for it (otherwise the others serve it)

    std::uint64_t submitted = 0; ///< I/O requests handed to the backend, wakes and cancellations not included
    std::uint64_t completed = 0; ///< of `submitted`
    std::uint64_t in_flight = 0; ///< of those, when the last turn ended
    /// Everything pending here then that handlers of this ring started: I/O, timers, posted functions.
    std::int64_t operations = 0;

    std::uint64_t handlers = 0; ///< handlers and completions of composed operations that ran
    std::uint64_t turns = 0;    ///< turns of the loop; `handlers / turns` tells how much is batched
    /// io_uring_enter(2) calls; with epoll, epoll_wait(2) calls and turns in which requests were tried.
    std::uint64_t enters = 0;

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

    /// How often others have taken it from a thread that was in a handler for too long: see
    /// engine_options::takeover_after.
    std::uint64_t takeovers = 0;
    /// Of those, how often the thread was computing, or waiting for a processor: else it slept in its handler.
    std::uint64_t takeovers_computing = 0;
    /// Handlers that were ready here then, and would have waited for that thread.
    std::uint64_t stranded = 0;
    /// Handlers that were expected to take long, so that their thread gave the ring to others before it called them.
    std::uint64_t handed_over = 0;

    /// How its threads have spent their time in run(), in nanoseconds: in handlers and what the loop does for them, and
    /// in the system call that submits and then waits for something to do, so that a ring may be at its limit and count
    /// idle time. What lasts at the moment is included. By the clock of the scheduler's tick: a
    /// sum over a second or more is right, a single turn is 0 or a tick.
    std::uint64_t busy_time = 0;
    std::uint64_t idle_time = 0;
    /// What its threads have spent in the kernel, in nanoseconds: the sum of what that of its thread has grown by from
    /// one look to the next that finds the same thread. It never falls, and the first look is 0. Wherever that time was
    /// spent: its own system calls, and io_uring's. What a thread did between two looks of which it drove the ring only
    /// in part is left out, or counted as a whole where it had left and come back.
    std::uint64_t system_time = 0;

    /// Of one handler in 61, in nanoseconds: from when the loop knew that it was to run (its request was reaped, its
    /// timer due) to when it did, and how long it took. What completes while handlers run is known to the loop
    /// after them: see loop_delay_max. Of functions that any thread of the context may run (those posted to the context
    /// itself, where it is not of one thread) only handler_time.
    latency_snapshot queue_delay;
    latency_snapshot handler_time;

    /// From submission to completion, in nanoseconds, of reads and writes of files, pipes and devices: one in
    /// 64, and more of them on a device whose gate is shut (up to all, if it is slow). Waiting for the gate
    /// is not included, waiting for the loop is.
    latency_snapshot read_latency;
    latency_snapshot write_latency;

    /// Adds another ring's figures; index and driven stay, loop_delay_max is the larger one.
    ring_stats& operator+=(const ring_stats& other) noexcept;
};

/// The counters of one ring. Written by the thread that drives it, except wakes_sent, wakes_received and spills.
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
    counter busy_time{0};
    counter idle_time{0};
    latency_histogram queue_delay;
    latency_histogram handler_time;
    counter takeovers{0};
    counter takeovers_computing{0};
    counter stranded{0};
    counter handed_over{0};
    latency_histogram read_latency;
    latency_histogram write_latency;

    alignas(64) counter wakes_received{0}; // by whoever wakes, which costs far more than a locked instruction
    counter spills{0};

    /// Any thread. What is not counted here stays as it is.
    void read(ring_stats& out) const noexcept;
};

/// A figure of a ring, wherever it goes: a new one is a member of ring_stats, its counter, and a row here. What
/// reads, adds and prints them goes through the rows; the C library's struct is held to them where it is filled.
struct ring_statistic {
    enum class combined : std::uint8_t { sum, largest }; // with that of another ring

    std::uint64_t ring_stats::* member;
    ring_counters::counter ring_counters::* counter; ///< null: it follows from others
    combined with_others;
    const char* name; ///< of the metric for Prometheus
    const char* type;
    const char* help;
    double unit; ///< how many make one of what the metric is in
};

// clang-format off
// Read from the last to the first: what completes meanwhile must not appear to have completed without being submitted.
inline constexpr std::array ring_statistics{
    ring_statistic{&ring_stats::submitted, &ring_counters::submitted, ring_statistic::combined::sum,
        "auraio_requests_submitted_total", "counter", "I/O requests handed to the kernel.", 1},
    ring_statistic{&ring_stats::completed, &ring_counters::completed, ring_statistic::combined::sum,
        "auraio_requests_completed_total", "counter", "I/O requests that have completed.", 1},
    ring_statistic{&ring_stats::in_flight, nullptr, ring_statistic::combined::sum,
        "auraio_requests_in_flight", "gauge", "I/O requests handed to the kernel and not completed.", 1},
    ring_statistic{&ring_stats::handlers, &ring_counters::handlers, ring_statistic::combined::sum,
        "auraio_handlers_total", "counter", "Handlers that ran.", 1},
    ring_statistic{&ring_stats::turns, &ring_counters::turns, ring_statistic::combined::sum,
        "auraio_turns_total", "counter", "Turns of the loop.", 1},
    ring_statistic{&ring_stats::enters, &ring_counters::enters, ring_statistic::combined::sum,
        "auraio_enters_total", "counter", "System calls io_uring_enter.", 1},
    ring_statistic{&ring_stats::wakes_sent, &ring_counters::wakes_sent, ring_statistic::combined::sum,
        "auraio_wakes_sent_total", "counter", "Wakes that handlers of the ring sent to rings that slept.", 1},
    ring_statistic{&ring_stats::wakes_received, &ring_counters::wakes_received, ring_statistic::combined::sum,
        "auraio_wakes_received_total", "counter", "Wakes that the ring received.", 1},
    ring_statistic{&ring_stats::cq_overflows, &ring_counters::cq_overflows, ring_statistic::combined::sum,
        "auraio_cq_overflows_total", "counter", "How often completions did not fit into the completion queue.", 1},
    ring_statistic{&ring_stats::spills, &ring_counters::spills, ring_statistic::combined::sum,
        "auraio_spills_total", "counter", "Requests that left the ring for another because it was crowded.", 1},
    ring_statistic{&ring_stats::gate_waits, &ring_counters::gate_waits, ring_statistic::combined::sum,
        "auraio_gate_waits_total", "counter", "File requests that had to wait for their device.", 1},
    ring_statistic{&ring_stats::loop_delay_max, &ring_counters::loop_delay_max, ring_statistic::combined::largest,
        "auraio_loop_delay_max_seconds", "gauge", "Longest time the loop was kept by its handlers.", 1e9},
    ring_statistic{&ring_stats::long_turns, &ring_counters::long_turns, ring_statistic::combined::sum,
        "auraio_long_turns_total", "counter", "How often handlers kept the loop for 10 ms or more.", 1},
    ring_statistic{&ring_stats::busy_time, &ring_counters::busy_time, ring_statistic::combined::sum,
        "auraio_busy_seconds_total", "counter", "Time in handlers and what the loop does for them.", 1e9},
    ring_statistic{&ring_stats::idle_time, &ring_counters::idle_time, ring_statistic::combined::sum,
        "auraio_idle_seconds_total", "counter", "Time in calls that submit, and wait for something to do.", 1e9},
    ring_statistic{&ring_stats::system_time, nullptr, ring_statistic::combined::sum,
        "auraio_thread_system_seconds_total", "counter", "What the ring's threads have spent in the kernel.", 1e9},
    ring_statistic{&ring_stats::takeovers, &ring_counters::takeovers, ring_statistic::combined::sum,
        "auraio_takeovers_total", "counter", "How often others took it from a thread stuck in a handler.", 1},
    ring_statistic{&ring_stats::takeovers_computing, &ring_counters::takeovers_computing, ring_statistic::combined::sum,
        "auraio_takeovers_computing_total", "counter", "Takeovers from threads that were computing, not asleep.", 1},
    ring_statistic{&ring_stats::stranded, &ring_counters::stranded, ring_statistic::combined::sum,
        "auraio_stranded_handlers_total", "counter", "Handlers that were ready on a ring when others took it.", 1},
    ring_statistic{&ring_stats::handed_over, &ring_counters::handed_over, ring_statistic::combined::sum,
        "auraio_handed_over_total", "counter", "Handlers expected to take long, run with the ring given up.", 1},
};

/// The same for histograms. Each is in nanoseconds; the metrics are in seconds.
struct ring_histogram {
    latency_snapshot ring_stats::* member;
    latency_histogram ring_counters::* counter;
    const char* name;
    const char* help;
};

inline constexpr std::array ring_histograms{
    ring_histogram{&ring_stats::queue_delay, &ring_counters::queue_delay,
        "auraio_queue_delay_seconds", "Of one handler in 61, the time from when the loop knew of it to when it ran."},
    ring_histogram{&ring_stats::handler_time, &ring_counters::handler_time,
        "auraio_handler_time_seconds", "How long one handler in 61 took."},
    ring_histogram{&ring_stats::read_latency, &ring_counters::read_latency,
        "auraio_read_latency_seconds", "Latency of about one in 64 reads of files."},
    ring_histogram{&ring_stats::write_latency, &ring_counters::write_latency,
        "auraio_write_latency_seconds", "Latency of about one in 64 writes of files."},
};
// clang-format on

} // namespace aura::core

// ring_stats: snapshots of a ring's counters.
#include "auraio/core/stats/ring_stats.hpp"

#include <algorithm>

namespace aura::core {

void ring_counters::read(ring_stats& out) const noexcept {
    constexpr auto relaxed = std::memory_order_relaxed;
    // Completed first: what completes meanwhile must not appear to have completed without being submitted.
    out.completed = completed.load(relaxed);
    out.submitted = std::max(submitted.load(relaxed), out.completed);
    out.in_flight = out.submitted - out.completed;
    out.handlers = handlers.load(relaxed);
    out.turns = turns.load(relaxed);
    out.enters = enters.load(relaxed);
    out.wakes_sent = wakes_sent.load(relaxed);
    out.wakes_received = wakes_received.load(relaxed);
    out.cq_overflows = cq_overflows.load(relaxed);
    out.spills = spills.load(relaxed);
    out.gate_waits = gate_waits.load(relaxed);
    out.loop_delay_max = loop_delay_max.load(relaxed);
    out.long_turns = long_turns.load(relaxed);
    out.read_latency = read_latency.snapshot();
    out.write_latency = write_latency.snapshot();
}

ring_stats& ring_stats::operator+=(const ring_stats& other) noexcept {
    submitted += other.submitted;
    completed += other.completed;
    in_flight += other.in_flight;
    operations += other.operations;
    handlers += other.handlers;
    turns += other.turns;
    enters += other.enters;
    wakes_sent += other.wakes_sent;
    wakes_received += other.wakes_received;
    cq_overflows += other.cq_overflows;
    spills += other.spills;
    gate_waits += other.gate_waits;
    loop_delay_max = std::max(loop_delay_max, other.loop_delay_max);
    long_turns += other.long_turns;
    read_latency += other.read_latency;
    write_latency += other.write_latency;
    return *this;
}

} // namespace aura::core

// ring_gate: one ring's side of a device's gate; the only part of the controller an operation ever touches.
#pragma once

#include "core/control/adaptive_controller.hpp"

#include <atomic>
#include <cstdint>

namespace aura::core {

/// Reads and writes queue apart: neither waits behind a backlog of the other. Those of the background, reads
/// and writes alike, wait behind both: see background_share.
enum class gate_lane : std::uint8_t { read, write, background };
inline constexpr std::size_t gate_lane_count = 3;
inline constexpr std::size_t gate_directions = 2; // of the foreground: the first ones

/// Counts what one ring has on one device and says whether one more may go there.
///
/// The ring's thread calls everything below "per operation". It is the only writer of the counters: they are
/// atomics so that a tick in another thread can read them, written by load and store, never by a locked
/// instruction, and lie on cache lines of the ring's own. A tick, every 10 ms at most, is the only other
/// visitor. All accesses are relaxed: a tick that sees a counter one operation late is a tick an operation
/// earlier, and a limit publishes no other memory.
///
/// With the gate open an operation costs one relaxed load (the limit) and two counters; engaged, three more
/// loads of the same lines.
///
/// How a ring uses it (device_gate does):
///
///     start(op):     if (gate.try_admit(c)) submit(op); else { queue[c].push(op); gate.wait(c); }
///     finished(op):  gate.complete(c, bytes); drain();
///     drain():       for c in {gate.next_to_drain(), the other}, until neither can:
///                        if (!queue[c].empty() && gate.try_admit_waiting(c)) submit(queue[c].pop());
///                    then as many of the background as its share allows, while gate.try_admit_background()
///     cancel(op):    queue[c].remove(op); gate.cancel_waiting(c);          // no system call
///
/// Two things come from elsewhere. When the sum of in_flight() and waiting() over a device leaves 0, a tick
/// has to be armed (device_controller::tick() returns when). Where one thread ticks for all rings, the
/// operation's ring learns this from asleep(), a flag it looks at only when it had nothing in flight;
/// storage_device has every ring with something in flight tick for itself. And when a tick has raised a
/// ring's limit while operations wait there (may_drain()), the ring has to be told to drain(): it may have
/// nothing in flight whose completion would remind it.
class ring_gate {
public:
    static constexpr unsigned unlimited = adaptive_controller::unlimited;

    ring_gate() noexcept = default;
    ring_gate(const ring_gate&) = delete;

    // ---- per operation: the ring's thread ----

    /// True: the operation is counted as in flight and goes to the device. False: it has to wait.
    bool try_admit(gate_lane c) noexcept {
        const unsigned limit = limit_.load(std::memory_order_relaxed);
        if (limit != unlimited) [[unlikely]] {
            // Nobody overtakes what waits already.
            if (of(c).waiting.load(std::memory_order_relaxed) != 0 || !has_room(c, limit))
                return false;
        }
        add(of(c).submitted, 1);
        return true;
    }

    /// An operation refused by try_admit() was queued.
    void wait(gate_lane c) noexcept { add(of(c).waiting, 1); }

    /// Whether the oldest operation that waits may go now; it is then counted as in flight.
    bool try_admit_waiting(gate_lane c) noexcept {
        if (!has_room(c, limit_.load(std::memory_order_relaxed)))
            return false;
        subtract(of(c).waiting, 1);
        add(of(c).submitted, 1);
        add(of(c).delayed, 1);
        drained_last_ = c;
        return true;
    }

    /// The lane to try next when both have operations waiting: they take turns.
    gate_lane next_to_drain() const noexcept { return other(drained_last_); }

    /// An operation that waited was cancelled.
    void cancel_waiting(gate_lane c) noexcept { subtract(of(c).waiting, 1); }

    /// Whether one of the background, which its share allows, may go: nothing of the foreground waits here, or it
    /// would go first. It is then counted as in flight.
    bool try_admit_background() noexcept {
        const unsigned limit = limit_.load(std::memory_order_relaxed);
        if (limit != unlimited && in_flight() >= limit)
            return false;
        lane_counters& background = of(gate_lane::background);
        add(background.submitted, 1);
        if (background.waiting.load(std::memory_order_relaxed) != 0) {
            subtract(background.waiting, 1);
            add(background.delayed, 1);
        }
        return true;
    }
    /// One of the background waits, for the foreground or for the limit; it waits no more.
    void hold_background() noexcept { add(background_held_, 1); }
    void let_background_go() noexcept { subtract(background_held_, 1); }
    void count_background_delay() noexcept { add(background_delayed_, 1); }
    /// So many of the background wait for the limit, not for the foreground: demand that the controller is to see.
    void set_background_waiting(std::uint64_t count) noexcept {
        counter& waiting = of(gate_lane::background).waiting;
        if (waiting.load(std::memory_order_relaxed) != count)
            waiting.store(count, std::memory_order_relaxed);
    }

    /// An admitted operation has completed, successfully or not.
    void complete(gate_lane c, std::uint64_t bytes) noexcept {
        add(of(c).completed, 1);
        add(of(c).bytes, bytes);
    }

    /// Whether the latency of the operation just admitted is to be sampled.
    bool sampled(gate_lane c) const noexcept {
        return (of(c).submitted.load(std::memory_order_relaxed) &
                sample_mask_.load(std::memory_order_relaxed)) == 0;
    }

    /// No tick is armed: the ring that submits arms one. Worth a look only when in_flight() was 0.
    bool asleep() const noexcept { return asleep_.load(std::memory_order_relaxed); }

    // ---- any thread: a recent value ----

    std::uint64_t in_flight(gate_lane c) const noexcept {
        // Completed first: an operation between the two reads then counts as in flight, and never below zero.
        const std::uint64_t completed = of(c).completed.load(std::memory_order_relaxed);
        const std::uint64_t submitted = of(c).submitted.load(std::memory_order_relaxed);
        return submitted > completed ? submitted - completed : 0;
    }
    std::uint64_t in_flight() const noexcept {
        return in_flight(gate_lane::read) + in_flight(gate_lane::write) + in_flight(gate_lane::background);
    }
    std::uint64_t waiting(gate_lane c) const noexcept {
        return of(c).waiting.load(std::memory_order_relaxed);
    }
    std::uint64_t waiting() const noexcept {
        return waiting(gate_lane::read) + waiting(gate_lane::write) + waiting(gate_lane::background);
    }
    /// Of the foreground, since the ring joined.
    std::uint64_t foreground_submitted() const noexcept {
        return of(gate_lane::read).submitted.load(std::memory_order_relaxed) +
               of(gate_lane::write).submitted.load(std::memory_order_relaxed);
    }
    std::uint64_t foreground_waiting() const noexcept {
        return waiting(gate_lane::read) + waiting(gate_lane::write);
    }
    /// Of the background, whatever they wait for.
    std::uint64_t background_held() const noexcept {
        return background_held_.load(std::memory_order_relaxed);
    }
    unsigned limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

    /// Operations wait here that would be admitted, but for those of the background, for which the ring ticks.
    bool may_drain() const noexcept {
        const unsigned limit = limit_.load(std::memory_order_relaxed);
        return (waiting(gate_lane::read) != 0 && has_room(gate_lane::read, limit)) ||
               (waiting(gate_lane::write) != 0 && has_room(gate_lane::write, limit));
    }

private:
    friend class device_controller;
    using counter = std::atomic<std::uint64_t>;

    struct lane_counters {
        counter submitted{0};
        counter completed{0};
        counter delayed{0};
        counter bytes{0};
        counter waiting{0};
    };

    // One writer: a load and a store, no locked instruction.
    static void add(counter& c, std::uint64_t n) noexcept {
        c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    static void subtract(counter& c, std::uint64_t n) noexcept {
        c.store(c.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }

    // While operations of the other direction wait, half of the limit is theirs. Nothing is kept for those that
    // do not.
    bool has_room(gate_lane c, unsigned limit) const noexcept {
        if (in_flight() >= limit)
            return false;
        return !directions_apart_.load(std::memory_order_relaxed) || waiting(other(c)) == 0 ||
               in_flight(c) < (limit + 1) / 2;
    }
    static gate_lane other(gate_lane c) noexcept {
        return c == gate_lane::read ? gate_lane::write : gate_lane::read;
    }
    lane_counters& of(gate_lane c) noexcept { return lanes_[static_cast<std::size_t>(c)]; }
    const lane_counters& of(gate_lane c) const noexcept { return lanes_[static_cast<std::size_t>(c)]; }

    alignas(64) std::atomic<unsigned> limit_{unlimited};
    std::atomic<std::uint32_t> sample_mask_{63};
    std::atomic<bool> asleep_{true};
    std::atomic<bool> directions_apart_{false};
    gate_lane drained_last_ = gate_lane::write;
    lane_counters lanes_[gate_lane_count];
    counter background_held_{0};
    counter background_delayed_{0};
};

} // namespace aura::core

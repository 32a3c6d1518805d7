// device_gate: where the reads and writes of one ring wait for one storage device.
#pragma once

#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/stats/latency_histogram.hpp"
#include "core/control/background_share.hpp"
#include "core/control/ring_gate.hpp"
#include "core/storage/storage_device.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace aura::core {

class shard;
class device_gate;

/// Of a read or write, plain or vectored.
inline gate_lane direction_of(const io_operation& op) noexcept {
    const request_kind kind = op.request().kind;
    return kind == request_kind::write || kind == request_kind::writev ? gate_lane::write : gate_lane::read;
}
inline bool is_background(const io_operation& op) noexcept {
    return (op.request().flags & in_background) != 0;
}
inline gate_lane lane_of(const io_operation& op) noexcept {
    return is_background(op) ? gate_lane::background : direction_of(op);
}

/// Latencies on their way from a ring, which adds, to whoever ticks, who takes and holds the device's lock.
/// What does not fit is lost: samples they are.
class latency_channel {
public:
    void add(nanoseconds_t latency) noexcept {
        const std::uint32_t at = added_.load(std::memory_order_relaxed);
        // Acquire: what is overwritten has been read.
        if (at - taken_.load(std::memory_order_acquire) == capacity)
            return;
        values_[at % capacity] = latency;
        // Release: whoever sees the count sees the value.
        added_.store(at + 1, std::memory_order_release);
    }

    /// False: there was nothing.
    bool take(latency_histogram& into) noexcept {
        const std::uint32_t end = added_.load(std::memory_order_acquire);
        std::uint32_t at = taken_.load(std::memory_order_relaxed);
        if (at == end)
            return false;
        for (; at != end; ++at)
            into.record(values_[at % capacity]);
        taken_.store(end, std::memory_order_release);
        return true;
    }

private:
    static constexpr std::uint32_t capacity = 256; // at one in 8: 170 000 operations per second and ring
    std::array<nanoseconds_t, capacity> values_{};
    std::atomic<std::uint32_t> added_{0};
    std::atomic<std::uint32_t> taken_{0};
};

/// An open file's part in the gate of its ring: what waits, oldest first, reads, writes and those of the
/// background apart. The operations of a lane pass the gate in the order in which they were started.
class gated_file {
public:
    /// Object side, before any operation is started.
    gated_file(descriptor& file, storage_device& device) noexcept
        : file_(file)
        , device_(device) {}
    gated_file(const gated_file&) = delete;

    // ---- the file's ring ----

    /// Whether `op` may go to the backend now. If not, it waits here, and is submitted when its turn comes.
    /// Operations other than reads and writes always may.
    bool admits(io_operation& op);

    /// A waiting operation is taken out; it belongs to the caller again.
    void withdraw(io_operation& op) noexcept;

    /// Of an operation that was let through.
    device_gate& gate() const noexcept { return *gate_; }
    storage_device& device() const noexcept { return device_; }

private:
    friend class device_gate;

    struct line {
        io_operation* first = nullptr; // the oldest that waits; the others follow it on the descriptor's list
        std::uint32_t length = 0;
        gated_file* previous = nullptr; // files with a line, in a ring
        gated_file* next = nullptr;
    };
    bool join() noexcept;
    bool admits_background(io_operation& op);
    io_operation* pop(gate_lane c) noexcept;
    void advance(gate_lane c) noexcept;
    line& of(gate_lane c) noexcept { return lines_[static_cast<std::size_t>(c)]; }

    descriptor& file_;
    storage_device& device_;
    device_gate* gate_ = nullptr;
    line lines_[gate_lane_count];
};

/// Belongs to a shard, which creates it with the first operation on the device and keeps it until the engine
/// shuts down. Everything not marked otherwise is called by the thread that drives the shard.
///
/// Files take turns: one with ten thousand operations in its line delays another's by one operation. Nothing
/// here takes a lock while operations pass; the device's is taken on ticks, and when a ring whose share is 0
/// asks for one, or the background gives its ring's back.
class device_gate {
public:
    device_gate(shard& home, storage_device& device) noexcept;
    device_gate(const device_gate&) = delete;

    storage_device& device() const noexcept { return device_; }
    const ring_gate& ring() const noexcept { return ring_; }

    /// Whether an operation of this direction may go; it then counts as in flight.
    bool admit(gate_lane c) noexcept {
        if (!ticking_) [[unlikely]]
            begin_ticking();
        return ring_.try_admit(c);
    }

    /// It may: takes the time of one in some.
    void note_start(io_operation& op, gate_lane c) noexcept {
        if (ring_.sampled(c)) [[unlikely]]
            begin_sample(op);
    }

    /// An operation that was let through has ended.
    void complete(io_operation& op) noexcept {
        op.set_at_gate(io_operation::gate_place::outside);
        if (op.gate_clock() != 0) [[unlikely]] {
            complete_marked(op);
            return;
        }
        ring_.complete(direction_of(op), bytes_of(op));
    }

    /// Submits what waits, as far as there is room.
    void drain() {
        if (lines_ != 0) [[unlikely]]
            drain_lines();
    }

    /// Nothing is in flight or waits here any more, and nothing will: leaves the device. May be called again.
    void leave() noexcept;

    /// Looks after the device if it is time to; when it wants to do so again, or `never`.
    nanoseconds_t tick(nanoseconds_t now);

private:
    friend class gated_file;
    friend class storage_device;

    /// Tells the shard that there is room; one at a time is under way.
    class drain_message final : public operation {
    public:
        explicit drain_message(device_gate& gate) noexcept
            : operation(&run)
            , gate_(gate) {
            set_message(true);
        }
        // acq_rel, with the store in run(): the message is linked into the inbox again only after it has been
        // taken out.
        bool begin() noexcept { return !under_way_.exchange(true, std::memory_order_acq_rel); }

    private:
        static void run(operation& base, action what);

        device_gate& gate_;
        std::atomic<bool> under_way_{false};
    };

    void begin_ticking() noexcept;
    void begin_sample(io_operation& op) noexcept;
    void end_sample(io_operation& op) noexcept;
    void hold(gated_file& file, io_operation& op, gate_lane c);
    void drain_lines();
    void drain_foreground();
    bool drop_disturbed(gate_lane c);
    void release_one(gate_lane c);
    static std::uint64_t bytes_of(const io_operation& op) noexcept {
        return op.result() > 0 ? static_cast<std::uint64_t>(op.result()) : 0;
    }
    void complete_marked(io_operation& op) noexcept;

    // Of the background.
    bool admit_background(io_operation& op);
    void hold_background(gated_file& file, io_operation& op);
    bool background_may_go(nanoseconds_t now);
    void start_background(io_operation& op) noexcept;
    void drain_background(nanoseconds_t now);
    void forget_background() noexcept;
    void give_share_back() noexcept;
    void link(gated_file& file, gate_lane c) noexcept;
    void unlink(gated_file& file, gate_lane c) noexcept;

    // Any thread that holds the device's lock.
    bool take_samples(latency_histogram& into) noexcept { return samples_.take(into); }
    void send_drain();

    ring_gate ring_;
    shard& home_;
    storage_device& device_;
    gated_file* turn_[gate_lane_count] = {}; // the files with a line: whose turn it is
    std::uint32_t lines_ = 0;                // of all files and lanes
    bool attached_ = true;
    bool ticking_ = false;
    nanoseconds_t next_tick_ = never;
    last_tick last_tick_;

    // Operations whose latency is being measured: their places, and when they began. One of the background has
    // a mark in any case, so that the end of others need not ask for it.
    static constexpr unsigned clocks = 32; // io_operation::clock_ has 6 bits
    static constexpr unsigned unmeasured = 63;
    std::uint32_t free_clocks_ = ~std::uint32_t{0};
    std::array<nanoseconds_t, clocks> began_{};
    latency_channel samples_;

    background_share share_;
    bool may_give_back_ = false; // one of the background went under a limit since a share was given back

    drain_message drain_;
};

inline bool gated_file::admits(io_operation& op) {
    if (!transfers_file_data(op.request().kind))
        return true;
    if (is_background(op)) [[unlikely]]
        return admits_background(op);
    const gate_lane c = direction_of(op);
    if (!gate_ && !join()) [[unlikely]]
        return true;
    op.enter_line(*this);
    if (!gate_->admit(c)) [[unlikely]] {
        gate_->hold(*this, op, c);
        return false;
    }
    op.set_at_gate(io_operation::gate_place::inside);
    gate_->note_start(op, c);
    return true;
}

} // namespace aura::core

// device_gate: lines, turns and ticks.
#include "core/storage/device_gate.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/base/probe.hpp"

#include <cassert>

namespace aura::core {

// ---- a file's line ----

bool gated_file::join() noexcept {
    gate_ = file_.home().path().gate_for(device_);
    return gate_ != nullptr;
}

void gated_file::withdraw(io_operation& op) noexcept {
    const gate_lane c = lane_of(op);
    line& l = of(c);
    --l.length;
    if (l.first == &op)
        advance(c);
    op.set_at_gate(io_operation::gate_place::outside);
    if (c == gate_lane::background)
        gate_->forget_background();
    else
        gate_->ring_.cancel_waiting(c);
    if (l.length == 0)
        gate_->unlink(*this, c);
}

io_operation* gated_file::pop(gate_lane c) noexcept {
    line& l = of(c);
    io_operation* op = l.first;
    --l.length;
    advance(c);
    return op;
}

/// The oldest is no longer in the line: finds the one behind it. Among those behind are at most operations
/// of other kinds, of the other lanes and, where they are known by number, of other files; every operation is
/// passed over once for each line.
void gated_file::advance(gate_lane c) noexcept {
    line& l = of(c);
    if (l.length == 0) {
        l.first = nullptr;
        return;
    }
    io_operation* op = l.first->following();
    while (op->at_gate() != io_operation::gate_place::waiting || op->line() != this || lane_of(*op) != c)
        op = op->following();
    l.first = op;
}

// ---- the gate ----

device_gate::device_gate(shard& home, storage_device& device) noexcept
    : home_(home)
    , device_(device)
    , drain_(*this) {}

void device_gate::hold(gated_file& file, io_operation& op, gate_lane c) {
    op.set_at_gate(io_operation::gate_place::waiting);
    AURAIO_PROBE4(gate__wait, &op, device_.id().major, device_.id().minor, home_.index());
    ring_.wait(c);
    gated_file::line& l = file.of(c);
    if (l.length++ == 0) {
        l.first = &op;
        link(file, c);
    }
    // The next tick may be far away; happens once in an idle spell of the ring.
    if (ring_.limit() == 0 && ring_.in_flight() == 0 && ring_.foreground_waiting() == 1) {
        device_.reshare();
        drain();
        if (op.at_gate() != io_operation::gate_place::waiting)
            return;
    }
    ring_counters::bump(home_.counters().gate_waits);
}

void device_gate::drain_lines() {
    if (!turn_[static_cast<std::size_t>(gate_lane::background)]) [[likely]] {
        drain_foreground();
        return;
    }
    const nanoseconds_t now = monotonic_now();
    if (share_.overdue(now)) // one, before the foreground has filled what room there is
        drain_background(now);
    drain_foreground();
    drain_background(now);
}

/// Whether the file whose turn it is was closed from afar: nothing must reach what its number means now.
bool device_gate::drop_disturbed(gate_lane c) {
    gated_file* file = turn_[static_cast<std::size_t>(c)];
    if (!file || !file->file_.is_disturbed())
        return false;
    home_.path().cancel_before(file->file_, ~std::uint64_t{0});
    return true;
}

void device_gate::drain_foreground() {
    gate_lane c = ring_.next_to_drain();
    for (int refused = 0; refused < 2;) {
        if (drop_disturbed(c))
            continue;
        if (turn_[static_cast<std::size_t>(c)] && ring_.try_admit_waiting(c)) {
            release_one(c);
            refused = 0;
        } else {
            ++refused;
        }
        c = c == gate_lane::read ? gate_lane::write : gate_lane::read;
    }
}

void device_gate::release_one(gate_lane c) {
    gated_file*& turn = turn_[static_cast<std::size_t>(c)];
    gated_file& file = *turn;
    io_operation& op = *file.pop(c);
    if (file.of(c).length == 0)
        unlink(file, c);
    else
        turn = file.of(c).next;
    op.set_at_gate(io_operation::gate_place::inside);
    AURAIO_PROBE4(gate__pass, &op, device_.id().major, device_.id().minor, home_.index());
    if (c == gate_lane::background) [[unlikely]]
        start_background(op);
    else
        note_start(op, c);
    home_.path().submit(op);
}

/// Last in the ring of files: its turn comes when all others have had theirs.
void device_gate::link(gated_file& file, gate_lane c) noexcept {
    gated_file*& turn = turn_[static_cast<std::size_t>(c)];
    gated_file::line& l = file.of(c);
    ++lines_;
    if (!turn) {
        l.previous = l.next = turn = &file;
        return;
    }
    l.next = turn;
    l.previous = turn->of(c).previous;
    l.previous->of(c).next = &file;
    turn->of(c).previous = &file;
}

void device_gate::unlink(gated_file& file, gate_lane c) noexcept {
    gated_file*& turn = turn_[static_cast<std::size_t>(c)];
    gated_file::line& l = file.of(c);
    --lines_;
    if (l.next == &file) {
        turn = nullptr;
    } else {
        l.previous->of(c).next = l.next;
        l.next->of(c).previous = l.previous;
        if (turn == &file)
            turn = l.next;
    }
    l.previous = l.next = nullptr;
}

void device_gate::leave() noexcept {
    if (!attached_)
        return;
    attached_ = false;
    last_tick_.clear();
    device_.detach(*this);
    ticking_ = false;
    next_tick_ = never;
}

// ---- samples ----

void device_gate::begin_sample(io_operation& op) noexcept {
    if (free_clocks_ == 0)
        return;
    const int slot = std::countr_zero(free_clocks_);
    free_clocks_ &= free_clocks_ - 1;
    op.set_gate_clock(static_cast<unsigned>(slot + 1));
    began_[static_cast<unsigned>(slot)] = monotonic_now();
}

void device_gate::end_sample(io_operation& op) noexcept {
    const unsigned slot = op.gate_clock() - 1;
    op.set_gate_clock(0);
    free_clocks_ |= std::uint32_t{1} << slot;
    if (op.result() < 0)
        return;
    const nanoseconds_t latency = monotonic_now() - began_[slot];
    ring_counters& counters = home_.counters();
    (direction_of(op) == gate_lane::read ? counters.read_latency : counters.write_latency).record(latency);
    samples_.add(latency);
}

// ---- ticks ----

void device_gate::begin_ticking() noexcept {
    ticking_ = true;
    const nanoseconds_t now = monotonic_now();
    last_tick_.set(now);
    next_tick_ = now + storage_device::tick_interval;
    home_.path().tick_at(next_tick_);
}

nanoseconds_t device_gate::tick(nanoseconds_t now) {
    if (!ticking_ || now < next_tick_)
        return next_tick_;
    const auto next = device_.tick(*this, now);
    drain();
    if (next == storage_device::after_tick::stop) {
        ticking_ = false;
        next_tick_ = never;
    } else {
        next_tick_ = now + storage_device::tick_interval;
    }
    return next_tick_;
}

void device_gate::send_drain() {
    if (drain_.begin())
        home_.send(drain_);
}

void device_gate::drain_message::run(operation& base, action what) {
    auto& self = static_cast<drain_message&>(base);
    self.under_way_.store(false, std::memory_order_release);
    if (what == action::arrive)
        self.gate_.drain();
}

} // namespace aura::core

// io_path: the gates of storage devices, and latencies that no gate measures.
#include "auraio/core/io/io_path.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/storage/device_gate.hpp"
#include "core/storage/storage_user.hpp"

#include <new>

namespace aura::core {

namespace {

/// Of how many requests the latency of one is taken: reading the clock twice costs 56 ns.
constexpr std::uint32_t sample_interval = 64;

} // namespace

device_gate* io_path::gate_for(storage_device& device) noexcept {
    for (const auto& gate : gates_)
        if (&gate->device() == &device)
            return gate.get();
    try {
        gates_.reserve(gates_.size() + 1);
        auto gate = std::make_unique<device_gate>(home_, device);
        home_.owner().storage().attach(*gate);
        gates_.push_back(std::move(gate));
        return gates_.back().get();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void io_path::tick_gates() {
    const nanoseconds_t now = monotonic_now();
    tick_due_ = never;
    for (const auto& gate : gates_)
        tick_at(gate->tick(now));
}

void io_path::leave_devices() noexcept {
    for (const auto& gate : gates_)
        gate->leave();
    tick_due_ = never;
}

void io_path::begin_sample(const io_operation& op) noexcept {
    until_sample_ = sample_interval;
    if (op.at_gate() != io_operation::gate_place::outside)
        return; // its gate takes samples of its own
    if (sampled_ || !transfers_file_data(op.request_.kind))
        return;
    sampled_ = &op;
    sample_began_ = monotonic_now();
}

void io_path::end_sample(const io_operation& op) noexcept {
    sampled_ = nullptr;
    if (op.result_ < 0)
        return;
    (reads(op.request_.kind) ? home_.counters().read_latency : home_.counters().write_latency)
        .record(monotonic_now() - sample_began_);
}

} // namespace aura::core

// shard_wait: the end of a turn that has left nothing to run, in the loop of the driver.
#pragma once

#include "auraio/core/loop/engine.hpp"

namespace aura::core {

// A function of its own would be one more return that the processor has forgotten about when the system call is over:
// see backend/uring/ring_enter.hpp.
[[gnu::always_inline]] inline void shard::wait(nanoseconds_t deadline) {
    publish_counters();
    look_at_clock();
    times_.begin_wait();
    op_queue done;
    path_.note_flush();
    const bool passed = backend_->wait(done, deadline);
    inbox_.awake();
    // What ended the wait may have been this; the coarse clock may not show it for two ticks of the kernel.
    const bool may_tick = passed || done.empty();
    path_.finish(done);
    take_arrivals();
    begin_turn(); // the last one has been counted
    look_at_gates();
    times_.end_wait();
    if (may_tick && path_.tick_due() <= deadline)
        path_.tick_gates();
}

} // namespace aura::core

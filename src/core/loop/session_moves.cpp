// shard: which of its connections go to another ring, and to which.
#include "auraio/core/loop/engine.hpp"
#include "core/base/thread_times.hpp"
#include "core/loop/session_load.hpp"

namespace aura::core {

/// In the turn, once what has arrived is known.
void shard::look_at_load(nanoseconds_t now) noexcept {
    if (!session_load_->is_due(now) || owner_.driver_count() < 2 ||
        session_load::every_start_moves.load(std::memory_order_relaxed))
        return;
    session_load::sample s;
    s.now = now;
    s.busy = counters_.busy_time.load(std::memory_order_relaxed);
    s.thread = driving_thread();
    s.processor = processor_time_of(s.thread);
    s.handlers = counters_.handlers.load(std::memory_order_relaxed) + turn_size_ - budget();
    s.turns = counters_.turns.load(std::memory_order_relaxed);
    moves_sessions_.store(session_load_->look(s) != 0, std::memory_order_relaxed);
}

/// Whether one of its operations has a result, and its handler has not begun.
bool shard::is_ready(const descriptor& d) const noexcept {
    return ready_.any([&d](const operation& op) {
        // The target of one whose descriptor is gone is an address that is compared, and no more.
        return op.is_request() && &static_cast<const io_operation&>(op).target() == &d;
    });
}

shard* shard::next_home(const descriptor& session, nanoseconds_t& moved_at) noexcept {
    if (this_thread_mark().is_nested()) // a handler of the session may be waiting for this one to return
        return nullptr;
    shard* there = nullptr;
    if (session_load::every_start_moves.load(std::memory_order_relaxed)) [[unlikely]] {
        there = &owner_.shard_at(owner_.driven_shard_from(index_ + 1));
        if (there == this || is_ready(session))
            return nullptr;
    } else {
        const nanoseconds_t now = times_.began();
        if (!session_load_->may_leave(now, moved_at))
            return nullptr;
        there = owner_.sleeping_shard_after(index_);
        // What lives there and here: else two that are awake in turn would exchange all they have.
        if (!there || there->load() + 1 >= work_ || is_ready(session))
            return nullptr;
        moved_at = now;
        moves_sessions_.store(session_load_->has_left(), std::memory_order_relaxed);
    }
    ring_counters::bump(counters_.sessions_moved);
    return there;
}

/// One that somebody drives; null: all are busy. Each time another one.
shard* engine::sleeping_shard_after(unsigned index) const noexcept {
    const unsigned count = shard_count();
    for (unsigned i = 1; i < count; ++i)
        if (shard& s = *shards_[(index + i) % count]; s.sleeping() && !s.is_free())
            return &s;
    return nullptr;
}

} // namespace aura::core

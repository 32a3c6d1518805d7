// shard: what its loop measures of itself, and what others see of that.
#include "auraio/core/loop/shard.hpp"

#include "core/base/thread_times.hpp"

namespace aura::core {

namespace {

constexpr nanoseconds_t long_turn = 10'000'000;

} // namespace

void shard::note_time(nanoseconds_t now) noexcept {
    // The clock stands still for a tick: what is certain is one tick less than what it shows.
    const nanoseconds_t tick = coarse_resolution();
    const nanoseconds_t shown = times_.move_on(now, counters_);
    stamp_ = age_stamp::of(now);
    const nanoseconds_t delay = shown > tick ? shown - tick : 0;
    if (delay > counters_.loop_delay_max.load(std::memory_order_relaxed))
        counters_.loop_delay_max.store(delay, std::memory_order_relaxed);
    if (delay >= long_turn)
        ring_counters::bump(counters_.long_turns);
}

bool shard::run_sampled(std::uint32_t left) {
    const nanoseconds_t began = monotonic_now();
    counters_.queue_delay.record(sampler_.waited(began));
    struct on_exit { // also when the handler throws
        shard& s;
        nanoseconds_t began;
        ~on_exit() { s.note_handler(began); }
    } measure{*this, began};
    return run_oldest(left);
}

void shard::note_handler(nanoseconds_t began) noexcept {
    if (is_current()) // else others have taken the ring meanwhile, and its counters are theirs
        counters_.handler_time.record(monotonic_now() - began);
}

ring_stats shard::stats() const {
    ring_stats s;
    s.index = index_;
    s.driven = !is_free();
    s.operations = load();
    counters_.read(s);
    times_.read(counters_, coarse_now(), s);
    s.system_time = s.driven ? system_times_.look(driving_thread(), system_time_of) : system_times_.sum();
    return s;
}

} // namespace aura::core

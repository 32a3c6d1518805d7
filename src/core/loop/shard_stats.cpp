// shard: what its loop measures of itself, and what others see of that.
#include "auraio/core/loop/shard.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/base/thread_times.hpp"
#include "core/loop/driver.hpp"

namespace aura::core {

namespace {

constexpr nanoseconds_t long_turn = 10'000'000;

} // namespace

void shard::note_time(nanoseconds_t now) noexcept {
    // The clock stands still for a tick: what is certain is one tick less than what it shows.
    const nanoseconds_t tick = coarse_resolution();
    const nanoseconds_t before = times_.began();
    const nanoseconds_t shown = times_.move_on(now, counters_);
    if (before != never)
        load_.note_time(shown != 0, now - before);
    stamp_ = age_stamp::of(now);
    const nanoseconds_t delay = shown > tick ? shown - tick : 0;
    if (delay > counters_.loop_delay_max.load(std::memory_order_relaxed))
        counters_.loop_delay_max.store(delay, std::memory_order_relaxed);
    if (delay >= long_turn)
        ring_counters::bump(counters_.long_turns);
    if (driver* const d = driver::find(owner_))
        d->look_at_request();
}

void shard::begin_sampled_turn() noexcept {
    sampler_.ready_at(monotonic_now());
    if (paces_.any_long())
        consider_lending();
}

/// At the beginning of a turn: where a thread is idle each handler that takes long is run with the ring given up, so
/// that the next one is run by that thread. Also where threads are out in such handlers: who comes back finds the ring,
/// and no thread has to be woken.
void shard::consider_lending() noexcept {
    const auto others = [this] { return owner_.anybody_out() || owner_.anybody_idle(this); };
    if (turn_size_ > 1 && others())
        ready_.for_each([this](operation& op) {
            if (op.expected_long() == 0 && paces_.is_long(op.code()))
                op.expect_long(operation::of_slow_kind);
        });
}

bool shard::run_sampled(std::uint32_t left) {
    if (!sampler_.measures())
        return run_oldest(left);
    operation* const op = ready_.front();
    const nanoseconds_t began = monotonic_now();
    counters_.queue_delay.record(sampler_.waited(began));
    struct on_exit { // also when the handler throws
        shard& s;
        const void* kind;
        nanoseconds_t began;
        ~on_exit() { s.note_handler(kind, began); }
    } measure{*this, op ? op->code() : nullptr, began};
    // To be measured here, unless it is known to block and not only one of many that are slow.
    if (op && op->expected_long() == operation::of_slow_kind)
        op->expect_long(0);
    return run_oldest(left);
}

void shard::note_handler(const void* kind, nanoseconds_t began) noexcept {
    if (!is_current()) // others have taken the ring meanwhile, and its counters are theirs
        return;
    const nanoseconds_t time = monotonic_now() - began;
    counters_.handler_time.record(time);
    paces_.note(kind, time);
    sampler_.take_each(paces_.any_long());
}

ring_stats shard::stats() const {
    ring_stats s;
    s.index = index_;
    s.driven = !is_free();
    s.operations = load_.operations();
    counters_.read(s);
    times_.read(counters_, coarse_now(), s);
    s.system_time = s.driven ? system_times_.look(driving_thread(), system_time_of) : system_times_.sum();
    return s;
}

} // namespace aura::core

// engine: which of the threads in run() drive rings, and which are in reserve.
#include "auraio/core/loop/engine.hpp"

#include "core/loop/takeover.hpp"

#include <algorithm>

namespace aura::core {

/// The calling thread drives a ring, and is to drive none from now on. False: it is needed, for there are no more than
/// there should be.
bool engine::leave_crew() noexcept {
    unsigned drivers = drivers_.load(std::memory_order_relaxed);
    do {
        if (drivers <= crew_limit_.load(std::memory_order_relaxed))
            return false;
        // seq_cst as in call_reserve().
    } while (!drivers_.compare_exchange_weak(drivers, drivers - 1, std::memory_order_seq_cst,
                                             std::memory_order_relaxed));
    return true;
}

/// The same, where another is to take the place of the calling thread. False: there is nobody.
bool engine::pass_place_on() noexcept {
    std::lock_guard guard(mutex_);
    if (!first_in_reserve_)
        return false;
    drivers_.fetch_sub(1, std::memory_order_seq_cst); // as above
    return true;
}

/// The flags of the shards stay when the limit is lifted, for then those who have stepped aside have no rings yet: see
/// driver::leave_others_to_others().
void engine::limit_crew(unsigned limit) noexcept {
    if (crew_limit_.exchange(limit, std::memory_order_seq_cst) == limit)
        return;
    if (limit != no_crew_limit)
        note_somebody_out();
    call_reserve();
}

/// Who drives now may come to serve the rings of others.
void engine::note_somebody_out() noexcept {
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        if (auto& flag = shards_[i]->serves_for_others_; !flag.load(std::memory_order_seq_cst))
            flag.store(true, std::memory_order_seq_cst); // see shard::cease_to_serve_for_others()
}

struct engine::place_in_reserve {
    place_in_reserve* next = nullptr;
};

/// Returns when too few drive rings and nobody else has waited for longer, when all are to drive, or when `stop` is
/// set.
void engine::wait_in_reserve(const std::atomic<bool>& stop) {
    std::unique_lock lock(mutex_);
    place_in_reserve mine;
    place_in_reserve** last = &first_in_reserve_;
    while (*last)
        last = &(*last)->next;
    *last = &mine;
    const auto is_stopped = [&] { return stop.load(std::memory_order_seq_cst); };
    // seq_cst, as what it looks at afterwards: see call_reserve().
    reserve_.fetch_add(1, std::memory_order_seq_cst);
    reserve_called_.wait(lock, [&] {
        return is_stopped() || !is_crew_limited() || (!is_crew_full() && first_in_reserve_ == &mine);
    });
    reserve_.fetch_sub(1, std::memory_order_relaxed);
    place_in_reserve** at = &first_in_reserve_;
    while (*at != &mine)
        at = &(*at)->next;
    *at = mine.next;
    if (is_stopped()) // what it was called for is for the next one; see ~driver() as well
        reserve_called_.notify_all();
}

/// After there have come to be fewer drivers, or more are wanted. A thread in reserve is counted and then looks at
/// both; who changes one of them looks for those that are counted afterwards. All of it is seq_cst, so of the two at
/// least one sees the other.
void engine::call_reserve() noexcept {
    if (reserve_.load(std::memory_order_seq_cst) == 0)
        return;
    after_last_look_of_parked();
    reserve_called_.notify_all(); // only the first of them knows that it is
}

unsigned engine::thread_count() const noexcept {
    return takeover_ ? takeover_->threads() : 0;
}

/// A hint: whether there is a thread that could serve what the one that drives `but` gives up, or what is taken from
/// it.
bool engine::anybody_idle(const shard* but) const noexcept {
    if (!takeover_)
        return false;
    if (reserve_count() != 0 || parked_.load(std::memory_order_relaxed) != 0)
        return true;
    const unsigned count = shard_count();
    return std::any_of(shards_.begin(), shards_.begin() + count,
                       [&](const auto& s) { return s.get() != but && s->sleeping() && !s->is_free(); });
}

} // namespace aura::core

// driver: what becomes of a thread whose shards others have taken, and of the shards.
#include "core/loop/driver.hpp"
#include "core/loop/stall_watch.hpp"
#include "core/loop/takeover.hpp"

#include <utility>

namespace aura::core {

driver::membership::membership(driver& d)
    : driver_(d)
    , can_lose_(d.outer_ == nullptr && &d.root_ == &d && d.engine_.takeover_ != nullptr) {
    if (d.engine_.takeover_ && &d.root_ == &d)
        d.engine_.takeover_->enter(d, can_lose_);
}

driver::membership::~membership() {
    if (driver_.engine_.takeover_ && &driver_.root_ == &driver_)
        driver_.engine_.takeover_->leave(driver_, can_lose_);
}

void driver::set_home(shard* home) noexcept {
    home_ = home;
    shown_home_.store(home, std::memory_order_release);
    if (!home)
        return;
    arrivals_seen_ = home->arrivals();
    if (engine_.takeover_)
        engine_.takeover_->note_awake();
    stall_watch::note_awake();
}

/// After a handler, when there is more to do than to go on.
void driver::attend() {
    attention_ = false;
    if (lost_)
        recover();
    else if (is_to_step_aside())
        step_aside();
    if (kept_)
        std::rethrow_exception(std::exchange(kept_, nullptr));
}

/// From here on it is a thread that enters run().
void driver::recover() noexcept {
    lost_ = false;
    apart_since_ = never;
    to_step_aside_.store(false, std::memory_order_relaxed); // it was said to who drove
    mark_.recover();
    active_ = nullptr;
    shared_budget_ = 0;
    orphans_turn_ = false;
    const unsigned count = engine_.shard_count();
    for (unsigned i = 0; left_behind_ != 0 && i < count; ++i)
        if (backend* const b = engine_.shard_at(i).published_backend_.load(std::memory_order_acquire))
            b->give_up_indexes(std::exchange(left_behind_, 0));
}

// ---- given up by its own thread ----

void driver::give_up_before(unsigned expectation, bool remotely) noexcept {
    // One that runs inside another's handler has nothing that it could give up. Whether anybody is idle yet does not
    // matter: who comes back from a handler meanwhile finds the rings.
    if (outer_ || &root_ != this || lost_ || engine_.thread_count() < 2)
        return;
    apart_since_ = monotonic_now();
    apart_expectation_ = expectation;
    ring_counters::bump(active_->counters_.handed_over);
    engine_.takeover_->give_up(*this, !remotely, true);
}

void driver::leave_others_to_others() noexcept {
    // Who has stepped aside may not have a ring yet although all are to drive by now.
    if (!engine_.anybody_out()) {
        if (active_)
            active_->cease_to_serve_for_others();
        return;
    }
    const bool is_theirs = home_ && is_steward();
    if (!engine_.has_reserve() && !is_theirs && !root_.holds_any())
        return;
    if (is_theirs) // else there is no steward, and this is not it
        step_down();
    shard* const left = &root_ == this && active_ != home_ ? home_ : nullptr;
    if (left) { // the handler's ring, an orphan so far, becomes this thread's own
        for (orphan& o : orphans_)
            if (std::exchange(o.watched, false))
                left->io().unwatch(o.ward->index());
        std::erase_if(orphans_, [this](const orphan& o) { return o.ward == active_; });
        orphans_turn_ = false; // and perhaps there are no orphans any more
        set_home(active_);
    }
    (void)root_.let_go_of_idle();
    if (left) {
        left->drop_turn();
        left->flush_if_possible();
        left->io().detach_thread();
        left->release();
        engine_.notify_parked();
    }
    if (engine_.is_crew_limited())
        engine_.takeover_->refuse_crew();
    engine_.orphans_changed();
}

/// The same before a loop of this engine within a handler, for each other engine of which the thread has a loop.
void driver::leave_others_of_outer_engines() noexcept {
    for (driver* d = outer_; d; d = d->outer_) {
        const bool innermost = &d->engine_ != &engine_ && find(d->engine_) == d;
        if (innermost && !d->engine_.is_inherited() && !d->root_.has_lost() && d->engine_.anybody_out())
            d->leave_others_to_others();
    }
}

unsigned driver::expectation() const noexcept {
    constexpr unsigned sure = 8;
    if (!lost_)
        return 0;
    if (apart_since_ == never || engine_.takeover_->is_long(monotonic_now() - apart_since_))
        return sure;
    const bool says_something = apart_expectation_ != 0 && apart_expectation_ != operation::of_slow_kind;
    return says_something ? apart_expectation_ - 1 : 0;
}

bool driver::ask_to_step_aside(bool for_another) noexcept {
    if (!may_step_aside())
        return false;
    turn_is_over_.store(for_another, std::memory_order_relaxed);
    to_step_aside_.store(true, std::memory_order_relaxed);
    return true;
}

/// Between two handlers. The thread is in reserve from here on: see serve_as_spare().
void driver::step_aside() noexcept {
    const bool turn_is_over = turn_is_over_.exchange(false, std::memory_order_relaxed);
    to_step_aside_.store(false, std::memory_order_relaxed);
    if (!may_step_aside() || !(engine_.leave_crew() || (turn_is_over && engine_.pass_place_on())))
        return;
    finish_shared();
    engine_.takeover_->give_up(*this, false, false);
    recover();
}

stuck_watch::sample driver::sample() const noexcept {
    const shard* const home = shown_home_.load(std::memory_order_acquire);
    if (!home || mark_.is_lost())
        return {0, 0, true};
    // A handler that runs a loop keeps what the thread has, whatever its loop's handlers show: to ask all threads for a
    // barrier would be in vain.
    const auto handler = mark_.is_nested() ? thread_mark::inside : mark_.state();
    return {handler, home->counters_.turns.load(std::memory_order_relaxed), home->sleeping()};
}

bool driver::seems_asleep() const noexcept {
    const shard* const home = shown_home_.load(std::memory_order_acquire);
    return !home || mark_.is_lost() || home->sleeping();
}

/// In the thread that takes over. The shards become orphans; what they have queued and not submitted whoever
/// serves them submits.
void driver::dispossess(bool counted, reason why) noexcept {
    lost_ = true;
    // Before anybody can serve what is given up: see shard::cease_to_serve_for_others().
    if (why != reason::aside) // see engine::leave_crew()
        engine_.drivers_.fetch_sub(1, std::memory_order_seq_cst);
    engine_.note_somebody_out();
    left_behind_ |= home_->io().leave_behind(); // before its ring is entered: by the index of another thread
    if (counted) { // the thread will end the work of its handler, and can only do so from afar
        engine_.work_started();
        active_->finished_here();
    }
    for (orphan& o : orphans_) {
        if (o.watched)
            home_->io().unwatch(o.ward->index());
        if (o.held)
            leave_behind(*o.ward, why);
    }
    orphans_.clear();
    holding_ = false;
    if (is_steward())
        engine_.steward_.store(nullptr, std::memory_order_seq_cst);
    shard& home = *std::exchange(home_, nullptr);
    shown_home_.store(nullptr, std::memory_order_relaxed);
    leave_behind(home, why);
}

void driver::leave_behind(shard& s, reason why) noexcept {
    left_behind_ |= s.io().leave_behind();
    if (why == reason::stuck || why == reason::computing) {
        ring_counters::bump(s.counters_.takeovers);
        ring_counters::bump(s.counters_.takeovers_computing, why == reason::computing ? 1 : 0);
        ring_counters::bump(s.counters_.stranded, s.ready_.size());
    }
    s.drop_turn();
    s.release();
}

} // namespace aura::core

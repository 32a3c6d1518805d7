// driver: the run loop of one thread.
#include "core/loop/driver.hpp"

#include "core/base/canary.hpp"
#include "core/base/first_use.hpp"
#include "core/base/probe.hpp"
#include "core/base/usable_cpus.hpp"
#include "core/loop/inbox_lookout.hpp"
#include "core/loop/shard_wait.hpp"
#include "core/loop/stall_watch.hpp"
#include "core/loop/takeover.hpp"

#include <cerrno>
#include <ctime>

namespace aura::core {

namespace {

thread_local constinit driver* innermost = nullptr;

bool passed(nanoseconds_t deadline) noexcept {
    if (deadline == never)
        return false;
    return deadline == 0 || monotonic_now() >= deadline;
}

driver& or_else(driver* found, driver& otherwise) noexcept {
    return found ? *found : otherwise;
}

} // namespace

driver* driver::find(const engine& e) noexcept {
    for (driver* d = innermost; d; d = d->outer_)
        if (&d->engine_ == &e)
            return d;
    return nullptr;
}

driver* driver::find_root(const engine& e) noexcept {
    driver* d = find(e);
    return d ? &d->root_ : nullptr;
}

driver* driver::find_outermost(const engine& e) noexcept {
    driver* d = innermost;
    while (d && d->outer_)
        d = d->outer_;
    return d && &d->engine_ == &e ? d : nullptr;
}

unsigned driver::count_roots(const engine& e) noexcept {
    unsigned count = 0;
    for (const driver* d = innermost; d; d = d->outer_)
        count += &d->engine_ == &e && &d->root_ == d;
    return count;
}

namespace {

/// One that has lost everything is of no use to who runs the context inside its handler.
driver* find_usable_root(const engine& e) noexcept {
    driver* const root = driver::find_root(e);
    return root && !root->has_lost() ? root : nullptr;
}

} // namespace

driver::driver(engine& e, nanoseconds_t deadline, const std::atomic<bool>& stop)
    : engine_(e)
    , stop_(stop)
    , outer_(innermost)
    , mark_(this_thread_mark())
    , inside_(mark_, innermost != nullptr)
    , root_(or_else(find_usable_root(e), *this))
    , membership_(*this) {
    if (e.is_inherited()) [[unlikely]]
        e.adopt();
    if (outer_) // nobody can take anything from this thread as long as this lasts
        leave_others_of_outer_engines();
    // A handler that runs its own context again takes no new token.
    if (&root_ == this) {
        const auto [home, spare] = e.take_shard(deadline, stop, false);
        set_home(home);
        if (spare) [[unlikely]]
            e.tell_shortage();
        set_spare(spare);
    } else {
        home_ = root_.home_;
    }
    active_ = home_;
    if (outer_ && engine_.anybody_out())
        leave_others_to_others();
    if (home_)
        arrivals_seen_ = home_->arrivals();
    innermost = this;
}

driver::~driver() {
    innermost = outer_;
    finish_shared();
    if (stopped())
        happens_after(&stop_);
    if (&root_ != this) {
        // The handler goes on, perhaps for long, and nothing of others must wait for it: see step_down().
        if (home_ && engine_.anybody_out()) {
            leave_others_to_others();
        } else if (home_ && is_steward()) {
            if (!alone())
                root_.let_go_of_idle();
            step_down();
        }
        return;
    }
    set_spare(false);
    if (lost_) // and an exception has left the handler
        recover();
    if (!home_) {
        engine_.call_reserve(); // a place that it has not taken
        return;
    }
    resign();
    shown_home_.store(nullptr, std::memory_order_relaxed);
    engine_.give_back(*home_);
}

/// Inlined into both of its callers by order: called, it would be entered twice for each handler of a chain, whose
/// turns are of one handler, and the second time only to find the turn over.
[[gnu::always_inline]] AURAIO_NO_CANARY inline bool driver::run_ready() {
    if (const std::uint32_t left = home_->budget(); left != 0) [[likely]] {
        active_ = home_;
        AURAIO_PROBE1(handler__begin, home_->index());
        if (home_->run_next(left)) {
            AURAIO_PROBE(handler__end);
            return true;
        }
    }
    if (root_.holding_) [[unlikely]] {
        if (run_orphan())
            return true;
    }
    return shared_budget_ != 0 && run_shared();
}

[[gnu::always_inline]] AURAIO_NO_CANARY inline bool driver::step(nanoseconds_t deadline) {
    for (bool waited = false;;) {
        if (stopped())
            return false;
        if (run_ready()) {
            if (attention_) [[unlikely]]
                attend();
            return true;
        }
        if (!home_->path().pending()) {
            const std::uint32_t shared = engine_.shared_size();
            if (!engine_.has_orphans() && home_->renew_turn(shared != 0)) [[likely]] {
                shared_budget_ = shared;
                continue;
            }
        }
        if (waited && passed(deadline))
            return false;
        if (!next_turn(deadline, deadline != 0))
            return false;
        waited = true;
    }
}

bool driver::run_one(nanoseconds_t deadline) {
    return run_some(deadline, true) != 0;
}

std::size_t driver::run(nanoseconds_t deadline) {
    stays_.store(deadline == never && !outer_, std::memory_order_relaxed);
    return run_some(deadline, false);
}

// The loop, with all that a turn has in it up to the backend: see shard_wait.hpp.
AURAIO_NO_CANARY std::size_t driver::run_some(nanoseconds_t deadline, bool only_one) {
    std::size_t count = 0;
    const bool may_end = only_one || (deadline != never && deadline != 0);
    const auto ends = [&] { return may_end && (only_one || passed(deadline)); };
    for (;;) {
        while (!home_) {
            const auto end = serve_as_spare(deadline);
            if (end == spare_turn::over)
                return count;
            if (end == spare_turn::ran && (++count, ends()))
                return count;
        }
        do {
            if (!step(deadline)) {
                if (home_)
                    return count;
                break; // it has stepped aside
            }
            ++count;
            if (ends())
                return count;
        } while (home_); // else others have taken it meanwhile
    }
}

std::size_t driver::run_turn(nanoseconds_t deadline) {
    if (!run_one(deadline))
        return 0;
    std::size_t count = 1;
    while (home_ && !stopped() && run_ready())
        ++count;
    if (attention_)
        attend();
    return count;
}

bool driver::run_orphan() {
    struct on_exit { // a handler that runs the context again may have found more orphans: look it up again
        driver& self;
        shard* before;
        shard* ran = nullptr;
        ~on_exit() {
            self.active_ =
                &self.root_ == &self && self.home_ ? self.home_ : before; // it may be another by now
            if (orphan* const o = ran ? self.root_.find_orphan(*ran) : nullptr)
                --o->running;
        }
    } leave{*this, active_};
    for (orphan& o : root_.orphans_) {
        if (!o.held || !o.ward->in_turn())
            continue;
        active_ = leave.ran = o.ward;
        ++o.running;
        AURAIO_PROBE1(handler__begin, active_->index());
        if (active_->run_next(active_->budget())) {
            AURAIO_PROBE(handler__end);
            return true;
        }
        --o.running;
        leave.ran = nullptr;
    }
    return false;
}

driver::orphan* driver::find_orphan(const shard& s) noexcept {
    for (orphan& o : orphans_)
        if (o.ward == &s)
            return &o;
    return nullptr;
}

bool driver::run_shared() {
    --shared_budget_;
    operation* op = engine_.take_shared();
    if (!op) {
        shared_budget_ = 0;
        return false;
    }
    active_ = home_;
    ring_counters::bump(home_->counters().handlers);
    struct measure { // ends after finish_on_exit: once the thread is inside
        shard& ring;
        const void* kind;
        nanoseconds_t began;
        ~measure() {
            if (began != 0) [[unlikely]]
                ring.note_handler(kind, began);
        }
    } measured{*home_, op->code(), home_->sampler_.takes_one_between() ? monotonic_now() : 0};
    // Its work ends when this thread finds nothing to do: until then it has handlers to run, which are work
    // as well, so nobody can tell.
    struct finish_on_exit {
        driver& self;
        ~finish_on_exit() {
            if (!self.mark_.enter() && self.mark_.settle()) [[unlikely]]
                self.hear_of_loss();
            ++self.shared_ended_;
        }
    } finish{*this};
    if (op->leaves() && op->expected_long() != 0) [[unlikely]]
        give_up_before(op->expected_long(), true);
    if ((!op->leaves() || mark_.is_nested()) && engine_.anybody_out())
        leave_others_to_others();
    if (op->leaves())
        mark_.leave(reinterpret_cast<thread_mark::handler_id>(op)); // its work is counted in the engine
    AURAIO_PROBE1(handler__begin, active_->index());
    op->complete();
    AURAIO_PROBE(handler__end);
    return true;
}

void driver::finish_shared() noexcept {
    if (shared_ended_ != 0)
        engine_.work_finished(std::exchange(shared_ended_, 0));
}

bool driver::anything_ready() const noexcept {
    return home_->has_ready() || engine_.shared_size() != 0 || stopped() || root_.holding_;
}

[[gnu::always_inline]] AURAIO_NO_CANARY inline bool driver::next_turn(nanoseconds_t deadline,
                                                                      bool may_block) {
    if (engine_.is_inherited()) [[unlikely]]
        engine_.adopt();
    if (engine_.has_orphans()) [[unlikely]] {
        if (serve_orphans())
            return true;
    }
    bool ready = anything_ready();
    if (!ready && shared_ended_ != 0) {
        finish_shared();
        ready = anything_ready(); // or stopped: it may have been the last work
    }
    if (may_block && !ready) {
        if (!block(deadline))
            return false;
    } else {
        home_->poll();
    }
    if (root_.orphans_turn_) [[unlikely]]
        return true;
    // What others may take is taken one at a time, so that nothing waits behind a handler that blocks.
    shared_budget_ = engine_.shared_size();
    // Also where there are no orphans, and nobody else yet: there may be before the handlers have returned.
    if (is_steward() && (home_->in_turn() || shared_budget_ != 0 || root_.holding_)) [[unlikely]]
        step_down();
    return true;
}

namespace {

/// What this thread has learnt: a driver lives for one call, which may be run_one().
constinit thread_local inbox_lookout lookout;

/// A thread that looks out has its processor for itself, or it keeps who could answer from running.
bool has_processors_to_spare() noexcept {
    try {
        static constinit first_use<bool> several;
        return several.get([] { return several_cpus_usable(); });
    } catch (const std::exception&) { // no memory to find out
        return false;
    }
}

void pause_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
}

} // namespace

/// True: there is something new, and the thread need not sleep. What handlers have asked of the kernel does not wait
/// for this: where there is anything, none is looked for. Nor do deadlines, nor requests that are over meanwhile: those
/// of the epoll backend show to a system call alone, so none is looked for beside them. Only what threads carry out
/// for a ring does.
bool driver::look_out(nanoseconds_t deadline) {
    if (!lookout.pays() || !has_processors_to_spare() || !home_->io().nothing_queued())
        return false;
    if (engine_.which_backend() == backend_kind::epoll && home_->io().pending() != 0)
        return false;
    const nanoseconds_t begin = monotonic_now();
    nanoseconds_t now = begin;
    if (deadline < now + inbox_lookout::longest || home_->next_deadline() < now + inbox_lookout::longest)
        return false;
    // Hints, all of them: who goes to sleep looks again.
    const auto anything = [this] { return home_->has_messages() || engine_.shared_size() != 0 || stopped(); };
    bool found = false, completions = false;
    while (!found && !completions && now - begin < inbox_lookout::longest) {
        for (int i = 0; i < 8 && !(found = anything()); ++i)
            pause_processor();
        completions = home_->io().has_completions();
        now = monotonic_now();
    }
    lookout.has_looked(now - begin, found);
    return found || completions;
}

/// Not in its callers, which mostly do otherwise.
[[gnu::noinline]] void driver::poll_home() {
    home_->poll();
}

/// False: the thread has stepped aside.
[[gnu::always_inline]] inline bool driver::block(nanoseconds_t deadline) {
    if (is_to_step_aside()) [[unlikely]] {
        step_aside();
        if (!home_)
            return false;
    }
    const bool steward = is_steward();
    if (steward || root_.holds_any()) {
        const nanoseconds_t theirs = root_.prepare_orphans_for_sleep(steward);
        if (theirs < deadline)
            deadline = theirs;
        if (root_.holding_) {
            if (alone())
                poll_home();
            else
                begin_orphans_turn();
            return true;
        }
    }
    if (home_->arrivals() != arrivals_seen_) {
        arrivals_seen_ = home_->arrivals();
        if (!steward && !root_.holds_any() && look_out(deadline)) {
            poll_home();
            return true;
        }
    }
    // Publish sleep, then look again at everything that is published before a sleeper is looked for: all of
    // it seq_cst, so of a publisher and a sleeper at least one sees the other.
    if (!home_->try_sleep()) {
        poll_home();
        return true;
    }
    const bool orphans_changed = engine_.orphan_epoch_.load(std::memory_order_seq_cst) != root_.epoch_seen_;
    const bool looks_after_them =
        engine_.has_orphans() &&
        (engine_.steward_.load(std::memory_order_seq_cst) == nullptr || (steward && orphans_changed));
    if (stopped() || engine_.shared_waits() || looks_after_them) {
        home_->stay_awake();
        poll_home();
    } else {
        const nanoseconds_t own = home_->next_deadline();
        home_->wait(own < deadline ? own : deadline);
    }
    if (takeover* const t = engine_.takeover_.get()) // who watches may have found it asleep
        t->note_awake();
    stall_watch::note_awake();
    return true;
}

// ---- without a shard ----

void driver::set_spare(bool spare) noexcept {
    if (std::exchange(spare_, spare) != spare)
        engine_.count_spare(spare);
}

/// Until there is a shard for this thread, runs a handler of the shared queue, or waits for either.
driver::spare_turn driver::serve_as_spare(nanoseconds_t deadline) {
    if (engine_.is_inherited()) [[unlikely]]
        engine_.adopt();
    finish_shared();
    bool called = false;
    while (!root_.home_) {
        if (stopped())
            return spare_turn::over;
        if (!called && may_step_aside() && !engine_.has_place_in_crew()) {
            engine_.wait_in_reserve(stop_);
            called = true; // those who are still there have come later
            continue;
        }
        if (root_.spare_ && engine_.shared_size() != 0 && run_shared_as_spare())
            return spare_turn::ran;
        const auto [home, spare] = engine_.take_shard(deadline, stop_, root_.spare_);
        if (!home && !spare)
            return spare_turn::over;
        root_.set_home(home);
        root_.active_ = home;
        root_.set_spare(!home);
    }
    home_ = active_ = root_.home_; // perhaps of a run inside the handler that has just ended
    return spare_turn::has_shard;
}

/// Its objects go where those go that are made outside of run().
bool driver::run_shared_as_spare() {
    operation* const op = engine_.take_shared();
    if (!op)
        return false;
    struct finish_on_exit {
        std::int64_t& ended;
        ~finish_on_exit() { ++ended; }
    } finish{shared_ended_};
    op->complete();
    if (attention_)
        attend();
    return true;
}

} // namespace aura::core

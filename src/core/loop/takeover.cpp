// takeover: who watches, and how the rings of a thread are moved while it is in a handler.
#include "core/loop/takeover.hpp"

#include "auraio/core/base/thread_mark.hpp"
#include "core/base/descriptions.hpp"
#include "core/base/process_barrier.hpp"
#include "core/loop/driver.hpp"
#include "core/loop/stall_watch.hpp"
#include "core/loop/stuck_watch.hpp"
#include "core/loop/thread_accounts.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <new>
#include <pthread.h>
#include <utility>

namespace aura::core {

namespace {

/// How long to do without where a barrier that was to be had is refused: by a filter that came later, or for want
/// of memory.
constexpr nanoseconds_t after_refusal = 1'000'000'000;

/// In microseconds. Half of it finds threads that are only preempted, twice as much leaves what waits longer than
/// Asio does.
constexpr unsigned default_limit = 1000;

unsigned takeover_limit_of(const engine_options& o) noexcept {
    if (o.implicit_strands || o.task_work == task_run::deferred)
        return 0;
    return o.takeover_after == engine_options::by_default ? default_limit : o.takeover_after;
}

} // namespace

// ---- threads ----

std::unique_ptr<takeover> takeover::create(engine& e) {
    const unsigned limit = takeover_limit_of(e.options());
    if (limit == 0 || e.single_shard())
        return nullptr;
    return has_process_barrier() ? std::make_unique<takeover>(e, nanoseconds_t{limit} * 1000) : nullptr;
}

takeover::takeover(engine& e, nanoseconds_t limit) noexcept
    : engine_(e)
    , limit_(limit) {}

void takeover::end() noexcept {
    {
        std::lock_guard guard(watch_mutex_);
        ends_ = true;
        changed_.notify_all();
    }
    if (watch_.joinable())
        watch_.join();
}

void takeover::enter(driver& d, bool can_lose) {
    if (can_lose) {
        d.mark().belongs_to(&mutex_);
        std::lock_guard guard(mutex_);
        d.takeover_next_ = first_;
        d.takeover_previous_ = nullptr;
        if (first_)
            first_->takeover_previous_ = &d;
        first_ = &d;
    }
    if (threads_.fetch_add(1, std::memory_order_relaxed) == 0)
        return;
    start();
    note_awake();
}

void takeover::leave(driver& d, bool can_lose) noexcept {
    threads_.fetch_sub(1, std::memory_order_relaxed);
    stall_watch::note_awake(); // the last one is looked at there
    if (!can_lose)
        return;
    std::lock_guard guard(mutex_);
    (d.takeover_previous_ ? d.takeover_previous_->takeover_next_ : first_) = d.takeover_next_;
    if (d.takeover_next_)
        d.takeover_next_->takeover_previous_ = d.takeover_previous_;
    d.mark().belongs_to(nullptr); // what it has lost it does not need any more
}

void takeover::sever(driver* d, unsigned runs, bool locked) noexcept {
    if (!locked)
        ::new (static_cast<void*>(&mutex_)) takeover_lock;
    ::new (static_cast<void*>(&watch_mutex_)) std::mutex;
    ::new (static_cast<void*>(&changed_)) std::condition_variable;
    ::new (static_cast<void*>(&watch_)) std::thread; // that one is the parent's
    parked_.store(false, std::memory_order_relaxed);
    threads_.store(runs, std::memory_order_relaxed);
    first_ = d;
    crew_ = {};
    if (!d)
        return;
    d->takeover_next_ = d->takeover_previous_ = nullptr;
    d->kernel_thread_ = 0;
    if (d->lost_) { // the thread that took over may have been in the middle of it
        d->home_ = nullptr;
        d->shown_home_.store(nullptr, std::memory_order_relaxed);
        d->orphans_.clear();
        d->holding_ = false;
        d->left_behind_ = 0; // the parent's
        d->mark().lose();
    }
}

// ---- the watching thread ----

void takeover::start() {
    std::lock_guard guard(watch_mutex_);
    if (watch_.joinable() || ends_)
        return;
    sigset_t all, before;
    sigfillset(&all); // signals are for the program's threads
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        watch_ = std::thread([this] { watch(); });
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // No thread can be had: the next one that comes tries again.
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void takeover::unpark() noexcept {
    std::lock_guard guard(watch_mutex_);
    roused_ = true;
    changed_.notify_all();
}

void takeover::watch() noexcept {
    (void)::pthread_setname_np(::pthread_self(), "auraio-watch");
    stuck_watch stuck(limit_);
    stall_report stalls;
    thread_accounts accounts;
    std::unique_lock lock(watch_mutex_);
    while (!ends_) {
        lock.unlock();
        nanoseconds_t next = look(stuck, stalls, accounts);
        if (next == never)
            next = park();
        lock.lock();
        if (next == never)
            changed_.wait(lock, [this] { return roused_ || ends_; });
        else if (!ends_)
            changed_.wait_until(lock, std::chrono::steady_clock::time_point(
                                          std::chrono::nanoseconds(static_cast<std::int64_t>(next))));
        parked_.store(false, std::memory_order_relaxed);
        roused_ = false;
    }
}

/// See note_awake(). Returns when to look again: never, unless somebody is awake by now, or could not be told.
nanoseconds_t takeover::park() noexcept {
    parked_.store(true, std::memory_order_relaxed);
    if (!process_barrier())
        return monotonic_now() + after_refusal; // who wakes up need not see it: not without a clock
    if (threads_.load(std::memory_order_relaxed) < 2)
        return never; // there is nobody to take over; see enter()
    std::lock_guard guard(mutex_);
    for (const driver* d = first_; d; d = d->takeover_next_)
        if (!d->seems_asleep())
            return 0;
    return never;
}

/// Looks at all threads, and takes from those that are stuck. Returns when to look again.
nanoseconds_t takeover::look(stuck_watch& stuck, stall_report& stalls, thread_accounts& accounts) noexcept {
    unsigned taken = 0;
    bool alone = false;
    {
        std::lock_guard guard(mutex_);
        const nanoseconds_t now = monotonic_now();
        stuck.begin(now);
        stalls.begin(now);
        const bool others = threads_.load(std::memory_order_relaxed) > 1;
        for (driver* d = first_; d; d = d->takeover_next_) {
            stalls.see(d->stalled_, d->shown_home_.load(std::memory_order_acquire), d->mark().state(),
                       d->mark().is_lost());
            if (stuck.see(d->seen_, d->sample()) && others &&
                engine_.anybody_idle(d->shown_home_.load(std::memory_order_acquire)) && take_from(*d))
                ++taken;
        }
        stalls.choose();
        alone = !others;
    }
    if (taken != 0) { // not under the lock: they take others
        engine_.notify_parked();
        engine_.orphans_changed();
        engine_.call_reserve();
    }
    const nanoseconds_t next_crew = engine_.options().pack_rings ? look_at_crew(accounts) : never;
    stalls.tell();
    if (alone)
        return never;
    const nanoseconds_t next = std::min(stuck.next_look(), stalls.next_look());
    return next == never ? never : std::min(next, next_crew);
}

/// Of a thread that shows its home: whether it runs, or would if there were a processor for it.
bool takeover::computes(const driver& d) noexcept {
    const shard* const home = d.shown_home_.load(std::memory_order_acquire);
    try {
        return home && describe_system_call(home->driving_thread()).starts_with("running");
    } catch (const std::bad_alloc&) {
        return false;
    }
}

/// The lock is held, from the request to the decision.
bool takeover::take_from(driver& d) noexcept {
    thread_mark& mark = d.mark();
    if (mark.is_lost())
        return false;
    mark.want();
    const bool ordered = process_barrier();
    const thread_mark::handler_id handler = mark.look();
    happens_after(&mark);
    // What the thread wrote inside can be read from here on, if it is outside.
    if (!ordered || handler == thread_mark::inside || mark.is_nested() || !d.has_home()) {
        mark.refuse();
        return false;
    }
    d.dispossess((handler & 1) != 0, computes(d) ? driver::reason::computing : driver::reason::stuck);
    happens_before(&mark);
    mark.lose();
    count_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

// ---- what threads give up themselves ----

void takeover::give_up(driver& d, bool counted, bool apart) noexcept {
    {
        std::lock_guard guard(mutex_); // nobody is in the middle of taking it
        d.dispossess(counted, apart ? driver::reason::apart : driver::reason::aside);
        if (apart)
            d.mark().lose();
    }
    engine_.notify_parked();
    engine_.orphans_changed();
    engine_.call_reserve();
}

// ---- how many threads drive ----

/// Whether one thread is to drive all rings: see crew_width. Returns when to look again. The files of the kernel are
/// not read under the lock, for which threads wait that give up their rings.
nanoseconds_t takeover::look_at_crew(thread_accounts& accounts) noexcept {
    bool due;
    {
        std::lock_guard guard(mutex_);
        due = crew_.is_due(monotonic_now());
        if (!due && !crew_.is_narrow())
            return crew_.next();
    }
    const bool known = due && look_at(accounts); // only then: each look forgets what came before the last
    bool narrow;
    nanoseconds_t next;
    {
        std::lock_guard guard(mutex_);
        decide_on_crew(monotonic_now(), known ? &accounts : nullptr);
        narrow = crew_.is_narrow();
        next = due && !known ? monotonic_now() + crew_width::calm_window : crew_.next();
    }
    engine_.limit_crew(narrow ? 1 : engine::no_crew_limit);
    // seq_cst: of this and refuse_crew() the one that comes later lifts it.
    if (narrow && crew_refused_.load(std::memory_order_seq_cst))
        engine_.limit_crew(engine::no_crew_limit);
    return next;
}

/// With the lock. `known`: new accounts; null: it is not time to decide, or there was no memory. Where one thread is to
/// drive, the others are asked to step aside.
void takeover::decide_on_crew(nanoseconds_t now, const thread_accounts* known) noexcept {
    const bool refused = crew_refused_.exchange(false, std::memory_order_relaxed);
    const bool possible = !stands_still(now) && all_can_lose();
    if (refused || (crew_.is_narrow() && !possible))
        crew_.refuse(now);
    if (known && crew_.is_due(now)) { // else it has been refused meanwhile
        if (possible)
            crew_.decide(figures_of(*known, now));
        else
            crew_.put_off(figures_of(*known, now));
    }
    if (crew_.is_narrow())
        ask_to_step_aside(now);
}

/// Whether nobody in run() keeps what it drives whatever its handler does: under the loop of another context, or in a
/// loop within a handler.
bool takeover::all_can_lose() const noexcept {
    unsigned count = 0;
    for (const driver* d = first_; d; d = d->takeover_next_) {
        if (d->mark().is_nested())
            return false;
        ++count;
    }
    return count == threads_.load(std::memory_order_relaxed);
}

/// All but one; and that one after its turn, so that threads share the work evenly, as they did before.
void takeover::ask_to_step_aside(nanoseconds_t now) noexcept {
    constexpr nanoseconds_t turn = 100'000'000;
    const bool is_over = now - crew_turn_began_ >= turn && engine_.reserve_count() != 0;
    if (is_over)
        crew_turn_began_ = now;
    unsigned drive = 0;
    for (driver* d = first_; d; d = d->takeover_next_) { // again and again, for threads come
        shard* const home = d->shown_home_.load(std::memory_order_acquire);
        if (!home)
            continue;
        const bool stays = ++drive == 1;
        if (stays && (!is_over || home->sleeping())) // nor is anybody disturbed who has nothing to do
            continue;
        if (d->ask_to_step_aside(stays))
            (void)home->rouse();
    }
}

/// Whether one that drives has been in one turn for long, so that nobody else can serve what it serves for others.
bool takeover::stands_still(nanoseconds_t now) noexcept {
    constexpr nanoseconds_t for_long = 10'000'000;
    bool any = false;
    for (driver* d = first_; d; d = d->takeover_next_) {
        shard* const home = d->shown_home_.load(std::memory_order_acquire);
        const std::uint64_t turns = home ? home->counters().turns.load(std::memory_order_relaxed) : 0;
        if (!home || home->sleeping() || turns != std::exchange(d->turns_, turns))
            d->turn_since_ = now;
        any = any || now - d->turn_since_ >= for_long;
    }
    return any;
}

/// What the kernel has counted for each thread. False: there is no memory.
bool takeover::look_at(thread_accounts& accounts) noexcept {
    if (!accounts.begin(threads_.load(std::memory_order_relaxed) + 8)) // some may come
        return false;
    {
        std::lock_guard guard(mutex_);
        for (driver* d = first_; d; d = d->takeover_next_) {
            if (const shard* const home = d->shown_home_.load(std::memory_order_acquire))
                d->kernel_thread_ = home->driving_thread();
            if (d->kernel_thread_ != 0 && !accounts.add(d->kernel_thread_))
                break;
        }
    }
    return accounts.read();
}

crew_width::figures takeover::figures_of(const thread_accounts& accounts, nanoseconds_t now) const noexcept {
    const processor_account sum = accounts.sum();
    crew_width::figures f;
    f.now = now;
    f.threads = threads_.load(std::memory_order_relaxed);
    f.processors = accounts.processors();
    f.processor = sum.had;
    f.delay = sum.waited;
    f.idle = accounts.idle();
    const unsigned count = engine_.shard_count();
    for (unsigned i = 0; i < count; ++i)
        f.handlers += engine_.shard_at(i).counters().handlers.load(std::memory_order_relaxed);
    return f;
}

void takeover::refuse_crew() noexcept {
    crew_refused_.store(true, std::memory_order_seq_cst);
    engine_.limit_crew(engine::no_crew_limit);
}

} // namespace aura::core

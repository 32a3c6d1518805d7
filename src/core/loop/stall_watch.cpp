// stall_watch: the thread, and what it finds of a ring.
#include "core/loop/stall_watch.hpp"

#include "auraio/core/base/clock.hpp"
#include "auraio/core/base/stall_limit.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/base/first_use.hpp"
#include "core/base/library_pin.hpp"
#include "core/base/process_barrier.hpp"
#include "core/loop/takeover.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <new>
#include <pthread.h>
#include <thread>

namespace aura::core {

namespace {

constexpr nanoseconds_t ms = 1'000'000;

/// How long to do without a barrier that is refused: who wakes up need not see that the watch is parked.
constexpr nanoseconds_t before_another_try = 1000 * ms;

auto time_point(nanoseconds_t t) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(static_cast<std::int64_t>(t)));
}

/// Its thread is neither asleep nor away: a hint.
bool shows_awake(const shard& s) noexcept {
    return !s.is_free() && !s.sleeping();
}

} // namespace

// ---- engines ----

watched_engine::watched_engine(engine& e)
    : engine_(e) {
    stall_watch& all = stall_watch::instance();
    std::lock_guard guard(all.mutex_);
    next_ = all.first_;
    if (next_)
        next_->previous_ = this;
    all.first_ = this;
    if (stall_watch::asked.load(std::memory_order_relaxed))
        stall_watch::attention.store(true, std::memory_order_relaxed); // its thread finds it when it comes
}

watched_engine::~watched_engine() {
    if (generation_ != fork_generation())
        return;
    stall_watch& all = stall_watch::instance();
    std::lock_guard guard(all.mutex_);
    (previous_ ? previous_->next_ : all.first_) = next_;
    if (next_)
        next_->previous_ = previous_;
    if (all.first_)
        return;
    all.roused_ = true; // it ends
    all.changed_.notify_all();
}

bool watched_engine::is_for_us() const noexcept {
    return !engine_.is_inherited() && (!engine_.takeover_ || engine_.takeover_->threads() < 2);
}

bool watched_engine::is_awake() const noexcept {
    if (!is_for_us())
        return false;
    const unsigned count = engine_.shard_count();
    for (unsigned i = 0; i < count; ++i)
        if (shows_awake(engine_.shard_at(i)))
            return true;
    return false;
}

/// True: a thread is awake. Where all rings are driven, each by a thread of its own, a turn in which nothing is done
/// any more is one handler: the number of turns and what is left of this one stand still.
bool watched_engine::look(stall_report& report) {
    if (!is_for_us()) {
        seen_.reset();
        return false;
    }
    const unsigned count = engine_.shard_count();
    if (!seen_)
        seen_ = std::make_unique<stall_report::memory[]>(engine_.shard_limit_);
    const bool one_each = count <= engine_.driver_count();
    bool awake = false;
    for (unsigned i = 0; i < count; ++i) {
        shard& s = engine_.shard_at(i);
        awake = awake || shows_awake(s);
        report.see(seen_[i], s, one_each);
    }
    return awake;
}

// ---- the watch ----

stall_watch::stall_watch()
    : fork_aware(&sever) {
    enlist();
}

stall_watch& stall_watch::instance() {
    // A pointer: its thread may outlive static objects.
    static constinit first_use<stall_watch*> watch;
    return *watch.get([] { return new stall_watch; });
}

void stall_watch::sever(fork_aware& self) noexcept {
    auto& w = static_cast<stall_watch&>(self);
    ::new (static_cast<void*>(&w.mutex_)) std::mutex;
    ::new (static_cast<void*>(&w.changed_)) std::condition_variable;
    w.running_ = false; // that one is the parent's
    w.first_ = nullptr; // see watched_engine
    attention.store(asked.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void stall_watch::ask(bool wanted) noexcept {
    if (wanted)
        pin_library(); // nobody joins the thread, which is made where it is asked for, under a lock
    asked.store(wanted, std::memory_order_relaxed);
    attend();
}

/// Not under a lock of the engine's.
void stall_watch::attend() noexcept {
    try {
        stall_watch& w = instance();
        std::lock_guard guard(w.mutex_);
        attention.store(false, std::memory_order_relaxed);
        w.roused_ = true;
        if (w.running_)
            w.changed_.notify_all();
        else if (w.goes_on())
            w.start();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): no memory, no reports
    }
}

bool stall_watch::goes_on() const noexcept {
    return first_ && asked.load(std::memory_order_relaxed);
}

void stall_watch::start() noexcept {
    sigset_t all, before;
    sigfillset(&all); // signals are for the program's threads
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([this] { watch(); }).detach(); // what it has is never destroyed
        running_ = true;
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch)
        // No thread can be had: the next context, or who asks again, tries again.
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

nanoseconds_t stall_watch::between_looks() noexcept {
    return std::clamp(nanoseconds_t{stall_report_after()} * ms / 2, ms, 50 * ms);
}

void stall_watch::watch() noexcept {
    (void)::pthread_setname_np(::pthread_self(), "auraio-stalls");
    std::unique_lock lock(mutex_);
    while (goes_on()) {
        nanoseconds_t next = look();
        if (report_.chosen().lasted != 0) {
            lock.unlock(); // the thread that tells is made meanwhile
            report_.tell();
            lock.lock();
        }
        roused_ = false;
        if (next == never)
            next = park();
        if (next == never) {
            changed_.wait(lock, [this] { return roused_ || !goes_on(); });
            next = monotonic_now() + between_looks();
        }
        attention.store(false, std::memory_order_relaxed);
        changed_.wait_until(lock, time_point(next), [this] { return !goes_on(); });
    }
    running_ = false;
}

/// Returns when to look again; never: when somebody wakes up.
nanoseconds_t stall_watch::look() noexcept {
    const nanoseconds_t now = monotonic_now();
    report_.begin(now);
    bool awake = false;
    for (watched_engine* e = first_; e; e = e->next_)
        try {
            awake = e->look(report_) || awake;
        } catch (const std::exception&) {
            awake = true; // no memory for what is remembered: the next look tries again
        }
    report_.choose();
    return awake ? std::min(report_.next_look(), now + between_looks()) : never;
}

/// See note_awake().
nanoseconds_t stall_watch::park() noexcept {
    attention.store(true, std::memory_order_relaxed);
    if (!has_process_barrier() || !process_barrier())
        return monotonic_now() + before_another_try;
    for (const watched_engine* e = first_; e; e = e->next_)
        if (e->is_awake())
            return monotonic_now() + between_looks();
    return never;
}

} // namespace aura::core

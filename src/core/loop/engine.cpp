// engine: which thread drives which shard, the shared queue, stopping, shutting down, forking.
#include "auraio/core/loop/engine.hpp"

#include "auraio/core/io/signal_set.hpp"
#include "backend/backends.hpp"
#include "core/io/inert_descriptor.hpp"
#include "core/loop/driver.hpp"
#include "core/storage/storage_user.hpp"

#include <cerrno>
#include <chrono>
#include <exception>
#include <thread>

namespace aura::core {

namespace {

/// How long a thread that enters run() waits for a shard that is only lent out, before it gets a new one.
constexpr std::chrono::milliseconds patience{2};

/// As Asio: a time that has passed runs nothing, ready or not. (0 is not a time but asks for what is ready.)
bool is_over(nanoseconds_t deadline) noexcept {
    return deadline != 0 && deadline != never && monotonic_now() >= deadline;
}

unsigned next_random() noexcept {
    static thread_local constinit std::uint32_t state = 0x9e3779b9u;
    state ^= state << 13; // xorshift32 (Marsaglia 2003): spreading needs no better generator
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

unsigned limit_of(const engine_options& o) noexcept {
    if (o.concurrency_hint == 1 || o.task_work == task_run::deferred)
        return 1;
    return o.ring_limit == 0 || o.ring_limit > engine::max_shards ? engine::max_shards : o.ring_limit;
}

} // namespace

engine::engine(const engine_options& options)
    : fork_aware(&sever)
    , options_(options)
    , shard_limit_(limit_of(options))
    , storage_(std::make_unique<storage_user>())
    , registrations_(*this) {
    if (!options_.make_backend)
        backend_reason_ = backend_of(options_.backend).probe();
    else
        backend_reason_ = "custom";
    reserve_inert_descriptors();
    {
        std::lock_guard guard(mutex_);
        create_shard_locked();
    }
    enlist();
}

engine::~engine() {
    shutdown();
    delist();
}

std::unique_ptr<backend> engine::make_backend() const {
    if (options_.make_backend)
        return options_.make_backend(options_, options_.make_backend_argument);
    return backend_of(options_.backend).make(options_);
}

std::unique_ptr<registration_source> engine::make_registration_source() const {
    return options_.make_backend ? nullptr : backend_of(options_.backend).make_source();
}

// ---- running ----

std::size_t engine::run(nanoseconds_t deadline) {
    if (is_over(deadline))
        return 0;
    if (outstanding_.load(std::memory_order_acquire) == 0) {
        stop();
        return 0;
    }
    driver here(*this, deadline, stopped_);
    return here.run(deadline);
}

std::size_t engine::run_one(nanoseconds_t deadline) {
    if (is_over(deadline))
        return 0;
    if (outstanding_.load(std::memory_order_acquire) == 0) {
        stop();
        return 0;
    }
    driver here(*this, deadline, stopped_);
    return here.run_one(deadline) ? 1 : 0;
}

std::size_t engine::run(nanoseconds_t deadline, const std::atomic<bool>& stop) {
    driver here(*this, deadline, stop);
    return here.run(deadline);
}

std::size_t engine::run_turn(nanoseconds_t deadline, const std::atomic<bool>& stop) {
    driver here(*this, deadline, stop);
    return here.run_turn(deadline);
}

void engine::track() noexcept {
    work_started();
}
void engine::untrack() noexcept {
    work_finished();
}

void engine::stop() noexcept {
    // Work may end in a thread of somebody else's, a pool that destroys an executor: once stopped_ is set,
    // run() returns and the engine may be destroyed beneath it. So shutdown() waits. Relaxed here, for the
    // exchange publishes it to whoever sees stopped_; release at the end, the last that is touched.
    stopping_.fetch_add(1, std::memory_order_relaxed);
    // seq_cst: a driver publishes sleep and then reads stopped_; see driver::block(). Whoever set it first
    // wakes; a thread that looks at it later does not sleep.
    if (!stopped_.exchange(true, std::memory_order_seq_cst))
        rouse_all();
    stopping_.fetch_sub(1, std::memory_order_release);
}

void engine::rouse_all() noexcept {
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        shards_[i]->rouse();
    notify_parked();
}

shard* engine::current_shard() const noexcept {
    driver* d = driver::find(*this);
    return d ? d->active() : nullptr;
}

void engine::capture_exception() noexcept {
    if (driver* d = driver::find(*this))
        d->keep(std::current_exception());
}

void engine::flush() {
    if (shard* s = current_shard())
        s->flush();
}

void engine::flush_all() {
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i) {
        shard& s = *shards_[i];
        if (shard_visit visit(s); visit) {
            if (!visit.driving()) {
                s.ensure_backend();
                s.io().attach_visitor();
                if (s.inbox_.maybe_nonempty())
                    s.take_inbox();
            }
            s.flush();
        }
    }
}

// ---- shards and their tokens ----

shard& engine::create_shard_locked(bool acquire) {
    const unsigned index = shard_count_.load(std::memory_order_relaxed);
    if (index >= max_shards)
        throw engine_error(EAGAIN, "auraio: more than 512 rings in one io_context");
    shards_[index] = std::make_unique<shard>(*this, index);
    // Before anybody can see it: once it is counted, a steward may take a shard that nobody drives.
    if (acquire)
        (void)shards_[index]->try_acquire();
    // Release: whoever reads the new count sees the shard.
    shard_count_.store(index + 1, std::memory_order_release);
    return *shards_[index];
}

shard& engine::shard_at(unsigned index) {
    if (index < shard_count())
        return *shards_[index];
    bool running;
    {
        std::lock_guard guard(mutex_);
        while (shard_count_.load(std::memory_order_relaxed) <= index)
            create_shard_locked();
        running = drivers_.load(std::memory_order_relaxed) != 0;
    }
    if (running)
        orphans_changed(); // nobody drives it yet
    return *shards_[index];
}

shard* engine::take_free_shard_locked() noexcept {
    // Prefer the shard this thread drove last: what it submitted there completes fastest here.
    static thread_local constinit unsigned last = 0;
    const unsigned count = shard_count_.load(std::memory_order_relaxed);
    if (last < count && shards_[last]->try_acquire())
        return shards_[last].get();
    for (unsigned i = 0; i < count; ++i) {
        if (!shards_[i]->try_acquire())
            continue;
        last = i;
        return shards_[i].get();
    }
    return nullptr;
}

shard* engine::take_shard(nanoseconds_t deadline, const std::atomic<bool>& stop) {
    std::unique_lock lock(mutex_);
    shard* s = take_free_shard_locked();
    const auto give_up = std::chrono::steady_clock::time_point(
        std::chrono::nanoseconds(static_cast<std::int64_t>(deadline / 2 < never / 4 ? deadline : never / 4)));
    const auto started = s ? std::chrono::steady_clock::time_point{} : std::chrono::steady_clock::now();
    while (!s) {
        const bool lent_out = has_orphans(); // its steward will give it back after the turn
        const unsigned count = shard_count_.load(std::memory_order_relaxed);
        if (count < shard_limit_ && (!lent_out || std::chrono::steady_clock::now() - started >= patience)) {
            s = &create_shard_locked(true);
            break;
        }
        if (deadline == 0 || stop.load(std::memory_order_seq_cst) ||
            std::chrono::steady_clock::now() >= give_up)
            return nullptr;
        // Parked threads are counted before they look again, so that notify_parked() cannot miss one.
        parked_.fetch_add(1, std::memory_order_seq_cst);
        const auto until = count < shard_limit_ ? std::min(give_up, started + patience) : give_up;
        if (s = take_free_shard_locked(); !s && !stop.load(std::memory_order_seq_cst)) {
            shard_freed_.wait_until(lock, until);
            s = take_free_shard_locked();
        }
        parked_.fetch_sub(1, std::memory_order_relaxed);
    }
    drivers_.fetch_add(1, std::memory_order_relaxed);
    lock.unlock();
    s->stay_awake();
    try {
        s->ensure_backend();
        s->io().attach_thread();
    } catch (...) {
        drivers_.fetch_sub(1, std::memory_order_relaxed);
        s->release();
        notify_parked();
        throw;
    }
    return s;
}

void engine::give_back(shard& s) noexcept {
    s.flush_if_possible();
    s.io().detach_thread();
    s.release();
    const unsigned left = drivers_.fetch_sub(1, std::memory_order_acq_rel) - 1;
    notify_parked();
    if (left != 0)
        orphans_changed();
}

void engine::orphans_changed() noexcept {
    // seq_cst on both sides: a driver that is about to sleep either sees the new epoch or is seen asleep
    // here.
    orphan_epoch_.fetch_add(1, std::memory_order_seq_cst);
    if (shard* steward = steward_.load(std::memory_order_seq_cst)) {
        steward->rouse();
        return;
    }
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        if (!shards_[i]->is_free() && shards_[i]->rouse())
            return;
}

void engine::notify_parked() {
    if (parked_.load(std::memory_order_seq_cst) == 0)
        return;
    // Taking the mutex orders this after the parked thread's last look at the tokens.
    {
        std::lock_guard guard(mutex_);
    }
    shard_freed_.notify_all();
}

bool engine::begin_visit(shard& s) noexcept {
    // The mutex keeps threads from entering meanwhile: they would take the visited shard for a driven one.
    mutex_.lock();
    if (s.try_acquire()) {
        if (!s.backend_ || s.backend_->obeys_this_thread())
            return true;
        s.release(); // a message reaches the shard when its thread is back, or the engine shuts down
    }
    mutex_.unlock();
    return false;
}

void engine::end_visit(shard& s) noexcept {
    (void)s.flush_completely(); // whatever goes wrong, the next driver hears of it
    s.release();
    const bool running = drivers_.load(std::memory_order_relaxed) != 0;
    mutex_.unlock();
    if (running)
        orphans_changed(); // the steward may have found it taken
}

unsigned engine::random_driven_shard() const noexcept {
    const unsigned count = shard_count();
    unsigned i = next_random() % count;
    for (unsigned tries = 0; tries < count && shards_[i]->is_free(); ++tries)
        i = i + 1 == count ? 0 : i + 1;
    return i;
}

shard& engine::place_balanced() noexcept {
    shard& a = *shards_[random_driven_shard()];
    shard& b = *shards_[random_driven_shard()];
    return b.load() < a.load() ? b : a;
}

void engine::set_storage(const storage_settings& change) {
    storage_->set(change);
}

void engine::set_storage(device_id device, const storage_settings& change) {
    storage_device* found = nullptr;
    if (const int error = storage_device::find(device, found))
        throw engine_error(-error,
                           "auraio: which disk is behind this device cannot be read for want of descriptors "
                           "or memory");
    storage_->set(*found, change);
}

// ---- the shared queue ----

void engine::post_shared(operation& op) {
    if (single_shard()) {
        shards_[0]->post(op);
        return;
    }
    op.set_counts_remotely(true);
    work_started();
    {
        std::lock_guard guard(shared_mutex_);
        shared_.push(op);
        shared_size_.store(shared_.size(), std::memory_order_seq_cst);
    }
    // Against driver::block(), which publishes sleep and then reads the size: all four are seq_cst, so either
    // its sleep is visible here, or it has seen this size, or one stored after it by whoever took the
    // operation. Sizes are stored under the mutex, so the last one stored is the size.
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        if (shards_[i]->sleeping() && shards_[i]->rouse())
            return;
}

operation* engine::take_shared() {
    std::lock_guard guard(shared_mutex_);
    operation* op = shared_.pop();
    shared_size_.store(shared_.size(), std::memory_order_relaxed);
    return op;
}

// ---- the end, and forks ----

void engine::shutdown() {
    while (stopping_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield(); // no futex: to wake its waiter they would have to touch the engine once
                                   // more
    const unsigned count = shard_count();
    std::array<bool, max_shards> taken{};
    for (unsigned i = 0; i < count; ++i)
        taken[i] = shards_[i]->try_acquire();
    signal_set::abandon(*this);
    for (unsigned i = 0; i < count; ++i) {
        if (shards_[i]->is_inherited())
            shards_[i]->leave_requests(); // to the parent
        shards_[i]->cancel_everything();
    }
    // Destroying handlers destroys what they own, which may queue more: until nothing is left.
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < count; ++i) {
            shard& s = *shards_[i];
            again = again || s.has_ready() || s.inbox_.maybe_nonempty() || !s.timers_.empty();
            s.discard_everything();
        }
        while (operation* op = take_shared()) {
            again = true;
            op->destroy();
            work_finished();
        }
    }
    registrations_.shutdown();
    for (unsigned i = 0; i < count; ++i)
        if (shards_[i]->backend_)
            shards_[i]->backend_->quiesce();
    for (unsigned i = 0; i < count; ++i) {
        shards_[i]->published_backend_.store(nullptr, std::memory_order_relaxed);
        shards_[i]->backend_.reset();
        if (taken[i])
            shards_[i]->release();
    }
}

void engine::before_fork() {
    std::unique_lock lock(mutex_);
    const unsigned count = shard_count_.load(std::memory_order_relaxed);
    for (unsigned i = 0; i < count; ++i) {
        shard& s = *shards_[i];
        const bool driving = s.is_current();
        if (!driving && !s.try_acquire())
            continue;
        struct give_back_on_exit { // also when no ring can be made
            shard* visited;
            ~give_back_on_exit() {
                if (visited)
                    visited->release();
            }
        } give_back{driving ? nullptr : &s};
        s.settle_before_fork();
    }
    lock.release();
    shared_mutex_.lock();
    storage_->lock();
    registrations_.before_fork();
    notified_of_fork_ = true;
}

void engine::unlock_all_but_mutex() {
    notified_of_fork_ = false;
    registrations_.after_fork();
    storage_->unlock();
    shared_mutex_.unlock();
}

void engine::after_fork_in_parent() {
    unlock_all_but_mutex();
    mutex_.unlock();
}

void engine::after_fork_in_child() {
    // Repeating what is pending takes them to install tables, and no other thread is here to do so.
    unlock_all_but_mutex();
    // Also when no ring can be made: the next one to enter run() tries again.
    std::lock_guard guard(mutex_, std::adopt_lock);
    adopt_locked();
}

/// In the child, before fork(2) returns. Only one thread exists from here on, and it may come to drive shards
/// that others have driven, or to wait for locks that they have held: those are free now.
void engine::sever(fork_aware& self) noexcept {
    static_cast<engine&>(self).sever();
}

void engine::sever() noexcept {
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        if (!shards_[i]->is_current())
            shards_[i]->driver_.store(nullptr, std::memory_order_relaxed);
    parked_.store(0, std::memory_order_relaxed);
    stopping_.store(0, std::memory_order_relaxed);
    driver* const here = driver::find_root(*this);
    drivers_.store(here ? 1 : 0, std::memory_order_relaxed);
    if (!here || !here->is_steward())
        steward_.store(nullptr, std::memory_order_relaxed);
    if (notified_of_fork_) // the locks are this thread's
        return;
    ::new (static_cast<void*>(&mutex_)) std::mutex;
    ::new (static_cast<void*>(&shared_mutex_)) std::mutex;
    ::new (static_cast<void*>(&shard_freed_)) std::condition_variable;
    registrations_.renew_lock();
    storage_->renew_lock();
}

void engine::adopt() {
    std::lock_guard guard(mutex_); // threads of the child may come here at once
    adopt_locked();
}

void engine::adopt_locked() {
    if (!is_inherited())
        return;
    if (driver* const root = driver::find_root(*this))
        root->forget_watches();
    signal_set::after_fork_in_child();
    registrations_.forget_sources();
    bool complete = true;
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i) {
        shard& s = *shards_[i];
        if (!s.is_inherited())
            continue;
        const bool mine = s.is_current(); // driven, or an orphan that this thread looks after
        if (!mine && !s.try_acquire()) {
            complete = false; // the thread that forked drives it, and comes here at the end of its turn
            continue;
        }
        struct give_back_on_exit {
            shard* visited;
            ~give_back_on_exit() {
                if (visited)
                    visited->release();
            }
        } give_back{mine ? nullptr : &s};
        s.restart_after_fork();
        if (mine)
            s.io().attach_thread();
    }
    if (complete)
        generation_.store(fork_generation(), std::memory_order_relaxed);
}

} // namespace aura::core

// Outside: the name is that of an inline namespace, which a definition inside would not find.
void aura::core::library_has_the_same_containers() noexcept {}

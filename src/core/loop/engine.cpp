// engine: construction, running and stopping, the shared queue.
#include "auraio/core/loop/engine.hpp"

#include "core/base/only_thread.hpp"
#include "core/io/inert_descriptor.hpp"
#include "core/loop/driver.hpp"
#include "core/loop/stall_watch.hpp"
#include "core/loop/takeover.hpp"
#include "core/storage/storage_user.hpp"

#include <cerrno>
#include <exception>

namespace aura::core {

namespace {

/// As Asio: a time that has passed runs nothing, ready or not. (0 is not a time but asks for what is ready.)
bool is_over(nanoseconds_t deadline) noexcept {
    return deadline != 0 && deadline != never && monotonic_now() >= deadline;
}

/// Index of a shard, of whatever engine: where to begin to look for the next.
thread_local constinit unsigned woken_last = 0;

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
    if (!options_.make_backend) {
        choose();
    } else {
        backend_reason_ = "custom";
        rings_.expect_nothing();
    }
    reserve_inert_descriptors();
    takeover_ = takeover::create(*this);
    {
        std::lock_guard guard(mutex_);
        create_shard_locked();
    }
    watched_ = std::make_unique<watched_engine>(*this);
    enlist();
}

engine::~engine() {
    shutdown();
    delist();
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
    if (is_only_thread())
        outstanding_.store(outstanding_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    else
        work_started();
}
namespace {

/// Not inlined: untrack(), which co_spawn calls six times, would save registers for it each time.
[[gnu::noinline]] void finish_among_threads(engine& e) noexcept {
    e.work_finished();
}

} // namespace

void engine::untrack() noexcept {
    if (!is_only_thread()) {
        finish_among_threads(*this);
        return;
    }
    const std::int64_t left = outstanding_.load(std::memory_order_relaxed) - 1;
    outstanding_.store(left, std::memory_order_relaxed);
    if (left == 0)
        stop();
}

void engine::stop() noexcept {
    // Work may end in a thread of somebody else's, a pool that destroys an executor: once stopped_ is set,
    // run() returns and the engine may be destroyed beneath it. So shutdown() waits. Relaxed here, for the
    // exchange publishes it to whoever sees stopped_; release at the end, the last that is touched.
    stopping_.fetch_add(1, std::memory_order_relaxed);
    // seq_cst: a driver publishes sleep and then reads stopped_; see driver::block(). Whoever set it first
    // wakes; a thread that looks at it later does not sleep.
    happens_before(&stopped_);
    if (!stopped_.exchange(true, std::memory_order_seq_cst))
        rouse_all();
    stopping_.fetch_sub(1, std::memory_order_release);
}

void engine::rouse_all() noexcept {
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        shards_[i]->rouse();
    notify_parked();
    call_reserve();
}

shard* engine::current_shard() const noexcept {
    driver* d = driver::find(*this);
    return d ? d->active() : nullptr;
}

bool engine::running_in_this_thread() const noexcept {
    return driver::find(*this) != nullptr;
}

void engine::capture_exception() noexcept {
    if (driver* d = driver::find(*this))
        d->keep(std::current_exception());
}

void engine::flush() {
    const mark_entry entry;
    if (shard* s = current_shard(); s && s->is_current())
        s->flush();
}

bool engine::has_threads() const noexcept {
    return driver_count() != 0 || spare_count() != 0 || (takeover_ && takeover_->threads() != 0);
}

std::uint64_t engine::takeovers() const noexcept {
    return takeover_ ? takeover_->count() : 0;
}

void engine::flush_all() {
    std::exception_ptr refusal; // one ring that cannot be made is no reason to let the others wait
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        try {
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
        } catch (...) {
            refusal = std::current_exception();
        }
    if (refusal)
        std::rethrow_exception(refusal);
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
    shards_[0]->note_start_from_afar(op);
    op.set_counts_remotely(true);
    track();
    if (is_only_thread()) {
        shared_.push(op);
        shared_size_.store(shared_.size(), std::memory_order_relaxed); // nobody sleeps
        return;
    }
    {
        std::lock_guard guard(shared_mutex_);
        shared_.push(op);
        shared_size_.store(shared_.size(), std::memory_order_seq_cst);
    }
    // Against driver::block(), which publishes sleep and then reads the size: all four are seq_cst, so either
    // its sleep is visible here, or it has seen this size, or one stored after it by whoever took the
    // operation. Sizes are stored under the mutex, so the last one stored is the size.
    // Of sleepers the next one after whom this thread has woken last, so that work goes round those that are
    // idle. An orphan that sleeps has nobody who could take it: its steward may be in a handler.
    const unsigned count = shard_count();
    unsigned i = count > 1 ? woken_last : 0;
    for (unsigned tries = 0; tries < count; ++tries) {
        if (++i >= count)
            i = 0;
        if (shards_[i]->sleeping() && !shards_[i]->is_free() && shards_[i]->rouse()) {
            woken_last = i;
            return;
        }
    }
    // Likewise: a spare is counted, and then reads the size under mutex_, which it gives up in its wait only.
    if (spares_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
        notify_parked();
}

operation* engine::take_shared() {
    std::unique_lock lock(shared_mutex_, std::defer_lock);
    if (!is_only_thread())
        lock.lock();
    operation* op = shared_.pop();
    shared_size_.store(shared_.size(), std::memory_order_relaxed);
    return op;
}

} // namespace aura::core

// Outside: the name is that of an inline namespace, which a definition inside would not find.
void aura::core::library_has_the_same_containers() noexcept {}

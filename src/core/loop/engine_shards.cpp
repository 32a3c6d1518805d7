// engine: which thread drives which shard, and which shard a new session goes to.
#include "auraio/core/loop/engine.hpp"

#include "core/loop/driver.hpp"

#include <cerrno>
#include <chrono>

namespace aura::core {

namespace {

/// How long a thread that enters run() waits for a shard that is only lent out, before it gets a new one.
constexpr std::chrono::milliseconds patience{2};

unsigned next_random() noexcept {
    static thread_local constinit std::uint32_t state = 0x9e3779b9u;
    state ^= state << 13; // xorshift32 (Marsaglia 2003): spreading needs no better generator
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

} // namespace

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

} // namespace aura::core

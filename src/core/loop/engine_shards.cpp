// engine: which thread drives which shard, and which shard a new session goes to.
#include "auraio/core/loop/engine.hpp"

#include "core/loop/driver.hpp"
#include "core/loop/takeover.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace aura::core {

namespace {

/// How long a thread that enters run() waits for a shard that is only lent out, before it gets a new one.
constexpr nanoseconds_t patience = 2'000'000;
constexpr nanoseconds_t long_patience = 100'000'000;

/// Whether waiting may help.
bool is_shortage(const std::exception_ptr& refusal) {
    try {
        std::rethrow_exception(refusal);
    } catch (const engine_error& e) {
        return ring_supply::is_shortage(e.error());
    } catch (...) {
        return false;
    }
}

/// So many operations of an object that was made outside of handlers ask whether there are threads to choose
/// from; so many later ones, now and then, whether more have come.
constexpr std::uint16_t open_choices = 20'000;
constexpr std::uint16_t later_choices = 8'000;
constexpr std::uint16_t looks_apart = 16;

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
    shards_[index]->serves_for_others_.store(anybody_out(), std::memory_order_relaxed);
    // Before anybody can see it: once it is counted, a steward may take a shard that nobody drives.
    if (acquire)
        (void)shards_[index]->try_acquire();
    // Release: whoever reads the new count sees the shard.
    happens_before(&shard_count_);
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

/// One that nobody drives. Without a ring it is of use to who may make one.
shard* engine::take_free_shard_locked(bool also_without_ring) noexcept {
    // Prefer the shard this thread drove last: what it submitted there completes fastest here.
    static thread_local constinit unsigned last = 0;
    const unsigned count = shard_count_.load(std::memory_order_relaxed);
    for (unsigned tries = 0; tries <= count; ++tries) {
        const unsigned i = tries == 0 ? last : tries - 1;
        if (i >= count || !(also_without_ring || shards_[i]->shows_backend()) || !shards_[i]->try_acquire())
            continue;
        last = i;
        return shards_[i].get();
    }
    return nullptr;
}

bool engine::any_ring() const noexcept {
    const unsigned count = shard_count_.load(std::memory_order_relaxed);
    return std::any_of(shards_.begin(), shards_.begin() + count,
                       [](const auto& s) { return s->shows_backend(); });
}

/// Whether parked threads may have a ring when another one has been made: they wait for the first, or for the
/// end of a shortage. What comes after is of use to nobody else.
bool engine::ring_awaited() const noexcept {
    return !any_ring() || rings_.is_short();
}

/// Sees to it that a free shard, whose token the calling thread has, can be driven. Null: there is no ring
/// for it, `refusal` says why, and it is free again. `awaited`: others wait for the ring.
shard* engine::equip_shard(std::unique_lock<std::mutex>& lock, shard& s, bool awaited,
                           std::exception_ptr& refusal) {
    level(s);
    drivers_.fetch_add(1, std::memory_order_seq_cst); // see driver::step_down()
    lock.unlock();
    try {
        s.stay_awake();
        s.ensure_backend();
        s.io().attach_thread();
        if (awaited) {
            // The fence pairs with that of take_shard().
            std::atomic_thread_fence(std::memory_order_seq_cst);
            notify_parked();
        }
        return &s;
    } catch (...) {
        refusal = std::current_exception();
    }
    drivers_.fetch_sub(1, std::memory_order_seq_cst); // see call_reserve()
    s.release();
    notify_parked();
    call_reserve();
    if (drivers_.load(std::memory_order_relaxed) != 0)
        orphans_changed(); // the steward may have found it taken
    lock.lock();
    return nullptr;
}

/// A new one. Its ring is made first, for a shard exists for good once it does, and not under the mutex.
shard* engine::make_shard(std::unique_lock<std::mutex>& lock, std::exception_ptr& refusal) {
    const bool awaited = ring_awaited();
    lock.unlock();
    std::unique_ptr<backend> ring;
    try {
        ring = make_backend();
    } catch (...) {
        refusal = std::current_exception();
    }
    lock.lock();
    if (!ring || shard_count_.load(std::memory_order_relaxed) >= shard_limit_)
        return nullptr;
    shard& s = create_shard_locked(true);
    s.adopt_backend(std::move(ring));
    return equip_shard(lock, s, awaited, refusal);
}

/// What can be had now. The mutex is held, and is given up when there is something.
shard* engine::seize_shard(std::unique_lock<std::mutex>& lock, bool may_make, nanoseconds_t& lent_since,
                           std::exception_ptr& refusal) {
    if (shard* const s = take_free_shard_locked(may_make))
        return equip_shard(lock, *s, !s->shows_backend() && ring_awaited(), refusal);
    const unsigned count = shard_count_.load(std::memory_order_relaxed);
    if (!may_make || count >= shard_limit_)
        return nullptr;
    if (has_orphans()) { // its steward will give it back after the turn
        const nanoseconds_t now = monotonic_now();
        if (lent_since == never)
            lent_since = now;
        // A thread that has lost its ring and comes back is to have an old one, see visit_orphans(): there are
        // enough, unless who serves them is stuck.
        const bool enough = takeover_ && count >= takeover_->threads();
        if (now - lent_since < (enough ? long_patience : patience))
            return nullptr;
    }
    return make_shard(lock, refusal);
}

/// For a thread that enters run(). One that gets no shard for want of a ring returns at once, as a spare; and
/// again from here when there is something in the shared queue. Throws the refusal of a ring where there is
/// nobody who could leave one.
engine::entrance engine::take_shard(nanoseconds_t deadline, const std::atomic<bool>& stop, bool spare) {
    struct parking { // counted before it looks again, so that notify_parked() cannot miss it
        engine& e;
        bool counted = false;
        bool served = false;
        ~parking() {
            if (!counted)
                return;
            e.parked_.fetch_sub(1, std::memory_order_relaxed);
            if (!served && e.takeover_ && e.has_orphans()) // which were left to it
                e.orphans_changed();
        }
    } here{*this};
    nanoseconds_t lent_since = never;
    std::exception_ptr refusal;
    std::unique_lock lock(mutex_);
    for (;;) {
        const bool alone = drivers_.load(std::memory_order_relaxed) == 0;
        const bool refused_before = refusal != nullptr;
        // The descriptors that are kept for the first ring are for one thread: until it has that ring, or has
        // failed, the others wait. Whoever parked before this fence is seen by who has made one after its own.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const bool may_make = alone || (any_ring() && rings_.may_try());
        if (shard* const s = seize_shard(lock, !refusal && may_make, lent_since, refusal)) {
            here.served = true;
            return {s, false};
        }
        if (refusal && !refused_before)
            continue; // perhaps one that has its ring has become free
        if (refusal) {
            // Acquire: whoever is not counted any more has left its shard before that, and since the last look.
            const bool nobody = drivers_.load(std::memory_order_acquire) == 0;
            if (shard* const s = nobody ? seize_shard(lock, false, lent_since, refusal) : nullptr) {
                here.served = true;
                return {s, false};
            }
            if (nobody || !is_shortage(refusal))
                std::rethrow_exception(refusal);
        }
        const bool has_room = shard_count_.load(std::memory_order_relaxed) < shard_limit_ || has_orphans();
        if (spare ? shared_waits() : rings_.is_short() && has_room)
            return {nullptr, true};
        if (deadline == 0 || stop.load(std::memory_order_seq_cst) || monotonic_now() >= deadline)
            return {nullptr, false};
        if (!here.counted) {
            parked_.fetch_add(1, std::memory_order_seq_cst);
            here.counted = true;
            continue;
        }
        nanoseconds_t until = deadline;
        if (!may_make && !any_ring()) // also in a child of fork, whose driver makes its ring in its next turn
            until = std::min(until, monotonic_now() + 5 * patience);
        if (has_room && rings_.is_short()) // not at once: what could be tried may be in use just now
            until = std::min(until, std::max(rings_.next_attempt(), monotonic_now() + 5 * patience));
        // It may have been waited for in vain already, where nothing can be made in its place: then it is looked
        // for at the same distance, and not without a pause.
        if (lent_since != never) {
            const nanoseconds_t now = monotonic_now();
            until = std::min(until, lent_since + patience > now ? lent_since + patience : now + patience);
        }
        wait_for_shard(lock, until);
        refusal = nullptr;
    }
}

void engine::give_back(shard& s) noexcept {
    s.flush_if_possible();
    s.io().detach_thread();
    s.release();
    const unsigned left = drivers_.fetch_sub(1, std::memory_order_seq_cst) - 1;
    notify_parked();
    call_reserve();
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

void engine::wait_for_shard(std::unique_lock<std::mutex>& lock, nanoseconds_t until) {
    if (until >= never / 4) { // as good as never, and more than a clock of signed numbers can say
        shard_freed_.wait(lock);
        return;
    }
    const std::chrono::nanoseconds time(static_cast<std::int64_t>(until));
    shard_freed_.wait_until(lock, std::chrono::steady_clock::time_point(time));
}

/// seq_cst when one comes: it is counted and then looks at the shared queue; see post_shared(). Release when
/// it goes: who finds none sees what it did.
void engine::count_spare(bool comes) noexcept {
    if (comes)
        spares_.fetch_add(1, std::memory_order_seq_cst);
    else
        spares_.fetch_sub(1, std::memory_order_release);
}

void engine::notify_parked() {
    if (parked_.load(std::memory_order_seq_cst) == 0)
        return;
    after_last_look_of_parked();
    shard_freed_.notify_all();
}

/// Taking the mutex orders what follows after the parked threads' last look at what they wait for. A visit has it.
void engine::after_last_look_of_parked() noexcept {
    if (visitor_.load(std::memory_order_relaxed) != this_thread_identity())
        std::lock_guard guard(mutex_);
}

bool engine::begin_visit(shard& s) noexcept {
    // The mutex keeps threads from entering meanwhile: they would take the visited shard for a driven one.
    mutex_.lock();
    if (s.try_acquire()) {
        if (!s.backend_ || s.backend_->obeys_this_thread()) {
            visitor_.store(this_thread_identity(), std::memory_order_relaxed);
            return true;
        }
        s.release(); // a message reaches the shard when its thread is back, or the engine shuts down
    }
    mutex_.unlock();
    return false;
}

void engine::end_visit(shard& s) noexcept {
    (void)s.flush_completely(); // whatever goes wrong, the next driver hears of it
    s.release();
    const bool running = drivers_.load(std::memory_order_relaxed) != 0;
    visitor_.store(nullptr, std::memory_order_relaxed);
    mutex_.unlock();
    if (running)
        orphans_changed(); // the steward may have found it taken
}

// ---- placement ----

unsigned engine::driven_shard_from(unsigned first) const noexcept {
    const unsigned count = shard_count();
    unsigned i = first % count;
    // With threads in reserve every ring is as good as driven.
    if (reserve_count() != 0)
        return i;
    for (unsigned tries = 0; tries < count && shards_[i]->is_free(); ++tries)
        i = i + 1 == count ? 0 : i + 1;
    return i;
}

/// One in turn and one at random: of equals each gets as many.
shard& engine::place_balanced() noexcept {
    static thread_local constinit unsigned turn = 0;
    shard& a = *shards_[driven_shard_from(turn++)];
    shard& b = *shards_[driven_shard_from(next_random())];
    // By what they do, where that differs by much, else by how much lives there.
    const auto busy = [](const shard& s) { return s.sleeping() ? 0 : s.load().busy(); };
    constexpr std::int32_t much = placement_load::all_the_time / 4;
    const std::int32_t more = busy(a) - busy(b);
    const bool b_is_lighter = more > much || (more >= -much && b.load().expected() < a.load().expected());
    shard& lighter = b_is_lighter ? b : a;
    lighter.load().note_placement();
    return lighter;
}

shard* engine::place_strand() noexcept {
    const bool early = !current_shard() && drivers_.load(std::memory_order_relaxed) + reserve_count() < 2;
    if (early && !single_shard() && spreads())
        return nullptr;
    return &place_balanced();
}

home_choice engine::choose_outside() noexcept {
    if (single_shard() || !spreads())
        return {shards_[0].get(), 0};
    home_choice home{shards_[0].get(), open_choices};
    (void)choose_again(home);
    return home;
}

bool engine::choose_again(home_choice& home) noexcept {
    // A program of one thread, and an object that has its place, cease to ask.
    const bool dealt = (home.open & home_choice::is_dealt) != 0;
    const auto left = static_cast<std::uint16_t>((home.open & ~home_choice::is_dealt) - 1);
    home.open = left == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(home.open - 1);
    // Relaxed, as all that placement goes by.
    if (drivers_.load(std::memory_order_relaxed) + reserve_count() < 2 || (dealt && left % looks_apart != 0))
        return false;
    shard& there = least_dealt();
    if (dealt) {
        if (home.ring->load().dealt() <= there.load().dealt() + 1)
            return false;
        home.ring->load().take_back();
    } else {
        home.open = home_choice::is_dealt | later_choices;
    }
    there.load().deal();
    return std::exchange(home.ring, &there) != &there;
}

/// Of the shards that are driven. Some times for each object, so it may look at all of them.
shard& engine::least_dealt() noexcept {
    const unsigned count = shard_count();
    const bool reserved = reserve_count() != 0; // see driven_shard_from()
    shard* least = nullptr;
    for (unsigned i = 0; i < count; ++i)
        if (shard& s = *shards_[i];
            (!s.is_free() || reserved) && (!least || s.load().dealt() < least->load().dealt()))
            least = &s;
    return least ? *least : *shards_[0];
}

/// Who comes late gets no more than some in a row to make up for what the others had before.
void engine::level(shard& newcomer) noexcept {
    constexpr std::uint32_t arrears = 256;
    std::uint32_t most = 0;
    const unsigned count = shard_count();
    for (unsigned i = 0; i < count; ++i)
        most = std::max(most, shards_[i]->load().dealt());
    if (newcomer.load().dealt() + arrears < most)
        newcomer.load().count_as_dealt(most - arrears);
}

} // namespace aura::core

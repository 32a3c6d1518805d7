// engine: the shards of one io_context, the threads that drive them, and the count of outstanding work.
#pragma once

#include "auraio/core/base/engine_error.hpp"
#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/base/observer.hpp"
#include "auraio/core/io/listener_places.hpp"
#include "auraio/core/loop/engine_options.hpp"
#include "auraio/core/loop/ring_supply.hpp"
#include "auraio/core/loop/shard.hpp"
#include "auraio/core/storage/block_device.hpp"
#include "auraio/core/storage/storage_settings.hpp"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <iosfwd>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace aura::core {

/// What a program that makes an engine links against: the name tells of which kind the containers of the
/// standard library are. Those of its debug mode, and its strings of before C++11, have other sizes; vectors
/// that tell AddressSanitizer how far they are filled must be filled by nobody who does not tell it. An
/// undefined reference to it means that the library and the program disagree: compile both with
/// _GLIBCXX_DEBUG, _GLIBCXX_SANITIZE_VECTOR, _GLIBCXX_USE_CXX11_ABI=0, or none.
#if defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
inline namespace with_strings_of_before_cxx11 {
#else
inline namespace with_present_strings {
#endif
#if defined(_GLIBCXX_SANITIZE_VECTOR) && defined(_GLIBCXX_SANITIZE_STD_ALLOCATOR)
inline namespace with_glibcxx_sanitize_vector {
#else
inline namespace without_glibcxx_sanitize_vector {
#endif
#if defined(_GLIBCXX_DEBUG)
inline namespace with_glibcxx_debug {
#else
inline namespace without_glibcxx_debug {
#endif
void library_has_the_same_containers() noexcept;
}
}
}

class driver;
class storage_user;
class takeover;
class watched_engine;

/// Where an object lives. One that was made outside of handlers, by who asked for no ring, may get another one
/// while it is `open`: threads come one after the other, and find all there is on the rings of the first.
struct home_choice {
    static constexpr std::uint16_t is_dealt = 0x8000; ///< counted in its ring; below, how often it still asks

    shard* ring = nullptr;
    std::uint16_t open = 0;
};

struct backend_choice;
struct backend_entry;
struct engine_stats;

/// What asio::io_context is, without Asio. Every member may be called from any thread at any time, except the
/// destructor and after_fork_in_child().
class engine : private fork_aware {
public:
    static constexpr unsigned max_shards = 512;

    /// Throws engine_error when the machine does not allow the chosen backend.
    explicit engine(const engine_options& options);
    ~engine();
    engine(const engine&) = delete;

    /// Run handlers: until stopped or out of work, or `deadline` on the monotonic clock has passed (0: only
    /// what is ready). Return how many ran. Throw what a handler throws, and engine_error.
    std::size_t run(nanoseconds_t deadline);
    std::size_t run_one(nanoseconds_t deadline);

    /// The same for threads that serve the engine whether it has work or not: they end when `stop` is set
    /// (and rouse_all() called) instead of when the engine is stopped. run_turn() returns after the first
    /// turn of the loop in which handlers ran.
    std::size_t run(nanoseconds_t deadline, const std::atomic<bool>& stop);
    std::size_t run_turn(nanoseconds_t deadline, const std::atomic<bool>& stop);

    /// Makes every thread in here look at its stop flag. Set that before, seq_cst.
    void rouse_all() noexcept;

    void stop() noexcept;
    const std::atomic<bool>& stop_flag() const noexcept { return stopped_; }
    bool stopped() const noexcept { return stopped_.load(std::memory_order_seq_cst); }
    void restart() noexcept { stopped_.store(false, std::memory_order_seq_cst); }

    bool has_work() const noexcept {
        if (outstanding_.load(std::memory_order_acquire) != 0)
            return true;
        happens_after(&outstanding_);
        return false;
    }

    /// As restart() when there is work, whose end will then stop the engine again; else false, and stopped.
    bool restart_for_work() noexcept {
        restart();
        // A read-modify-write, so that the decrement which finds the last work gone comes after it in the
        // count's order and synchronises with it: that stop() follows this restart().
        if (outstanding_.fetch_add(0, std::memory_order_acq_rel) != 0)
            return true;
        happens_after(&outstanding_);
        stop(); // others may have missed that it was set
        return false;
    }

    void work_started() noexcept { outstanding_.fetch_add(1, std::memory_order_relaxed); }
    void work_finished(std::int64_t count = 1) noexcept {
        // acq_rel: whoever brings the count to zero sees what all the others did before their decrement.
        happens_before(&outstanding_);
        if (outstanding_.fetch_sub(count, std::memory_order_acq_rel) == count) {
            happens_after(&outstanding_);
            stop();
        }
    }

    /// The same two, out of line: for executors, whose copies are everywhere and rarely count.
    void track() noexcept;
    void untrack() noexcept;

    /// Work outside any implicit strand: any running thread may take it.
    void post_shared(operation& op);

    /// Shard `index`, created when it does not exist yet. Precondition: index < max_shards.
    shard& shard_at(unsigned index);
    unsigned shard_count() const noexcept {
        const unsigned count = shard_count_.load(std::memory_order_acquire);
        happens_after(&shard_count_);
        return count;
    }

    /// The shard whose handler the calling thread is in; null outside of run().
    shard* current_shard() const noexcept;
    /// Where a new object goes: the current shard, else one of those that are driven, in turn. While there is
    /// but one thread, or none, that is the first, and the choice stays open.
    home_choice choose_home() noexcept {
        if (shard* s = current_shard())
            return {s, 0};
        return choose_outside();
    }
    shard& place() noexcept { return *choose_home().ring; }
    /// For an object whose choice is open, which is about to start an operation and has none pending. True: it
    /// has changed. Any thread.
    bool choose_again(home_choice& home) noexcept;
    /// The lighter of two shards that are being driven: where independent sessions are spread.
    shard& place_balanced() noexcept;
    /// What a new strand is over: place_balanced(); null, any, where that would be the one shard there is only
    /// because no threads have come yet.
    shard* place_strand() noexcept;
    bool running_in_this_thread() const noexcept;

    /// In a function that runs inside another handler: keeps the current exception, which then leaves run()
    /// when that handler has returned. The first one wins.
    void capture_exception() noexcept;

    /// Submits what the calling thread has queued on its shard; nothing elsewhere.
    void flush();

    /// Any thread: submits what waits on every shard that can be had without waiting for a handler; the
    /// others submit by themselves.
    void flush_all();

    /// Threads inside run() that have a ring.
    unsigned driver_count() const noexcept { return drivers_.load(std::memory_order_acquire); }
    /// Threads inside run() for which no ring could be made: they take work of the shared queue, and over the
    /// ring of a thread that leaves.
    unsigned spare_count() const noexcept { return spares_.load(std::memory_order_acquire); }
    /// Whether any thread is inside run(), also one whose ring others have taken.
    bool has_threads() const noexcept;

    /// An object has been made whose requests will need a ring: from now on there is one to be had. One load.
    void expect_requests() noexcept { rings_.expect(); }

    /// What happened on each ring so far; stops none of them.
    engine_stats stats() const;

    /// Writes what is pending, on which object, and what it waits for: for the question why nothing happens. Any
    /// thread, also one that is in a handler. Each ring is asked through its inbox; of one whose thread does not
    /// come back to its loop it says so after a quarter of a second. Throws bad_alloc, and what `out` throws.
    void dump(std::ostream& out) { dump(out, nullptr); }
    /// The same where the code of an operation says nothing about its handler: the address of what will be called,
    /// or null. Called by the thread that has the operation.
    using handler_finder = const void* (*)(const operation&) noexcept;
    void dump(std::ostream& out, handler_finder handler_of);

    /// What this engine wants of storage devices: of all, or of the one behind `device`.
    void set_storage(const storage_settings& change);
    void set_storage(device_id device, const storage_settings& change);
    storage_user& storage() noexcept { return *storage_; }

    /// So many requests that wait for the end of the turn are submitted before it; 0: however many. Any
    /// thread.
    void set_batch_threshold(unsigned requests) noexcept {
        batch_threshold_.store(requests != 0 ? requests : ~0u, std::memory_order_relaxed);
    }
    unsigned batch_threshold() const noexcept { return batch_threshold_.load(std::memory_order_relaxed); }

    registrations& registered() noexcept { return registrations_; }
    const registrations& registered() const noexcept { return registrations_; }

    /// Where connections are accepted by number: the C library's.
    listener_places& listeners() noexcept { return listeners_; }

    const engine_options& options() const noexcept { return options_; }

    /// Of the backend: as AURAIO_BACKEND calls it (custom: a test's own); what it is; why this one, and what
    /// would have to be allowed for a better one. They change once at most, when the first ring is made and
    /// something forbids it that did not when the engine was. Any thread.
    const char* backend_name() const noexcept;
    backend_kind which_backend() const noexcept;
    const std::string& backend_reason() const noexcept;
    bool single_shard() const noexcept { return shard_limit_ == 1; }

    /// Cancels and destroys everything pending, waiting for the kernel to let go of every buffer. No thread
    /// may be in run(). May be called again.
    void shutdown();

    void before_fork();
    void after_fork_in_parent();
    void after_fork_in_child();

    /// Whether this process is a child of fork(2) that has not called after_fork_in_child(): what the kernel
    /// has of this engine is the parent's, and no call here disturbs it. A thread that enters run() makes it
    /// an engine of this process, as after_fork_in_child() would; who may not want that (a library that
    /// promises an error instead) asks here first. Objects may be closed and everything destroyed; requests
    /// that were pending then end with ECANCELED here, and go on in the parent. Any thread; one load.
    bool is_inherited() const noexcept {
        // Relaxed: it hides nothing. Whoever finds it changed takes the mutex or a token next.
        return generation_.load(std::memory_order_relaxed) != fork_generation();
    }

    /// Throws engine_error.
    std::unique_ptr<backend> make_backend();
    /// Null where the backend is not ours. Throws engine_error.
    std::unique_ptr<registration_source> make_registration_source();

    /// Whether a thread may lose its rings to others while it is in a handler that asked for none.
    bool takes_over() const noexcept { return takeover_ != nullptr; }
    /// How often threads that were stuck in a handler have lost their rings to others; any thread.
    std::uint64_t takeovers() const noexcept;

private:
    friend class driver;
    friend class takeover;
    friend struct crew_control; // of the tests
    friend class shard;
    friend class shard_visit;
    friend class watched_engine;

    // For drivers; see driver for the protocol.
    struct entrance {
        shard* home; ///< null: none could be had
        bool spare;  ///< and none will be soon: the thread is to look after the shared queue meanwhile
    };
    entrance take_shard(nanoseconds_t deadline, const std::atomic<bool>& stop, bool spare);
    shard* seize_shard(std::unique_lock<std::mutex>& lock, bool may_make, nanoseconds_t& lent_since,
                       std::exception_ptr& refusal);
    bool any_ring() const noexcept;
    bool ring_awaited() const noexcept;
    shard* equip_shard(std::unique_lock<std::mutex>& lock, shard& s, bool awaited,
                       std::exception_ptr& refusal);
    shard* make_shard(std::unique_lock<std::mutex>& lock, std::exception_ptr& refusal);
    shard* take_free_shard_locked(bool also_without_ring) noexcept;
    void wait_for_shard(std::unique_lock<std::mutex>& lock, nanoseconds_t until);
    void count_spare(bool comes) noexcept;
    void give_back(shard& s) noexcept;
    bool has_orphans() const noexcept {
        return shard_count_.load(std::memory_order_relaxed) > drivers_.load(std::memory_order_relaxed);
    }
    void orphans_changed() noexcept;
    void notify_parked();

    // Threads in run() that drive nothing, because processors are short: see driver::step_aside().
    static constexpr unsigned no_crew_limit = ~0U;
    bool is_crew_full() const noexcept {
        return drivers_.load(std::memory_order_seq_cst) >= crew_limit_.load(std::memory_order_seq_cst);
    }
    bool is_crew_limited() const noexcept {
        return crew_limit_.load(std::memory_order_seq_cst) != no_crew_limit; // see call_reserve()
    }
    /// A hint: whether threads have stepped aside, or are to.
    bool has_reserve() const noexcept { return is_crew_limited() || reserve_count() != 0; }
    /// The same of threads that drive nothing for any reason: they are in handlers, and come back, or in reserve.
    bool anybody_out() const noexcept {
        return has_reserve() || drivers_.load(std::memory_order_seq_cst) < thread_count();
    }
    void note_somebody_out() noexcept;
    /// For a thread that comes: those in reserve were here before.
    bool has_place_in_crew() const noexcept {
        return !is_crew_limited() || (!is_crew_full() && reserve_count() == 0);
    }
    bool leave_crew() noexcept;
    bool pass_place_on() noexcept;
    void limit_crew(unsigned limit) noexcept;
    void wait_in_reserve(const std::atomic<bool>& stop);
    void call_reserve() noexcept;
    void after_last_look_of_parked() noexcept;
    unsigned reserve_count() const noexcept { return reserve_.load(std::memory_order_relaxed); }
    bool anybody_idle(const shard* but) const noexcept;
    unsigned thread_count() const noexcept;
    operation* take_shared();
    /// For who has published that it sleeps: see post_shared().
    bool shared_waits() const noexcept { return shared_size_.load(std::memory_order_seq_cst) != 0; }
    std::uint32_t shared_size() const noexcept { return shared_size_.load(std::memory_order_relaxed); }
    shard& create_shard_locked(bool acquire = false);
    unsigned driven_shard_from(unsigned first) const noexcept;
    bool spreads() const noexcept { return !options_.implicit_strands; }
    home_choice choose_outside() noexcept;
    shard& least_dealt() noexcept;
    void level(shard& newcomer) noexcept;

    void choose();
    void tell_choice(const backend_choice& choice) const;
    void tell_shortage() noexcept;
    bool fall_back(const backend_entry& refused, const engine_error& error);
    bool settle_on(const backend_entry* entry);

    /// Makes an inherited engine one of this process.
    void adopt();
    void adopt_locked();
    void unlock_all_but_mutex();
    static void sever(fork_aware& self) noexcept;
    void sever() noexcept;

    // For shard_visit.
    bool begin_visit(shard& s) noexcept;
    void end_visit(shard& s) noexcept;

    const engine_options options_;
    const unsigned shard_limit_;
    // Null: made by the options' own function. Release/acquire: who sees another one sees why.
    std::atomic<const backend_entry*> backend_entry_{nullptr};
    const backend_entry* first_entry_ = nullptr; // the one that was chosen at construction
    std::string backend_reason_;
    std::mutex choice_mutex_; // guards changing the entry, and has_made_ring_
    std::string
        second_reason_; // of the one that the first ring fell back to; written once, before it is seen
    bool has_made_ring_ = false;                  // a ring of the entry: this ends the choosing
    std::atomic<bool> told_shortage_{false};      // relaxed: nothing else is ordered by it
    const std::unique_ptr<storage_user> storage_; // outlives the shards, as the next
    registrations registrations_;
    listener_places listeners_;

    std::atomic<unsigned> batch_threshold_{~0u}; // relaxed: it publishes nothing else

    // What any thread may take; a cache line. A mutex, because glibc's costs a program of one thread nothing.
    alignas(64) std::mutex shared_mutex_; // guards shared_
    op_queue shared_;
    // The next line goes up with it. Shards touch the count rarely, but from everywhere.
    std::atomic<std::uint32_t> shared_size_{0};
    std::atomic<unsigned> spares_{0}; // on a line that whoever posts has anyway
    std::atomic<std::int64_t> outstanding_{0};

    alignas(64) std::atomic<bool> stopped_{false};
    std::atomic<unsigned> stopping_{0}; // threads inside stop()
    std::atomic<unsigned> drivers_{0};
    std::atomic<unsigned> shard_count_{0};
    std::atomic<std::uint64_t> orphan_epoch_{0}; // changes whenever a shard may have lost its driver
    std::atomic<shard*> steward_{nullptr};       // home of the driver that looks after shards without one

    std::atomic<unsigned> generation_{fork_generation()}; // changes under mutex_
    bool notified_of_fork_ = false;                       // between before_fork() and its counterparts

    alignas(64) std::mutex mutex_; // creation of shards, parked threads
    std::condition_variable shard_freed_;
    std::atomic<unsigned> parked_{0}; // threads that wait for a shard
    std::condition_variable reserve_called_;
    std::atomic<unsigned> reserve_{0};                // threads that wait for others to drive too few
    std::atomic<unsigned> crew_limit_{no_crew_limit}; // how many threads drive rings; see takeover
    struct place_in_reserve;
    place_in_reserve* first_in_reserve_ = nullptr; // with mutex_
    // Who holds mutex_ for a visit, in which work may end. Relaxed: as driver_ of a shard, it is compared
    // with the reader's own identity, which nobody else stores.
    std::atomic<const void*> visitor_{nullptr};
    ring_supply rings_;
    std::unique_ptr<takeover> takeover_;                    // null: nobody takes over
    std::array<std::unique_ptr<shard>, max_shards> shards_; // [0, shard_count_) never change again
    std::unique_ptr<watched_engine> watched_;               // null from shutdown() on
};

} // namespace aura::core

// driver: one thread's stay in run(): the shard it drives, and those it looks after for threads that have
// left.
#pragma once

#include "auraio/core/base/thread_mark.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/loop/stall_report.hpp"
#include "core/loop/stuck_watch.hpp"

#include <exception>
#include <utility>
#include <vector>

namespace aura::core {

/// Lives on the stack of a thread inside run(). Threads may be in several engines at once (a handler of one
/// runs another), so drivers form a stack per thread.
///
/// Every driver has a home shard, whose token it holds throughout; only where no ring can be made for it, it
/// is a *spare*, which runs what is in the shared queue until there is a shard for it. Shards whose thread
/// has left are *orphans*; one driver, the steward, serves them beside its own: at each turn it takes their
/// tokens for as long as they have something to run, and while it sleeps it watches their rings through its
/// own. Where there are other drivers it steps down before it runs a handler, of an orphan or of its own
/// shard, and whoever sleeps becomes the steward: no orphan waits behind a handler while a thread is idle. A
/// thread that enters run() takes an orphan before a new shard is made, so there are never more shards than
/// there were threads at once.
///
/// A handler that runs its own context again makes another driver, which serves whatever the outermost one
/// serves, with its tokens. One shard's handlers then run inside each other, as they do on one thread of
/// Asio's.
class driver {
public:
    /// Takes a shard; waits for one until `deadline` if the engine is limited to fewer than there are
    /// threads.
    driver(engine& e, nanoseconds_t deadline, const std::atomic<bool>& stop);
    ~driver();
    driver(const driver&) = delete;

    /// Runs one handler. False: stopped, or nothing was ready until `deadline`.
    bool run_one(nanoseconds_t deadline);

    /// Runs what the first turn with anything ready has.
    std::size_t run_turn(nanoseconds_t deadline);

    /// Runs handlers until run_one() finds none, or `deadline` has passed. Returns how many.
    std::size_t run(nanoseconds_t deadline);

    void keep(std::exception_ptr e) noexcept {
        if (!kept_)
            kept_ = std::move(e);
        attention_ = true;
    }

    /// The innermost and the outermost driver of `e` in the calling thread: the handler that runs is the
    /// first one's, the token and the orphans are the second one's. Null outside of run().
    static driver* find(const engine& e) noexcept;
    static driver* find_root(const engine& e) noexcept;
    /// The outermost of the calling thread, if that is of `e`.
    static driver* find_outermost(const engine& e) noexcept;
    /// How many outermost ones of `e` the calling thread has: more than one where a handler that has lost its ring
    /// runs the context.
    static unsigned count_roots(const engine& e) noexcept;
    shard* active() const noexcept { return active_; }

    /// In a forked child: the rings that were watched are gone. Tokens that are held stay so.
    void forget_watches() noexcept;

    bool is_steward() const noexcept { return engine_.steward_.load(std::memory_order_relaxed) == home_; }
    bool has_home() const noexcept { return home_ != nullptr; }
    bool is_spare() const noexcept { return spare_; }

    // ---- takeover ----

    /// A handler has returned, and found that others may have taken what this thread drove.
    void hear_of_loss() noexcept { attention_ = true; }
    bool has_lost() const noexcept { return lost_; }
    thread_mark& mark() const noexcept { return mark_; }

    // For takeover, under its lock. The last only while the thread is in a handler for as long as that lasts:
    // gives its tokens up in its place. `counted`: the handler's work is counted in the shard it runs on.
    // `why`: for the statistics, and who counts.
    stuck_watch::sample sample() const noexcept;
    bool seems_asleep() const noexcept;
    bool has_shown_home() const noexcept { return shown_home_.load(std::memory_order_acquire) != nullptr; }
    enum class reason : std::uint8_t { stuck, computing, apart, aside };
    void dispossess(bool counted, reason why) noexcept;

    /// For takeover: that its thread is to drive nothing from its next turn on, for as long as there are others enough,
    /// or (`for_another`) until it is its turn again. False: it is one that has to go on, because it does not stay in
    /// run(). Relaxed: what it finds then it asks the engine for.
    bool ask_to_step_aside(bool for_another) noexcept;
    /// Now and then, also in the middle of a turn that never ends: see attend().
    void look_at_request() noexcept { attention_ = attention_ || is_to_step_aside(); }

    // ---- handlers that take long ----

    /// Before a handler of the active shard: gives up all that is driven, if there is another thread in run(). The
    /// rest is as where others have taken it. `remotely`: the handler's work is counted in the engine.
    void give_up_before(unsigned expectation, bool remotely) noexcept;
    /// Before a handler that keeps its ring, or is called by a loop within another, so that nobody can take it
    /// away: what is served for threads that drive nothing now is left to who comes, and those in reserve drive again.
    void leave_others_to_others() noexcept;
    /// While that handler runs, or one that others have taken the rings from: how sure it is that the handlers of what
    /// it starts take long. One that does so itself makes this sure for some generations: of a request and its answer
    /// only one may, and not each time.
    unsigned expectation() const noexcept;

private:
    friend class takeover;

    /// While a thread is in run(), and not in a handler, it is inside; in a run() within a handler it is so
    /// throughout.
    class stay_inside {
    public:
        explicit stay_inside(thread_mark& mark, bool nested) noexcept
            : entry_(mark)
            , mark_(mark)
            , nested_before_(mark.is_nested()) {
            mark_.set_nested(nested);
        }
        ~stay_inside() { mark_.set_nested(nested_before_); }
        stay_inside(const stay_inside&) = delete;

    private:
        const mark_entry entry_; // ends last
        thread_mark& mark_;
        const bool nested_before_;
    };
    class membership {
    public:
        explicit membership(driver& d);
        ~membership();
        membership(const membership&) = delete;

    private:
        driver& driver_;
        bool can_lose_;
    };
    enum class spare_turn : std::uint8_t { has_shard, ran, over };

    struct orphan {
        shard* ward;
        bool held;        // this driver has its token
        bool watched;     // a watch on its ring is armed in the home ring
        unsigned running; // so many handlers of it are on this thread's stack: its token stays here
    };

    void leave_others_of_outer_engines() noexcept;
    void set_home(shard* home) noexcept;
    void attend();
    void recover() noexcept;
    void leave_behind(shard& s, reason why) noexcept;
    void step_aside() noexcept;
    bool is_to_step_aside() const noexcept { return to_step_aside_.load(std::memory_order_relaxed); }
    bool may_step_aside() const noexcept { return stays_.load(std::memory_order_relaxed); }
    void set_spare(bool spare) noexcept;
    spare_turn serve_as_spare(nanoseconds_t deadline);
    bool run_shared_as_spare();
    std::size_t run_some(nanoseconds_t deadline, bool only_one);
    inline bool step(nanoseconds_t deadline);
    inline bool run_ready();
    bool run_orphan();
    bool run_shared();
    void finish_shared() noexcept;
    inline bool next_turn(nanoseconds_t deadline, bool may_block);
    void poll_home();
    inline bool block(nanoseconds_t deadline);
    bool look_out(nanoseconds_t deadline);
    bool become_steward();
    void resign() noexcept;
    bool alone() const noexcept;
    bool holds_any() const noexcept { return !orphans_.empty() && holds_one_of_them(); }
    bool holds_one_of_them() const noexcept;
    void step_down() noexcept;
    void begin_orphans_turn() noexcept;
    bool serve_orphans();
    bool let_go_of_idle() noexcept;
    bool acquire_orphan(shard& ward, bool attach);
    void visit_orphans(bool steward);
    nanoseconds_t prepare_orphans_for_sleep(bool steward);
    void release_orphan(orphan& o) noexcept;
    orphan* find_orphan(const shard& s) noexcept;
    bool anything_ready() const noexcept;

    // seq_cst: a driver publishes sleep and then reads the flag, who sets it then looks for sleepers.
    bool stopped() const noexcept { return stop_.load(std::memory_order_seq_cst); }

    engine& engine_;
    const std::atomic<bool>& stop_;
    driver* const outer_;
    thread_mark& mark_;
    const stay_inside inside_;
    driver& root_; // of the drivers of this engine in this thread the outermost: orphans are all its own
    shard* home_ = nullptr;
    shard* active_ = nullptr;
    bool spare_ = false;        // counted in the engine: there is no ring for this thread
    bool holding_ = false;      // some orphan that is held has handlers left
    bool orphans_turn_ = false; // this turn belongs to it, and nothing else is held
    std::size_t next_visit_ = 0;
    std::uint32_t shared_budget_ = 0;
    std::int64_t shared_ended_ = 0; // handlers from the shared queue whose work is still counted
    std::uint64_t epoch_seen_ = 0;
    std::uint32_t arrivals_seen_ = 0; // of home_, since it is that
    std::vector<orphan> orphans_;
    bool attention_ = false;            // kept_, or what follows
    bool lost_ = false;                 // others have taken what it drove; written by who takes over
    nanoseconds_t apart_since_ = never; // when a handler was called apart that has not returned
    unsigned apart_expectation_ = 0;    // of that
    std::exception_ptr kept_;           // thrown once the current handler has returned

    // For who watches: its home. Release/acquire: who sees it sees the shard.
    std::atomic<shard*> shown_home_{nullptr};
    // For takeover, see there: whether it is in run() until there is nothing to do, and what is asked of it then.
    std::atomic<bool> stays_{false};
    std::atomic<bool> to_step_aside_{false};
    std::atomic<bool> turn_is_over_{false};
    std::uint32_t left_behind_ = 0; // registered descriptors of rings that are driven by others now, by bit
    stuck_watch::memory seen_;      // with takeover's lock, as what follows
    int kernel_thread_ = 0;         // 0: not known
    std::uint64_t turns_ = 0;       // of its home, when it was last seen to have begun one
    nanoseconds_t turn_since_ = 0;
    stall_report::memory stalled_;
    driver* takeover_next_ = nullptr;
    driver* takeover_previous_ = nullptr;
    const membership membership_; // ends first
};

} // namespace aura::core

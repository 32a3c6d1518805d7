// shard: where objects live. Inbox, ready list, timers, pending operations and one backend, driven by one
// thread.
#pragma once

#include "auraio/core/base/clock.hpp"
#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/base/thread_mark.hpp"
#include "auraio/core/io/backend.hpp"
#include "auraio/core/io/io_path.hpp"
#include "auraio/core/loop/placement_load.hpp"
#include "auraio/core/operation/inbox.hpp"
#include "auraio/core/registered/registrations.hpp"
#include "auraio/core/stats/age_stamp.hpp"
#include "auraio/core/stats/handler_pace.hpp"
#include "auraio/core/stats/handler_sampler.hpp"
#include "auraio/core/stats/loop_times.hpp"
#include "auraio/core/stats/ring_stats.hpp"
#include "auraio/core/stats/system_times.hpp"
#include "auraio/core/timer/clock_queue.hpp"
#include "auraio/core/timer/timer_queue.hpp"

#include <array>
#include <memory>
#include <vector>

namespace aura::core {

class engine;

/// The identity of the calling thread, for comparison only: an address no other live thread has.
inline const void* this_thread_identity() noexcept {
    return &this_thread_mark();
}

/// The same for what is remembered for longer than threads live: no other thread of the process ever has it.
inline std::uint64_t this_thread_number() noexcept {
    static constinit std::atomic<std::uint64_t> last{0}; // relaxed: the numbers only have to differ
    static thread_local constinit std::uint64_t number = 0;
    if (number == 0) [[unlikely]]
        number = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return number;
}

/// An implicit strand: whatever runs on a shard runs one after the other, in the thread that holds its token.
///
/// The token (driver_) may pass from thread to thread. A thread takes it with acquire and gives it up with
/// release, so everything one driver did to the shard happens before everything the next one does.
class shard {
public:
    /// As mark_entry, for who asks whether it drives the shard, and with the answer.
    class entry {
    public:
        explicit entry(const shard& s) noexcept
            : mark_(this_thread_mark())
            , was_(mark_.state())
            , drives_(mark_.enter_what_shows(s.driver_)) {}
        ~entry() { mark_.leave(was_); }
        entry(const entry&) = delete;
        bool drives() const noexcept { return drives_; }

    private:
        thread_mark& mark_;
        const thread_mark::handler_id was_;
        const bool drives_;
    };

    shard(engine& owner, unsigned index);
    ~shard();
    shard(const shard&) = delete;

    engine& owner() const noexcept { return owner_; }
    unsigned index() const noexcept { return index_; }

    /// Whether the calling thread drives this shard. It stays true while the thread is inside the library: see
    /// thread_mark. Relaxed is enough: only the thread itself ever stores its own identity, so reading it back
    /// means that this thread stored it; any other value only has to be different.
    bool is_current() const noexcept {
        return driver_.load(std::memory_order_relaxed) == this_thread_identity();
    }

    /// Any thread. The operation is counted as work and becomes ready: it will be completed on this shard,
    /// after everything posted here before it by the same thread.
    void post(operation& op) {
        const entry here(*this);
        if (here.drives()) [[likely]] {
            op.set_counts_remotely(false);
            started_here();
            ready_.push(op);
        } else {
            post_from_afar(op);
        }
    }

    /// Any thread. As post(), for an operation that is counted already.
    void make_ready(operation& op);

    /// A thread that does not drive this shard. Counts an operation that it is about to send here.
    void count_from_afar();

    /// A thread that does not drive this shard. Hands over a message: arrive() will be called here.
    void send(operation& message);

    /// Of what another thread starts here, before it is sent. That may be a handler whose thread has given up, or lost,
    /// what it drove: see driver::expectation().
    void note_start_from_afar(operation& op) noexcept {
        if (this_thread_mark().is_lost()) [[unlikely]]
            expect_long(op);
    }

    /// The calling thread is about to call a handler that is expected to take long, and whose operation says that it
    /// leaves: see driver::give_up_before().
    void give_up_before(unsigned expectation, bool remotely) noexcept;

    // ---- the driving thread only ----

    /// Inside a handler, before what promises that nobody takes this ring meanwhile: the thread keeps no other one for
    /// as long. False: it serves this ring for a thread in reserve, and does not keep it; what was to run now comes
    /// later.
    bool keeps_only_itself() noexcept {
        return !serves_for_others_.load(std::memory_order_relaxed) || leave_others_for_strand();
    }

    /// Counts one more, or one less, operation that lives here. Only going between 0 and 1 touches the
    /// engine.
    void started_here() {
        if (work_++ == 0)
            first_work();
    }
    void finished_here() {
        if (--work_ == 0)
            last_work();
    }

    void make_ready_here(operation& op) noexcept { ready_.push(op); }

    /// What other threads have sent.
    void take_inbox();
    bool has_messages() const noexcept { return inbox_.maybe_nonempty(); }
    /// How often there was something to run among that; only that it changes counts.
    std::uint32_t arrivals() const noexcept { return arrivals_; }

    /// By the coarse clock; never: nobody drives it, or its driver waits. Relaxed, for other threads a hint.
    nanoseconds_t turn_began() const noexcept { return times_.turn_began(); }

    /// For what becomes pending now: see age_stamp.
    std::int32_t stamp() const noexcept { return stamp_; }

    registrations::ring_side& registered_side(registration_kind kind) noexcept {
        return registered_[static_cast<std::size_t>(kind)];
    }

    backend& io() noexcept { return *backend_; }
    const backend& io() const noexcept { return *backend_; }
    io_path& path() noexcept { return path_; }
    /// The descriptor for requests that name none of ours (rename, unlink, open).
    descriptor& loose() noexcept { return path_.loose(); }
    timer_queue& timers() noexcept { return timers_; }
    clock_queues& clocks() noexcept { return clocks_; }
    bool shutting_down() const noexcept { return shutting_down_; }

    /// Runs the oldest operation that was ready when this turn began, of `left`, the budget(), which is not 0. False:
    /// the turn was over.
    bool run_next(std::uint32_t left) {
        if (sampler_.takes(left)) [[unlikely]]
            return run_sampled(left);
        return run_oldest(left);
    }

    /// Ends a turn and begins the next: submits, reaps, takes the inbox, fires timers. Never blocks. With no
    /// I/O pending this makes no call at all: a loop of handlers that only compute pays for nothing else.
    void poll() {
        if (path_.pending() != 0)
            poll_backend();
        collect();
    }

    /// poll() for the commonest turn: handlers that made others ready, here or (`elsewhere`) in the engine's
    /// shared queue, and nothing else to look after. False, and nothing done, when there is more to it.
    bool renew_turn(bool elsewhere) noexcept {
        if (path_.pending() != 0 || (ready_.empty() && !elsewhere) || inbox_.maybe_nonempty() ||
            !timers_.empty() || path_.tick_due() != never)
            return false;
        end_turn();
        // Such a turn may take less time than reading the clock.
        if (++turns_unmeasured_ == 16)
            measure_turn();
        return true;
    }

    /// As poll(), but first waits, until `deadline` at the latest, when nothing is ready. The caller has made
    /// try_sleep() succeed. Where it is called, core/loop/shard_wait.hpp is included.
    inline void wait(nanoseconds_t deadline);

    /// Publishes that the driver is about to block; false when something has arrived meanwhile.
    bool try_sleep() noexcept { return inbox_.try_sleep(); }
    void stay_awake() noexcept { inbox_.awake(); }
    nanoseconds_t next_deadline() noexcept {
        const nanoseconds_t timers = timers_.empty() ? never : timers_.next_deadline();
        const nanoseconds_t tick = path_.tick_due();
        return timers < tick ? timers : tick;
    }
    bool has_ready() const noexcept { return !ready_.empty(); }
    bool in_turn() const noexcept { return budget() != 0; }
    /// How many handlers of the turn have not begun. Relaxed, for other threads a hint.
    std::uint32_t budget() const noexcept { return budget_.load(std::memory_order_relaxed); }

    /// Before its driver waits elsewhere: next_deadline() may have passed by the exact clock only.
    void tick_devices() {
        if (path_.tick_due() != never)
            path_.tick_gates();
    }

    /// For whoever runs handlers of its own, which belong to no shard, between turns of this one.
    ring_counters& counters() noexcept { return counters_; }

    /// Any thread.
    ring_stats stats() const;

    placement_load& load() noexcept { return load_; }
    const placement_load& load() const noexcept { return load_; }

    /// Submits what is queued, now.
    void flush();

    /// The same where no exception can be let out: run(), which meets the same refusal, reports it.
    void flush_if_possible() noexcept;

    void flush_if_queued() {
        if (!backend_->nothing_queued())
            flush();
    }

    /// flush(), for who gives up the number of a file: whether no request can name it any more, because the
    /// kernel has taken all that was queued (or never will, its ring being gone). False for want of memory.
    bool flush_completely() noexcept;
    /// See backend::may_name().
    bool may_name(int fd) const noexcept { return backend_ && backend_->may_name(fd); }

    /// See backend::forget_file(). Nothing where there is no backend yet.
    void forget_file(int fd) noexcept {
        if (backend_)
            backend_->forget_file(fd);
    }

    /// Submits and reaps, between turns: what has completed becomes ready.
    void reap() {
        if (backend_)
            poll_backend();
    }

    // ---- the token: see engine for who takes it when ----

    bool try_acquire() noexcept;
    void release() noexcept;
    bool is_free() const noexcept { return driver_.load(std::memory_order_relaxed) == nullptr; }
    void ensure_backend();
    bool has_backend() const noexcept { return backend_ != nullptr; }
    /// The same for any thread, as a hint: relaxed.
    bool shows_backend() const noexcept {
        return published_backend_.load(std::memory_order_relaxed) != nullptr;
    }

    /// Whether its backend is that of the process this one was forked from.
    bool is_inherited() const noexcept {
        return generation_.load(std::memory_order_relaxed) != fork_generation(); // as engine::is_inherited()
    }

    // ---- any thread ----

    /// Wakes the driver if it sleeps; true if it did.
    bool rouse() noexcept;
    bool sleeping() const noexcept { return inbox_.sleeping(); }

    /// See backend::end_requests_on(); false also when there is no backend yet.
    bool end_requests_on(int fd) noexcept {
        backend* b = published_backend_.load(std::memory_order_acquire);
        return b && b->end_requests_on(fd);
    }
    /// See backend::leave_file().
    void leave_file(int fd) noexcept {
        if (backend* b = published_backend_.load(std::memory_order_acquire))
            b->leave_file(fd);
    }
    void return_to_file(int fd) noexcept {
        if (backend* b = published_backend_.load(std::memory_order_acquire))
            b->return_to_file(fd);
    }
    /// How many system calls its ring has made. Acquire: what they were to submit had been published before.
    std::uint64_t system_calls() const noexcept { return counters_.enters.load(std::memory_order_acquire); }
    /// See backend::has_taken_all().
    bool has_taken_all() const noexcept {
        const backend* b = published_backend_.load(std::memory_order_acquire);
        return b && b->has_taken_all();
    }

    /// That its driver, after so many system calls, is in a handler that takes long. Relaxed: a hint.
    bool is_known_busy(std::uint64_t calls) const noexcept {
        return busy_since_.load(std::memory_order_relaxed) == calls;
    }
    void remember_busy(std::uint64_t calls) noexcept { busy_since_.store(calls, std::memory_order_relaxed); }

    /// The kernel's number of the thread that drives it, or drove it last. Relaxed: whoever asks for that
    /// thread's state finds what is true at some moment only, whatever the order.
    int driving_thread() const noexcept { return driving_thread_.load(std::memory_order_relaxed); }

private:
    friend class engine;
    friend class driver;
    friend class inspection;
    friend class shard_visit;

    bool run_oldest(std::uint32_t left) {
        set_budget(left - 1);
        operation* op = ready_.pop();
        if (!op) [[unlikely]] { // a nested run took what this turn had counted on
            set_budget(0);
            return false;
        }
        if (op->expected_long() != 0) [[unlikely]]
            run_expected_long(*op);
        else
            run(*op);
        return true;
    }

    [[gnu::always_inline]] void run(operation& op) {
        // The operation frees itself before its handler runs; the work it stood for ends after, so that a
        // handler that starts the next operation never lets the count touch zero. Also when the handler
        // throws.
        struct finish_on_exit {
            shard& s;
            bool remotely;
            thread_mark& mark;
            ~finish_on_exit() {
                if (!mark.enter() && s.finish_lost(mark)) [[unlikely]]
                    return;
                if (remotely)
                    s.finished_remote();
                else
                    s.finished_here();
            }
        } finish{*this, op.counts_remotely(), this_thread_mark()};
        if (serves_for_others_.load(std::memory_order_relaxed)) [[unlikely]]
            leave_others_to_others(op);
        if (op.leaves())
            finish.mark.leave(reinterpret_cast<thread_mark::handler_id>(&op) + !finish.remotely);
        op.complete();
    }

    void run_expected_long(operation& op);
    void leave_others_to_others(const operation& op) noexcept;
    bool leave_others_for_strand() noexcept;
    void cease_to_serve_for_others() noexcept;
    void begin_sampled_turn() noexcept;
    void consider_lending() noexcept;
    void expect_long(operation& op) noexcept;
    void wake() noexcept;
    void post_from_afar(operation& op);
    void first_work();
    void last_work();
    void finished_remote();
    bool finish_lost(thread_mark& mark) noexcept;
    void drop_turn() noexcept;
    void poll_backend();
    void adopt_work(std::int64_t count);
    void fire_timers();
    void collect() {
        take_arrivals();
        end_turn();
        look_at_gates();
    }
    void take_arrivals() {
        measure_turn(); // first: what arrives begins now
        if (inbox_.maybe_nonempty())
            take_inbox();
        if (!timers_.empty())
            fire_timers();
        publish_load();
    }
    void look_at_gates() {
        // By the coarse clock, which has been read anyway: a few milliseconds late.
        if (times_.began() >= path_.tick_due()) [[unlikely]]
            path_.tick_gates();
    }
    /// What the turn has run is counted when it is over, and not one by one; the next one begins.
    void end_turn() noexcept {
        count_handlers();
        begin_turn();
    }
    void begin_turn() noexcept {
        ring_counters::bump(counters_.turns);
        turn_size_ = ready_.size();
        set_budget(turn_size_);
        if (sampler_.begin_turn(turn_size_)) [[unlikely]]
            begin_sampled_turn();
    }
    bool run_sampled(std::uint32_t left);
    void note_handler(const void* kind, nanoseconds_t began) noexcept;
    void set_budget(std::uint32_t handlers) noexcept { budget_.store(handlers, std::memory_order_relaxed); }
    void count_handlers() noexcept {
        const std::uint32_t left = budget();
        ring_counters::bump(counters_.handlers, turn_size_ - left);
        turn_size_ = left;
    }
    void measure_turn() noexcept {
        turns_unmeasured_ = 0;
        look_at_clock();
    }
    void look_at_clock() noexcept {
        const nanoseconds_t now = coarse_now();
        if (now != times_.began()) [[unlikely]]
            note_time(now);
    }
    void note_time(nanoseconds_t now) noexcept;
    void begin_time(nanoseconds_t now) noexcept {
        times_.begin(now);
        stamp_ = age_stamp::of(now);
    }
    void publish_counters() noexcept {
        count_handlers();
        publish_load();
    }
    void publish_load() noexcept {
        counters_.completed.store(counters_.submitted.load(std::memory_order_relaxed) - path_.pending(),
                                  std::memory_order_relaxed);
        load_.publish(work_, static_cast<std::uint32_t>(path_.pending()));
    }
    void cancel_everything();
    void discard_everything();
    void settle_before_fork();
    void restart_after_fork();
    void leave_requests();
    void adopt_backend(std::unique_ptr<backend> b) noexcept;

    engine& owner_;
    const unsigned index_;
    std::atomic<const void*> driver_{nullptr};
    std::atomic<int> driving_thread_{0};
    inbox inbox_;

    placement_load load_;
    std::atomic<std::uint64_t> busy_since_{~std::uint64_t{0}};
    // That threads which drive nothing may have left their rings to who drives this one; see engine::limit_crew() and
    // driver::dispossess(). Read relaxed: who acquires what was given up afterwards sees it.
    std::atomic<bool> serves_for_others_{false};

    // backend_ for other threads. Release/acquire: whoever sees the pointer sees the backend. It is taken
    // back only when no other thread may be in the engine (destruction, a forked child).
    std::atomic<backend*> published_backend_{nullptr};
    std::atomic<unsigned> generation_{fork_generation()}; // the one backend_ was made in

    mutable system_times system_times_; // of those that look

    // Everything below belongs to the driving thread.
    alignas(64) op_queue ready_;
    std::atomic<std::uint32_t> budget_{0}; // operations of ready_ that belong to the current turn
    bool shutting_down_ = false;
    std::int64_t work_ = 0;
    std::unique_ptr<backend> backend_;
    timer_queue timers_;
    clock_queues clocks_{timers_};
    std::array<registrations::ring_side, 2> registered_; // by registration_kind

    loop_times times_;
    handler_sampler sampler_;
    std::uint32_t turns_unmeasured_ = 0;
    std::int32_t stamp_ = -1; // of when the clock was last seen to have moved
    // What budget_ was when its handlers were counted last. Not beside it: compilers then load and store the
    // two as one, eight bytes from where four have just been written, which a processor cannot forward (5 ns
    // a turn).
    std::uint32_t turn_size_ = 0;
    handler_paces paces_;
    std::uint32_t arrivals_ = 0;
    ring_counters counters_;

    io_path path_; // ends first: it uses what stands above
};

/// Access to a shard's own side for the duration of a scope, where it can be had without waiting for a
/// handler: the calling thread drives the shard, or nobody does. Converts to false otherwise.
class shard_visit {
public:
    explicit shard_visit(shard& s) noexcept;
    ~shard_visit();
    shard_visit(const shard_visit&) = delete;
    explicit operator bool() const noexcept { return mode_ != mode::refused; }
    bool driving() const noexcept { return mode_ == mode::driving; }

private:
    enum class mode : std::uint8_t { refused, driving, visiting };
    const mark_entry entry_; // what it finds, and what it has itself, is so to its end
    shard& shard_;
    mode mode_;
};

} // namespace aura::core

// shard: one turn of the loop, and the hand-over of operations between threads.
#include "auraio/core/loop/engine.hpp"
#include "auraio/core/timer/timer.hpp"
#include "core/base/canary.hpp"
#include "core/base/thread_ends.hpp"
#include "core/loop/driver.hpp"

#include <cerrno>

namespace aura::core {

shard::shard(engine& owner, unsigned index)
    : owner_(owner)
    , index_(index)
    , path_(*this) {
    registered_[0].belongs_to(*this, registration_kind::buffers);
    registered_[1].belongs_to(*this, registration_kind::files);
}

shard::~shard() = default;

void shard::ensure_backend() {
    if (!backend_)
        adopt_backend(owner_.make_backend());
}

void shard::adopt_backend(std::unique_ptr<backend> b) noexcept {
    backend_ = std::move(b);
    backend_->count_into(counters_);
    generation_.store(fork_generation(), std::memory_order_relaxed);
    happens_before(&published_backend_);
    published_backend_.store(backend_.get(), std::memory_order_release);
}

// ---- work ----

void shard::first_work() {
    owner_.work_started();
}
void shard::last_work() {
    owner_.work_finished();
}
void shard::finished_remote() {
    owner_.work_finished();
}

/// The end of a handler during which others may have taken over. False: they have not taken this one.
bool shard::finish_lost(thread_mark& mark) noexcept {
    if (!mark.settle() || is_current()) // a run inside such a handler has a shard of its own
        return false;
    driver::find(owner_)->hear_of_loss();
    owner_.work_finished(); // who took over has counted it there
    return true;
}

void shard::run_expected_long(operation& op) {
    if (op.leaves()) // what leaves by itself gives up by itself as well
        give_up_before(op.expected_long(), op.counts_remotely());
    run(op);
}

void shard::give_up_before(unsigned expectation, bool remotely) noexcept {
    if (driver* const d = driver::find(owner_))
        d->give_up_before(expectation, remotely);
}

/// A handler that keeps its ring is about to be called, for however long that takes, by a thread that serves the rings
/// of others as well.
void shard::leave_others_to_others(const operation& op) noexcept {
    const bool can_be_taken = op.leaves() && !this_thread_mark().is_nested();
    if (driver* const d = driver::find(owner_); d && !can_be_taken && !op.leaves_by_itself())
        d->leave_others_to_others();
}

/// Nobody was out. Who goes counts itself out, who limits the crew says so, and then looks at the flag; here it is the
/// other way round, and all of it is seq_cst: of the two one sees the other.
void shard::cease_to_serve_for_others() noexcept {
    serves_for_others_.store(false, std::memory_order_seq_cst);
    if (owner_.anybody_out())
        serves_for_others_.store(true, std::memory_order_seq_cst);
}

bool shard::leave_others_for_strand() noexcept {
    driver* const d = driver::find(owner_);
    if (!d || d->active() != this)
        return !d || !owner_.anybody_out();
    d->leave_others_to_others();
    return true;
}

void shard::expect_long(operation& op) noexcept {
    if (!this_thread_mark().settle()) // shows what who took over has written of this thread
        return;
    if (const driver* const d = driver::find(owner_))
        op.expect_long(d->expectation());
}

void shard::count_from_afar() {
    owner_.work_started();
}

void shard::post_from_afar(operation& op) {
    note_start_from_afar(op);
    op.set_counts_remotely(true);
    owner_.work_started();
    send(op);
}

void shard::make_ready(operation& op) {
    const entry here(*this);
    if (here.drives())
        ready_.push(op);
    else
        send(op);
}

void shard::send(operation& message) {
    if (inbox_.push(message))
        wake();
}

bool shard::rouse() noexcept {
    if (!inbox_.rouse())
        return false;
    wake();
    return true;
}

void shard::wake() noexcept {
    counters_.wakes_received.fetch_add(1, std::memory_order_relaxed);
    if (shard* sender = owner_.current_shard()) // which others may have taken from this thread's handler
        sender->counters_.wakes_sent.fetch_add(1, std::memory_order_relaxed);
    happens_after(&published_backend_);
    backend_->wake(); // asleep implies that a driver published a backend before: see try_sleep()
}

// ---- the token ----

namespace {

/// gettid(2), asked once for each thread of each process.
int kernel_thread() noexcept {
    static thread_local constinit unsigned process = ~0U;
    static thread_local constinit int number = 0;
    if (process != fork_generation()) [[unlikely]] {
        process = fork_generation();
        number = ::gettid();
    }
    return number;
}

} // namespace

bool shard::try_acquire() noexcept {
    const void* expected = nullptr;
    // Acquire pairs with release(): the last driver's writes to this shard are visible to the next one.
    if (!driver_.compare_exchange_strong(expected, this_thread_identity(), std::memory_order_acquire,
                                         std::memory_order_relaxed))
        return false;
    happens_after(&driver_);
    driving_thread_.store(kernel_thread(), std::memory_order_relaxed);
    // The time without a driver is no handler's fault; what the last one has left of its turn begins now.
    if (in_turn())
        begin_time(coarse_now());
    else
        times_.begin(never);
    turns_unmeasured_ = 15; // the first is measured: see renew_turn()
    submits_from_now_on();
    path_.attach_thread();
    return true;
}

/// What the turn has left to run waits for the next: whoever drives it then begins with the inbox, in which
/// there may be something that a handler of this turn has sent.
void shard::drop_turn() noexcept {
    count_handlers();
    turn_size_ = 0;
    set_budget(0);
}

void shard::release() noexcept {
    publish_counters();
    measure_turn(); // the last one
    times_.end_drive();
    happens_before(&driver_);
    driver_.store(nullptr, std::memory_order_release);
}

shard_visit::shard_visit(shard& s) noexcept
    : shard_(s)
    , mode_(mode::refused) {
    if (s.is_current())
        mode_ = mode::driving;
    else if (s.owner().begin_visit(s))
        mode_ = mode::visiting;
    if (mode_ != mode::visiting)
        return;
    s.stamp_ = age_stamp::of(coarse_now());
    if (s.backend_)
        s.backend_->attach_visitor();
}

shard_visit::~shard_visit() {
    if (mode_ == mode::visiting)
        shard_.owner().end_visit(shard_);
}

// ---- one turn ----

AURAIO_NO_CANARY void shard::poll_backend() {
    op_queue done;
    path_.note_flush();
    if (ready_.empty())
        backend_->poll(done);
    else
        backend_->poll_between(done);
    path_.finish(done);
}

void shard::take_inbox() {
    op_queue arrived;
    inbox_.take(arrived);
    std::int64_t adopted = 0;
    while (operation* op = arrived.pop()) {
        if (op->is_message()) {
            op->arrive();
            continue;
        }
        adopted += op->counts_remotely();
        op->set_counts_remotely(false);
        ready_.push(*op);
    }
    if (adopted != 0) {
        ++arrivals_;
        adopt_work(adopted);
    }
}

/// What strangers have counted in the engine becomes this shard's own work: one access to a shared cache line
/// for all that arrived together, in place of one for each that ends.
void shard::adopt_work(std::int64_t count) {
    if (work_ == 0)
        first_work();
    work_ += count;
    owner_.work_finished(count); // never to zero: it is counted here by now
}

AURAIO_NO_CANARY void shard::fire_timers() {
    const nanoseconds_t now = monotonic_now();
    timer_node* node = timers_.pop_due(now);
    if (node == nullptr)
        return;
    do {
        timer::from(*node).fire(now);
        node = timers_.pop_due(now);
    } while (node != nullptr);
    // Whatever woke us: another clock may have been set, and then it is seen as early as Asio sees it.
    if (!clocks_.empty()) [[unlikely]]
        clocks_.look(now, [](clock_node& due) { clock_timer::from(due).expire(); });
}

void shard::flush() {
    path_.note_flush();
    if (backend_)
        backend_->flush();
}

void shard::flush_if_possible() noexcept {
    try {
        flush();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): also without memory for the message
        // What is queued stays queued.
    }
}

bool shard::flush_completely() noexcept {
    // At the end, with every request over, what is left in the queue is the backend's own, and names no file.
    if (shutting_down_ && (!backend_ || backend_->pending() == 0))
        return true;
    try {
        flush();
    } catch (const engine_error&) {
        return true; // not for want of anything: the kernel does not know the ring any more
    } catch (const std::exception&) {
        return false;
    }
    return !backend_ || backend_->nothing_queued();
}

// ---- the end ----

void shard::cancel_everything() {
    if (backend_ && backend_->pending() != 0 && !backend_->obeys_this_thread())
        throw engine_error(
            EEXIST,
            "auraio: with task_run::deferred the thread that was in run() must also destroy the context");
    shutting_down_ = true;
    take_inbox();
    path_.cancel_all();
    while (backend_ && backend_->pending() != 0) {
        op_queue done;
        const bool go_on = backend_->drain(done);
        path_.finish(done);
        if (!go_on)
            leave_requests();
    }
    path_.leave_devices();
}

void shard::discard_everything() {
    take_inbox();
    while (timer_node* node = timers_.pop_due(never - 1))
        timer::from(*node).abandon();
    set_budget(0);
    while (operation* op = ready_.pop()) {
        const bool remotely = op->counts_remotely();
        op->destroy();
        if (remotely)
            owner_.work_finished();
        else
            finished_here();
    }
}

/// What the kernel has started or accepted for this shard becomes known: the child must not inherit
/// connections that neither process knows of.
void shard::settle_before_fork() {
    if (!backend_ && !inbox_.maybe_nonempty())
        return;
    ensure_backend();
    // A ring of task_run::deferred obeys one thread only.
    if (owner_.options().task_work == task_run::deferred && !backend_->is_only_submitter())
        return;
    backend_->attach_visitor();
    stamp_ = age_stamp::of(coarse_now()); // nobody may have driven it for long
    take_inbox();
    backend_->flush(); // a connect is begun once, and not by each process
    poll_backend();
}

/// In the child: a backend of its own, which gets what is pending.
void shard::restart_after_fork() {
    if (!backend_) {
        generation_.store(fork_generation(), std::memory_order_relaxed);
        return;
    }
    auto fresh = owner_.make_backend(); // when there is none, all stays as it is for the next attempt
    backend_->abandon_after_fork();
    published_backend_.store(nullptr, std::memory_order_relaxed);
    adopt_backend(std::move(fresh));
    owner_.registered().install_again(*this);
    path_.submit_again();
}

/// In a child that ends without having been told that it is one, and where nothing can be had of the kernel:
/// what it has is not ours any more.
void shard::leave_requests() {
    if (!backend_)
        return;
    backend_->abandon_after_fork();
    path_.end_all();
}

} // namespace aura::core

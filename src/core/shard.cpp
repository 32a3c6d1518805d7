// shard: one turn of the loop, and the hand-over of operations between threads.
#include "auraio/core/accept_queue.hpp"
#include "auraio/core/device_gate.hpp"
#include "auraio/core/engine.hpp"
#include "auraio/core/numbered_files.hpp"
#include "auraio/core/storage_user.hpp"
#include "auraio/core/timer.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace aura::core {

nanoseconds_t monotonic_now() noexcept {
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<nanoseconds_t>(t.tv_sec) * 1'000'000'000u + static_cast<nanoseconds_t>(t.tv_nsec);
}

nanoseconds_t coarse_now() noexcept {
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return static_cast<nanoseconds_t>(t.tv_sec) * 1'000'000'000u + static_cast<nanoseconds_t>(t.tv_nsec);
}

namespace {

/// A request of ours that the kernel cancelled by itself, because the thread that submitted it ended, is
/// submitted again; one that keeps failing so has another cause, which its owner should see.
constexpr std::uint8_t resubmission_limit = 16;

/// How far the coarse clock may be behind.
nanoseconds_t coarse_resolution() noexcept {
    static const nanoseconds_t resolution = [] {
        timespec t{};
        ::clock_getres(CLOCK_MONOTONIC_COARSE, &t);
        return static_cast<nanoseconds_t>(t.tv_sec) * 1'000'000'000u + static_cast<nanoseconds_t>(t.tv_nsec);
    }();
    return resolution;
}

constexpr nanoseconds_t long_turn = 10'000'000;

/// Of how many requests the latency of one is taken: reading the clock twice costs 56 ns.
constexpr std::uint32_t sample_interval = 64;

} // namespace

shard::shard(engine& owner, unsigned index)
    : owner_(owner)
    , index_(index)
    , loose_(descriptor::create_loose(*this)) {
    registered_[0].belongs_to(*this, registration_kind::buffers);
    registered_[1].belongs_to(*this, registration_kind::files);
}

shard::~shard() {
    leave_devices();
    delete loose_;
}

void shard::ensure_backend() {
    if (backend_)
        return;
    backend_ = owner_.make_backend();
    backend_->count_into(counters_);
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
void shard::count_from_afar() {
    owner_.work_started();
}

void shard::post_from_afar(operation& op) {
    op.set_counts_remotely(true);
    owner_.work_started();
    send(op);
}

void shard::make_ready(operation& op) {
    if (is_current())
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
    if (shard* sender = owner_.current_shard())
        ring_counters::bump(sender->counters_.wakes_sent);
    backend_->wake(); // asleep implies that a driver published a backend before: see try_sleep()
}

// ---- the token ----

bool shard::try_acquire() noexcept {
    const void* expected = nullptr;
    // Acquire pairs with release(): the last driver's writes to this shard are visible to the next one.
    if (!driver_.compare_exchange_strong(expected, this_thread_identity(), std::memory_order_acquire,
                                         std::memory_order_relaxed))
        return false;
    turn_began_ = never; // the time without a driver is no handler's fault
    return true;
}

void shard::release() noexcept {
    publish_counters();
    measure_turn(); // the last one
    driver_.store(nullptr, std::memory_order_release);
}

shard_visit::shard_visit(shard& s) noexcept
    : shard_(s)
    , mode_(mode::refused) {
    if (s.is_current())
        mode_ = mode::driving;
    else if (s.owner().begin_visit(s))
        mode_ = mode::visiting;
    if (mode_ == mode::visiting && s.backend_)
        s.backend_->attach_visitor();
}

shard_visit::~shard_visit() {
    if (mode_ == mode::visiting)
        shard_.owner().end_visit(shard_);
}

// ---- one turn ----

void shard::poll_backend() {
    op_queue done;
    queued_ = 0;
    backend_->poll(done);
    finish_io(done);
}

void shard::wait(nanoseconds_t deadline) {
    publish_counters();
    measure_turn();
    op_queue done;
    queued_ = 0;
    backend_->wait(done, deadline);
    turn_began_ = never; // begins below
    inbox_.awake();
    const bool nothing_came = done.empty();
    finish_io(done);
    collect();
    // What ended the wait may have been this; the coarse clock may not show it for two ticks of the kernel.
    if (nothing_came && tick_due_ <= deadline)
        tick_gates();
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
    if (adopted != 0)
        adopt_work(adopted);
}

/// What strangers have counted in the engine becomes this shard's own work: one access to a shared cache line
/// for all that arrived together, in place of one for each that ends.
void shard::adopt_work(std::int64_t count) {
    if (work_ == 0)
        first_work();
    work_ += count;
    owner_.work_finished(count); // never to zero: it is counted here by now
}

void shard::fire_timers() {
    const nanoseconds_t now = monotonic_now();
    while (timer_node* node = timers_.pop_due(now))
        timer::from(*node).fire(now);
}

void shard::flush() {
    queued_ = 0;
    if (backend_)
        backend_->flush();
}

// ---- I/O ----

void shard::begin(io_operation& op) {
    descriptor& d = op.target();
    if (op.cancel_requested_ || op.sequence_ < d.cancelled_before_ || shutting_down_) {
        op.cancel_requested_ = true;
        op.result_ = -ECANCELED;
        op.detach();
        ready_.push(op);
        if (op.holds_target_)
            d.link(op);
        else
            d.free_if_unused();
        return;
    }
    if (op.request_.registered != 0 && refuses(op)) [[unlikely]]
        return;
    d.link(op);
    const bool may_wait_here =
        op.request_.kind == request_kind::accept || op.request_.kind == request_kind::poll;
    if (may_wait_here && !d.loose_ && d.queue(op))
        return;
    if (d.waits_in_lane(op))
        return;
    issue(op);
}

/// Whether an operation on something registered was started too late, or cannot have it: it has ended then.
bool shard::refuses(io_operation& op) {
    io_request& r = op.request_;
    int error = owner_.registered().admit(*this, r, op.registered_held_);
    if (error != 0 && (r.registered & registered_file) != 0 && !op.target().loose_) {
        r.fd = r.fd2; // a file object has its number, too
        r.registered &= static_cast<std::uint8_t>(~registered_file);
        error = owner_.registered().admit(*this, r, op.registered_held_);
    }
    if (error != 0 && (r.registered & found_registered) != 0) {
        r.registered = 0; // it is memory like any other
        error = 0;
    }
    if (error == 0)
        return false;
    op.result_ = error;
    op.detach();
    ready_.push(op);
    if (op.holds_target_)
        op.target().link(op);
    else
        op.target().free_if_unused();
    return true;
}

/// As submit(), unless the operation has to wait for its device first.
void shard::issue(io_operation& op) {
    gated_file* storage = op.target_->storage_;
    if (!storage && op.target_->loose_)
        storage = find_storage(op);
    if (!storage || storage->admits(op))
        submit(op);
}

/// Of an operation that names its file by number.
gated_file* shard::find_storage(const io_operation& op) {
    const io_request& r = op.request_;
    if (!transfers_file_data(r.kind))
        return nullptr;
    if (!numbered_) [[unlikely]]
        numbered_ = std::make_unique<numbered_files>(*loose_);
    const int number = (r.registered & registered_file) != 0
                           ? owner_.registered().file_at(static_cast<std::size_t>(r.fd))
                           : r.fd;
    return numbered_->find(number, turn_began_ != never ? turn_began_ : coarse_now());
}

void shard::submit(io_operation& op) {
    op.in_backend_ = true;
    ++io_pending_;
    count_submission(op);
    hand_over(op);
    if (++queued_ >= owner_.batch_threshold()) [[unlikely]]
        flush();
}

void shard::hand_over(io_operation& op) {
    if ((op.request_.registered & registered_file) != 0) [[unlikely]]
        owner_.registered().verify_file(*this, op.request_, !op.target_->loose_);
    backend_->submit(op);
}

void shard::finish_io(op_queue& done) {
    while (operation* base = done.pop()) {
        auto& op = static_cast<io_operation&>(*base);
        if ((op.result_ < 0 || op.awaits_readiness_) && submit_again(op)) [[unlikely]]
            continue;
        descriptor& d = op.target();
        if (op.internal_) [[unlikely]] {
            finish_internal(op);
            continue;
        }
        if (op.result_ <= 0 && d.disturbed_.load(std::memory_order_acquire))
            end_disturbed(op);
        else if (op.result_ == -EINTR && op.cancel_requested_)
            op.result_ = -ECANCELED; // how a cancelled request that was running in a kernel worker ends
        if (&op == sampled_) [[unlikely]]
            end_sample(op);
        device_gate* gate = nullptr;
        if (op.at_gate_ == io_operation::gate_place::inside) {
            gate = &op.line_->gate();
            gate->complete(op);
        }
        op.in_backend_ = false;
        --io_pending_;
        op.detach();
        ready_.push(op);
        d.lane_advances(op);
        if (!op.holds_target_)
            d.unlink(op);
        if (gate)
            gate->drain();
    }
}

/// Its owner has closed the descriptor under it: it failed for that, or has seen the end of the connection
/// that its owner shut down.
void shard::end_disturbed(io_operation& op) noexcept {
    const request_kind kind = op.request_.kind;
    if (op.result_ < 0 || kind == request_kind::recv || kind == request_kind::recvmsg)
        op.result_ = -ECANCELED;
}

void shard::finish_internal(io_operation& op) {
    op.in_backend_ = false;
    --io_pending_;
    descriptor& d = op.target();
    op.complete(); // may submit it again
    if (!op.in_backend_)
        d.unlink(op);
}

/// Whether the request is not at its end yet: it had to wait for its descriptor first, or was cancelled by
/// nobody.
bool shard::submit_again(io_operation& op) {
    const bool was_ready = std::exchange(op.awaits_readiness_, false);
    if (op.cancel_requested_ || op.target().disturbed_.load(std::memory_order_acquire)) {
        if (was_ready) // what is known is the result of the poll
            op.result_ = -ECANCELED;
        return false;
    }
    if (was_ready && op.result_ >= 0) {
        hand_over(op);
        return true;
    }
    if (op.result_ == -EISCONN && op.request_.kind == request_kind::connect && op.resubmissions_ != 0) {
        op.result_ = 0; // what was begun before has come about
        return false;
    }
    if (op.result_ == -EAGAIN && op.readiness_events() != 0) {
        if (op.request_.kind == request_kind::connect && ++op.resubmissions_ > resubmission_limit)
            return false; // a full backlog, for which no readiness can be waited for (UNIX domain)
        op.awaits_readiness_ = true;
        hand_over(op);
        return true;
    }
    return !op.internal_ && resubmit_if_stray(op);
}

bool shard::resubmit_if_stray(io_operation& op) {
    if (op.result_ != -ECANCELED && op.result_ != -EINTR)
        return false;
    if (op.resubmissions_ == resubmission_limit)
        return false;
    ++op.resubmissions_;
    // A connect under way would be refused with EALREADY; once the socket is writable it gets the outcome.
    op.awaits_readiness_ = op.request_.kind == request_kind::connect;
    hand_over(op);
    return true;
}

// ---- storage devices ----

device_gate& shard::gate_for(storage_device& device) {
    for (const auto& gate : gates_)
        if (&gate->device() == &device)
            return *gate;
    gates_.reserve(gates_.size() + 1);
    auto gate = std::make_unique<device_gate>(*this, device);
    owner_.storage().attach(*gate);
    gates_.push_back(std::move(gate));
    return *gates_.back();
}

void shard::tick_at(nanoseconds_t due) noexcept {
    tick_due_ = std::min(tick_due_, due);
}

void shard::tick_gates() {
    const nanoseconds_t now = monotonic_now();
    tick_due_ = never;
    for (const auto& gate : gates_)
        tick_at(gate->tick(now));
}

/// Nothing is in flight or waits there any more.
void shard::leave_devices() noexcept {
    for (const auto& gate : gates_)
        gate->leave();
    tick_due_ = never;
}

// ---- statistics ----

void shard::note_delay(nanoseconds_t now) noexcept {
    if (turn_began_ == never)
        return;
    // The clock stands still for a tick: what is certain is one tick less than what it shows.
    const nanoseconds_t tick = coarse_resolution();
    const nanoseconds_t shown = now - turn_began_;
    const nanoseconds_t delay = shown > tick ? shown - tick : 0;
    if (delay > counters_.loop_delay_max.load(std::memory_order_relaxed))
        counters_.loop_delay_max.store(delay, std::memory_order_relaxed);
    if (delay >= long_turn)
        ring_counters::bump(counters_.long_turns);
}

void shard::begin_sample(const io_operation& op) noexcept {
    until_sample_ = sample_interval;
    if (op.at_gate_ != io_operation::gate_place::outside)
        return; // its gate takes samples of its own
    if (sampled_ || !transfers_file_data(op.request_.kind))
        return;
    sampled_ = &op;
    sample_began_ = monotonic_now();
}

void shard::end_sample(const io_operation& op) noexcept {
    sampled_ = nullptr;
    if (op.result_ < 0)
        return;
    const bool reads = op.request_.kind == request_kind::read || op.request_.kind == request_kind::readv;
    (reads ? counters_.read_latency : counters_.write_latency).record(monotonic_now() - sample_began_);
}

ring_stats shard::stats() const {
    ring_stats s;
    s.index = index_;
    s.driven = !is_free();
    s.operations = load();
    counters_.read(s);
    return s;
}

// ---- the end ----

void shard::cancel_everything() {
    if (backend_ && backend_->pending() != 0 && !backend_->obeys_this_thread())
        throw engine_error(
            EEXIST,
            "auraio: with task_run::deferred the thread that was in run() must also destroy the context");
    shutting_down_ = true;
    take_inbox();
    for (descriptor *d = active_, *next; d; d = next) {
        next = d->next_active_; // it leaves the list where nothing of it is in the backend
        d->cancel_before(d->started_);
    }
    while (backend_ && backend_->pending() != 0) {
        op_queue done;
        backend_->wait(done, never);
        finish_io(done);
    }
    leave_devices();
}

void shard::discard_everything() {
    take_inbox();
    while (timer_node* node = timers_.pop_due(never - 1))
        timer::from(*node).abandon();
    budget_ = 0;
    while (operation* op = ready_.pop()) {
        const bool remotely = op->counts_remotely();
        op->destroy();
        if (remotely)
            owner_.work_finished();
        else
            finished_here();
    }
}

/// What the kernel has started or accepted for this shard becomes known, and it accepts no more: the child
/// must not inherit connections that neither process knows of. Accepts that wait are asked for again with the
/// next submission, which comes after the fork.
void shard::settle_before_fork() {
    if (!backend_ && !inbox_.maybe_nonempty())
        return;
    ensure_backend();
    // A ring of task_run::deferred obeys one thread only.
    if (owner_.options().task_work == task_run::deferred && !backend_->is_only_submitter())
        return;
    backend_->attach_visitor();
    take_inbox();
    backend_->flush(); // a connect is begun once, and not by each process
    for (accept_queue* q = accept_queues_; q; q = q->next_queue_)
        q->pause();
    poll_backend();
}

void shard::restart_after_fork() {
    if (!backend_)
        return;
    backend_->abandon_after_fork();
    published_backend_.store(nullptr, std::memory_order_relaxed);
    backend_.reset();
    ensure_backend();
    owner_.registered().install_again(*this);
    for (accept_queue* q = accept_queues_; q; q = q->next_queue_)
        q->forget_kept();
    for (descriptor* d = active_; d; d = d->next_active_)
        for (io_operation* op = d->first_; op; op = op->following_)
            if (op->in_backend_) {
                if (op->request_.kind == request_kind::connect) { // begun already, for both
                    op->awaits_readiness_ = true;
                    ++op->resubmissions_;
                }
                hand_over(*op);
                if (op->cancel_requested_) // the parent's ring was told, this one was not
                    backend_->cancel(*op);
            }
}

} // namespace aura::core

// uring_backend: submission entries from requests, completions back to operations, wakes and watches.
#include "uring_backend.hpp"

#include "alarm.hpp"
#include "auraio/core/loop/engine.hpp"
#include "backend/pool/pool_queue.hpp"
#include "backend/system_calls.hpp"
#include "core/base/canary.hpp"
#include "doorbell.hpp"
#include "features.hpp"
#include "kept_cancels.hpp"
#include "kernel_abi.hpp"
#include "kernel_writes.hpp"
#include "lasting_backend.hpp"
#include "prepare.hpp"
#include "registration.hpp"
#include "ring.hpp"
#include "ring_enter.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <poll.h>
#include <vector>

namespace aura::core::uring {

namespace {

static_assert(engine::max_shards <= 0x10000); // see watch_tag()

/// How long the end of a context waits for completions of requests that it cannot reach any more: those of
/// files end by themselves, and those that wait for something are cancelled by closing the ring.
constexpr nanoseconds_t patience_without_calls = 1'000'000'000;

class uring_backend final : public lasting_backend {
public:
    explicit uring_backend(const engine_options& options)
        : lasting_backend(options)
        , ring_(options)
        , bell_(options.wake)
        , pool_(*this, options.pool_threads) {}

    void count_into(ring_counters& c) noexcept override { ring_.count_into(c); }

    void submit(io_operation& op) override {
        ++pending_;
        // Without a call: the cheapest requests there are.
        if (is_plain_transfer(op) && op.is_plain()) {
            if (io_uring_sqe* const sqe = ring_.free_sqe()) [[likely]] {
                sqe->user_data = reinterpret_cast<std::uint64_t>(&op);
                prepare_transfer(*sqe, op);
                return;
            }
        }
        submit_any(op);
    }

    void cancel(io_operation& op) override {
        if (!ring_.is_own()) [[unlikely]] { // the parent's; here it is over
            done_here_.remove(op);
            op.set_result(-ECANCELED);
            done_here_.push(op);
            return;
        }
        if (pool_.pending() != 0 && goes_to_pool(op)) [[unlikely]] {
            pool_.cancel(op);
            return;
        }
        // By address, and safe: the kernel takes entries in order, so this one is looked up before any entry
        // of an operation that may come to live at the same address. Nobody waits for its outcome.
        if (!try_cancel(op)) [[unlikely]]
            kept_cancels_.keep(op);
    }

    void flush() override {
        send_kept_cancels();
        if (ring_.unsubmitted() == 0)
            return;
        ring_.submit(false);
        // On the way out of that call requests that were cancelled have ended, and let go of their files;
        // those of a deferred ring do so when it is asked for.
        if (ring_.is_deferred() && obeys_this_thread())
            ring_.submit(true);
        // Who waits by the ring's descriptor does not see what has left the queue.
        if (ring_.has_set_aside()) [[unlikely]]
            wake();
    }

    bool nothing_queued() const noexcept override { return ring_.unsubmitted() == 0; }
    bool has_taken_all() const noexcept override { return ring_.has_taken_all(); }

    bool has_completions() const noexcept override {
        return !done_here_.empty() || ring_.has_completions() || ring_.kernel_has_work();
    }

    void poll(op_queue& done) override {
        send_kept_cancels();
        submit_and_reap(done);
    }

    AURAIO_NO_CANARY bool wait(op_queue& done, nanoseconds_t deadline) override {
        send_kept_cancels();
        arm_bell();
        if (!done_here_.empty() || !pool_.arm() || ring_.has_completions()) [[unlikely]] {
            submit_and_reap(done);
            return false;
        }
        nanoseconds_t left = never;
        if (deadline < alarm_.at()) { // else the alarm ends the wait
            const nanoseconds_t now = monotonic_now();
            if (deadline <= now) { // a timer that is due already needs no system call
                submit_and_reap(done);
                return true;
            }
            if (deadline - now >= alarm::nearest)
                internal_pending_ += alarm_.set(ring_, deadline);
            else
                left = deadline - now;
        }
        ring_.submit_and_wait(left);
        reap(done);
        return false;
    }

    void wake() noexcept override { bell_.strike(ring_.fd(), tag(internal::wake)); }

    std::size_t pending() const noexcept override { return pending_; }

    void attach_thread() override {
        if (ring_.is_deferred()) {
            if (!obeys_this_thread())
                throw engine_error(EEXIST,
                                   "auraio: task_run::deferred promises a single thread in run(), and "
                                   "another thread has entered it; use task_run::cooperative");
            bound_to_ = this_thread_number();
        }
        ring_.attach_thread();
        attach_visitor();
    }

    void attach_visitor() noexcept override {
        if (last_driver_ == this_thread_number())
            return;
        several_submitters_ = several_submitters_ || last_driver_ != 0;
        // What the last thread armed dies with it, or waits until it enters the kernel: this one arms its
        // own.
        last_driver_ = this_thread_number();
        event_armed_ = false;
        alarm_.leave();
    }

    bool obeys_this_thread() const noexcept override {
        return bound_to_ == 0 || bound_to_ == this_thread_number();
    }

    bool is_only_submitter() const noexcept override {
        return !several_submitters_ && last_driver_ == this_thread_number();
    }

    bool end_requests_on(int fd) noexcept override {
        return !ring_.is_deferred() && probe().sync_cancel && end_requests_on_file(ring_.fd(), fd);
    }

    void detach_thread() override { ring_.detach_thread(); }

    std::uint32_t leave_behind() noexcept override {
        const int index = ring_.leave_behind();
        return index < 0 ? 0 : std::uint32_t{1} << index;
    }
    void give_up_indexes(std::uint32_t indexes) noexcept override {
        for (int i = 0; indexes != 0; ++i, indexes >>= 1)
            if ((indexes & 1) != 0)
                ring_.unregister_index(i);
    }

    int readiness_fd() const noexcept override { return ring_.fd(); }

    void arm_wake() override {
        arm_bell();
        if (!pool_.arm()) [[unlikely]]
            wake();
    }

    bool may_name(int fd) const noexcept override { return pool_.names(fd); }

    void watch(int fd, unsigned key) override {
        if (key >= watches_.size())
            watches_.resize(key + 1);
        io_uring_sqe& sqe = ring_.next_sqe();
        sqe.opcode = IORING_OP_POLL_ADD;
        sqe.fd = fd;
        sqe.poll32_events = POLLIN;
        watches_[key] = last_watch_ = last_watch_ == ~std::uint32_t{0} ? 1 : last_watch_ + 1;
        sqe.user_data = watch_tag(key);
        ++internal_pending_;
    }

    void unwatch(unsigned key) noexcept override {
        if (watch_fired(key))
            return;
        if (io_uring_sqe* const sqe = free_entry()) { // else it is left to fire
            sqe->opcode = IORING_OP_POLL_REMOVE;
            sqe->fd = -1;
            sqe->addr = watch_tag(key);
            sqe->user_data = tag(internal::cancelled);
            ++internal_pending_;
        }
        watches_[key] = 0; // what it has still to say is not about the next watch of this key
    }

    bool watch_fired(unsigned key) const noexcept override {
        return key >= watches_.size() || watches_[key] == 0;
    }

    int register_buffers(std::span<const iovec> buffers, registration_source* source) override {
        return uring::register_buffers(ring_.fd(), buffers, source);
    }
    int register_files(std::span<const int> fds) override { return uring::register_files(ring_.fd(), fds); }
    int update_files(unsigned first, std::span<const int> fds) override {
        return uring::update_files(ring_.fd(), first, fds);
    }
    void unregister(registration_kind kind) noexcept override { uring::unregister(ring_.fd(), kind); }

    void quiesce() override {
        if (!obeys_this_thread())
            return; // our own requests end with the ring
        for (unsigned key = 0; key < watches_.size(); ++key)
            unwatch(key);
        if (event_pending_ != 0)
            bell_.strike_requests();
        try {
            internal_pending_ += alarm_.take_back(ring_);
            while (internal_pending_ != 0 && !ring_.is_starved()) {
                op_queue none;
                ring_.submit_and_wait(never);
                reap(none);
            }
        } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): also without memory for the message
            // The kernel does not let us into the ring any more: what is left ends with it.
        }
    }

    bool drain(op_queue& done) noexcept override {
        if (!refused_)
            try {
                wait(done, never);
                if (!ring_.is_starved()) [[likely]]
                    return true;
                give_up();
            } catch (const std::exception&) {
                give_up();
            }
        const std::size_t before = pending_;
        reap(done);
        if (pending_ != before)
            return true;
        ring_.rest(1'000'000);
        if (monotonic_now() < refused_until_)
            return true;
        ring_.abandon(); // the kernel cancels by itself what waits for something, a moment later
        for (int i = 0; i < 20; ++i)
            ring_.rest(1'000'000);
        return false;
    }

    void abandon_after_fork() override {
        ring_.abandon();
        pool_.abandon(); // where this is no child, their memory is to be had back
        while (done_here_.pop()) {
        }
        pending_ = internal_pending_ = event_pending_ = 0;
        event_armed_ = false;
        alarm_.forget();
        watches_.clear();
        kept_cancels_.clear();
    }

private:
    bool starts_over() noexcept override {
        op_queue none; // wakes that came late
        reap(none);
        const bool rests = (pending_ | internal_pending_ | event_pending_) == 0 && none.empty() && !refused_;
        if (!rests || !kept_cancels_.empty() || !bell_.sends_messages() || !ring_.starts_over())
            return false;
        alarm_.forget();
        last_driver_ = 0;
        several_submitters_ = false;
        return true;
    }
    bool has_its_number() noexcept override { return ring_.has_its_number(); }
    bool answers() noexcept override { return ring_.answers(); }

    void arm_bell() {
        if (event_armed_ || !bell_.needs_request())
            return;
        if (event_pending_ != 0) { // that of a thread which has left: they must not pile up
            io_uring_sqe& sqe = ring_.next_sqe();
            sqe.opcode = IORING_OP_ASYNC_CANCEL;
            sqe.fd = -1;
            sqe.addr = event_tag();
            sqe.user_data = tag(internal::cancelled);
            ++internal_pending_;
        }
        io_uring_sqe& sqe = ring_.next_sqe();
        bell_.prepare(sqe);
        ++event_number_;
        sqe.user_data = event_tag();
        event_armed_ = true;
        ++event_pending_;
        ++internal_pending_;
    }

    /// Whether it is a system call that may block, and no entry of the ring.
    static bool goes_to_pool(const io_operation& op) noexcept {
        if (op.awaits_readiness() || op.request().kind == request_kind::connect)
            return false;
        return op.is_for_system_call() || needs_system_call(op.request());
    }

    void start_call(io_operation& op) {
        if (op.request().kind != request_kind::connect) {
            pool_.start(op);
            return;
        }
        op.set_result(carry_out(op)); // at once or never
        done_here_.push(op);
    }

    void submit_any(io_operation& op) {
        const short_request& r = op.request();
        const bool polls = op.awaits_readiness();
        // A close comes after what names its number, wherever that is.
        if (!polls && (op.is_for_system_call() || needs_system_call(r) ||
                       (r.kind == request_kind::close && pool_.pending() != 0))) [[unlikely]] {
            start_call(op);
            return;
        }
        io_uring_sqe* const free = free_entry();
        if (!free) { // the kernel's answer to all that is queued is the answer to this one
            op.set_result(-refusal_);
            done_here_.push(op);
            return;
        }
        io_uring_sqe& sqe = *free;
        sqe.user_data = reinterpret_cast<std::uint64_t>(&op);
        if (polls || r.kind == request_kind::poll) {
            if (const int instead = op.stand_in(); instead >= 0)
                prepare_poll(sqe, instead, POLLIN);
            else
                prepare_poll(sqe, r, op.readiness_events());
            return;
        }
        prepare(sqe, op);
        if (r.kind == request_kind::accept_now && !probe().accept_dont_wait)
            cancel(op); // taken by the kernel in the same breath: by then there was a connection, or there is
                        // none
    }

    bool try_cancel(const io_operation& target) noexcept {
        io_uring_sqe* const sqe = free_entry();
        if (!sqe) // run() will say so
            return false;
        sqe->opcode = IORING_OP_ASYNC_CANCEL;
        sqe->fd = -1;
        sqe->addr = reinterpret_cast<std::uint64_t>(&target);
        sqe->user_data = tag(internal::cancelled);
        ++internal_pending_;
        return true;
    }
    void send_kept_cancels() noexcept {
        if (!kept_cancels_.empty()) [[unlikely]]
            try_kept_cancels();
    }
    [[gnu::cold]] void try_kept_cancels() noexcept {
        kept_cancels_.send([this](const io_operation& target) { return try_cancel(target); });
    }

    /// Null when the queue is full and the kernel refuses to take anything: refusal_ says why.
    io_uring_sqe* free_entry() noexcept {
        try {
            return &ring_.next_sqe();
        } catch (const engine_error& e) {
            refusal_ = e.error();
        } catch (const std::bad_alloc&) {
            refusal_ = ENOMEM; // not even for the message
        }
        return nullptr;
    }

    /// What can be done at the end without entering the ring.
    void give_up() noexcept {
        refused_ = true;
        withdraw();
        end_all_requests(ring_.fd());
        refused_until_ = monotonic_now() + patience_without_calls;
    }

    /// What the kernel has not seen, and will not, has ended.
    void withdraw() noexcept {
        ring_.withdraw_unsubmitted([this](std::uint64_t data) {
            if ((data & 1) == 0) {
                auto& op = *reinterpret_cast<io_operation*>(data);
                op.set_result(-ECANCELED);
                done_here_.push(op);
            } else {
                on_internal(data, -ECANCELED);
            }
        });
    }

    std::uint64_t event_tag() const noexcept { return tag(internal::event, event_number_); }

    std::uint64_t watch_tag(unsigned key) const noexcept {
        return tag(internal::watch, key | std::uint64_t{watches_[key]} << 16);
    }

    // In its callers, as poll() would be if kept cancellations were no part of it: each turn goes through here.
    [[gnu::always_inline]] void submit_and_reap(op_queue& done) {
        if (ring_.unsubmitted() != 0 || ring_.kernel_has_work())
            ring_.submit(true);
        reap(done);
    }

    void reap(op_queue& done) {
        const std::uint32_t before = done.size();
        done.splice(done_here_);
        pool_.collect(done);
        ring_.for_each_completion([&](std::uint64_t data, int result, unsigned flags) {
            if ((data & 1) == 0) [[likely]] {
                auto& op = *reinterpret_cast<io_operation*>(data);
                op.set_result(result);
                if ((flags & more_in_socket) != 0) [[unlikely]]
                    op.note_more_connections();
                done.push(op);
            } else {
                on_internal(data, result);
            }
        });
        pending_ -= done.size() - before;
        if (!kept_cancels_.empty()) [[unlikely]]
            kept_cancels_.forget(done);
        tell_of_kernel_writes(done);
    }

    void on_internal(std::uint64_t data, int result) noexcept {
        switch (static_cast<internal>(data & 0xff)) {
        case internal::wake: // nothing of ours was pending for it
            return;
        case internal::cancelled:
            break;
        case internal::watch:
            if (const unsigned key = data >> 8 & 0xffff; data == watch_tag(key))
                watches_[key] = 0;
            break;
        case internal::alarm:
            alarm_.fired(data);
            break;
        case internal::event:
            --event_pending_;
            if (data == event_tag())
                event_armed_ = false;
            bell_.heard(result);
            break;
        }
        --internal_pending_;
    }

    ring ring_;
    doorbell bell_;
    op_queue done_here_; // requests that were over at submission
    pool_queue pool_;    // what this kernel has no opcode, or no thread, for
    std::size_t pending_ = 0;
    std::size_t internal_pending_ = 0;
    std::size_t event_pending_ = 0;
    int refusal_ = 0; // an errno
    std::uint32_t event_number_ = 0;
    bool event_armed_ = false; // the request numbered so is of the thread that drives the ring, and waits
    bool refused_ = false;     // the kernel does not let us into the ring any more
    nanoseconds_t refused_until_ = 0;
    alarm alarm_;
    bool several_submitters_ = false;
    std::uint64_t last_driver_ = 0; // a number: addresses of threads come again
    std::uint64_t bound_to_ = 0;    // the only thread that may use a deferred ring; 0: any
    // By key, the number of the watch that is armed; 0: none. A number is not used twice in a row, so that
    // the end of a watch that was taken back is not taken for that of its successor.
    std::vector<std::uint32_t> watches_;
    kept_cancels kept_cancels_;
    std::uint32_t last_watch_ = 0;
};

} // namespace

std::unique_ptr<backend> make_backend(const engine_options& options) {
    if (auto kept = lasting_backend::take(options))
        return kept;
    return std::make_unique<uring_backend>(options);
}

} // namespace aura::core::uring

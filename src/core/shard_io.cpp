// shard: a request's way to the backend and back, and the gates of storage devices it passes.
#include "auraio/core/device_gate.hpp"
#include "auraio/core/engine.hpp"
#include "auraio/core/numbered_files.hpp"
#include "auraio/core/storage_user.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <unistd.h>

namespace aura::core {

namespace {

/// A request of ours that the kernel cancelled by itself, because the thread that submitted it ended, is
/// submitted again; one that keeps failing so has another cause, which its owner should see.
constexpr std::uint8_t resubmission_limit = 16;

} // namespace

// ---- I/O ----

// From start to submission everything is one function where nothing is in the way: an operation goes through
// here for every 4 KiB that are read.

void shard::submit(io_operation& op) {
    op.in_backend_ = true;
    ++io_pending_;
    count_submission(op);
    // Relaxed: whoever reads it from afar orders itself by another; see descriptor::is_submitted().
    op.target_->queued_after_.store(counters_.enters.load(std::memory_order_relaxed),
                                    std::memory_order_relaxed);
    hand_over(op);
    if (++queued_ >= owner_.batch_threshold()) [[unlikely]]
        flush();
}

void shard::hand_over(io_operation& op) {
    if ((op.request_.registered & registered_file) != 0) [[unlikely]]
        owner_.registered().verify_file(*this, op.request_, !op.target_->loose_);
    backend_->submit(op);
}

/// Of a transfer that names its file by number; sees to it that the file does not hold this thread.
[[gnu::always_inline]] inline gated_file* shard::find_storage(io_request& r) {
    if (!numbered_) [[unlikely]] {
        numbered_.reset(new (std::nothrow) numbered_files(*loose_));
        if (!numbered_)
            return nullptr; // it goes without
    }
    int number = r.fd;
    if ((r.registered & registered_file) != 0) [[unlikely]]
        number = owner_.registered().file_at(static_cast<std::size_t>(r.fd));
    const auto [file, elsewhere] = numbered_->find(number, turn_began_ != never ? turn_began_ : coarse_now());
    if (elsewhere) [[unlikely]]
        r.flags |= in_worker;
    return file;
}

/// As submit(), unless the operation has to wait for its device first.
[[gnu::always_inline]] inline void shard::issue(io_operation& op) {
    gated_file* storage = op.target_->storage_;
    if (!storage && op.target_->loose_ && transfers_file_data(op.request_.kind))
        storage = find_storage(op.request_);
    if (!storage || storage->admits(op)) [[likely]]
        submit(op);
}

void shard::begin(io_operation& op) {
    descriptor& d = op.target();
    if (op.cancel_requested_ || op.sequence_ < d.cancelled_before_ || shutting_down_) [[unlikely]] {
        if (op.request_.kind == request_kind::close && !op.cancel_requested_) {
            // A close always closes, also now that nothing is given to the kernel any more.
            end_before_start(op, ::close(op.request_.fd) == 0 ? 0 : -errno);
            return;
        }
        op.cancel_requested_ = true;
        end_before_start(op, -ECANCELED);
        return;
    }
    if (op.request_.registered != 0 && refuses(op)) [[unlikely]]
        return;
    d.link(op);
    if (d.waits_in_lane(op))
        return;
    if (op.request_.kind == request_kind::accept_now || op.request_.kind == request_kind::poll)
        d.prepare_to_listen(op);
    issue(op);
}

void shard::end_before_start(io_operation& op, int result) {
    op.result_ = result;
    op.detach();
    ready_.push(op);
    if (op.holds_target_)
        op.target().link(op);
    else
        op.target().free_if_unused();
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
    end_before_start(op, error);
    return true;
}

/// The same for an operation whose lane has come free.
void shard::issue_from_lane(io_operation& op) {
    if (op.request_.kind == request_kind::accept_now)
        op.target_->prepare_to_listen(op);
    issue(op);
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
        // What is known is the result of the poll, or that there is something to wait for.
        if (was_ready || (op.result_ == -EAGAIN && op.readiness_events() != 0))
            op.result_ = -ECANCELED;
        return false;
    }
    if (was_ready && op.result_ >= 0) {
        hand_over(op);
        return true;
    }
    if (op.request_.kind == request_kind::accept_now) {
        if (!op.target_->goes_on_listening(op))
            return false;
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
    if (op.result_ == -EINTR && op.request_.kind == request_kind::close)
        return false; // it has happened, and the number may be somebody else's by now
    if (op.resubmissions_ == resubmission_limit)
        return false;
    ++op.resubmissions_;
    // A connect under way would be refused with EALREADY; once the socket is writable it gets the outcome.
    op.awaits_readiness_ = op.request_.kind == request_kind::connect;
    hand_over(op);
    return true;
}

// ---- storage devices ----

device_gate* shard::gate_for(storage_device& device) noexcept {
    for (const auto& gate : gates_)
        if (&gate->device() == &device)
            return gate.get();
    try {
        gates_.reserve(gates_.size() + 1);
        auto gate = std::make_unique<device_gate>(*this, device);
        owner_.storage().attach(*gate);
        gates_.push_back(std::move(gate));
        return gates_.back().get();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
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

} // namespace aura::core

// shard: a request's way to the backend and back, and the gates of storage devices it passes.
#include "auraio/core/io/file_system.hpp"
#include "auraio/core/io/request_table.hpp"
#include "auraio/core/io/socket_calls.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/base/thread_ends.hpp"
#include "core/io/numbered_listeners.hpp"
#include "core/io/readiness_aid.hpp"
#include "core/storage/device_gate.hpp"
#include "core/storage/numbered_files.hpp"
#include "core/storage/storage_user.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

// ---- I/O ----

// From start to submission everything is one function where nothing is in the way: an operation goes through
// here for every 4 KiB that are read.

void shard::submit(io_operation& op) {
    op.in_backend_ = true;
    ++io_pending_;
    count_submission(op);
    note_queued(op);
    hand_over(op);
    if (++queued_ >= owner_.batch_threshold()) [[unlikely]]
        flush_if_possible();
}

inline void shard::note_queued(io_operation& op) noexcept {
    // Relaxed: whoever reads it from afar orders itself by another; see descriptor::is_submitted().
    op.target_->queued_after_.store(counters_.enters.load(std::memory_order_relaxed),
                                    std::memory_order_relaxed);
}

void shard::hand_over(io_operation& op) {
    if ((op.request_.registered & registered_file) != 0) [[unlikely]]
        owner_.registered().verify_file(*this, {op.request_, op.own_extension()}, !op.target_->loose_);
    backend_->submit(op);
}

/// Of a transfer that names its file by number; sees to it that the file does not hold this thread.
[[gnu::always_inline]] inline gated_file* shard::find_storage(short_request& r) {
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
    if (op.cancel_requested_ || d.lanes_.was_cancelled(op.sequence()) || shutting_down_) [[unlikely]] {
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
    if (may_start_otherwise(op.request_.kind)) [[unlikely]] {
        if (!start_otherwise(op))
            return;
    }
    issue(op);
}

/// Who waits for connections does so by what stands for the listening socket. A poll of the user's has even
/// its success looked at. Some receives are waited for before they are tried. False: it is not to be issued
/// now, or is gone.
inline bool shard::start_otherwise(io_operation& op) {
    using way = io_operation::way;
    short_request& r = op.request_;
    switch (r.kind) {
    case request_kind::poll:
        op.way_ |= way::examined;
        [[fallthrough]];
    case request_kind::accept_now:
        if (op.target_->loose_ && !accepts_by_number(op))
            return false;
        op.target_->prepare_to_listen(op);
        break;
    case request_kind::close:
        return closes_here(op);
    default:
        if (waits_first(r.kind, r.flags)) {
            op.way_ |= way::polls;
            r.flags |= MSG_DONTWAIT; // the kernel would wait for other events than readiness_events()
        }
        break;
    }
    return true;
}

/// An accept that names its socket by number moves to what stands for that one here, with a lane and a set.
bool shard::accepts_by_number(io_operation& op) {
    if (!listeners_)
        listeners_.reset(new (std::nothrow) numbered_listeners(*this));
    descriptor* const listener = listeners_ ? listeners_->find(op.request_.fd) : nullptr;
    op.target_->unlink(op);
    if (!listener) {
        end_before_start(op, -ENOMEM);
        return false;
    }
    op.target_ = listener;
    op.sequence_ = 0;
    listener->link(op);
    return !listener->waits_in_lane(op);
}

/// Before a number is closed no shard may have an accept that names it. The operation goes round those that
/// have accepted from it, and comes back to the one that it was started on: came_from says which.
bool shard::closes_here(io_operation& op) {
    short_request& r = op.request_;
    const bool at_home = r.came_from == 0 || r.came_from == index_ + 1;
    if (!owner_.listeners().may_have(r.fd) && at_home) [[likely]]
        return true;
    if (r.came_from == 0) { // once through the inbox: behind accepts that are in there
        r.came_from = index_ + 1;
        op.target_->unlink(op);
        op.set_message(true);
        send(op);
        return false;
    }
    if (listeners_)
        listeners_->retire(r.fd);
    owner_.listeners().remove(r.fd, index_); // also where an accept was sent and came to nothing
    const int another = owner_.listeners().find(r.fd);
    const auto next = another >= 0 ? static_cast<unsigned>(another) : r.came_from - 1;
    if (next == index_)
        return true;
    op.target_->unlink(op);
    if (!flush_completely()) { // the kernel has no memory to look at the queue: in the next turn
        op.set_message(true);
        send(op);
        return false;
    }
    if (!op.counts_remotely()) {
        op.set_counts_remotely(true);
        owner_.work_started();
        finished_here();
    }
    // Through the inbox also where this thread drives the other one, too: behind accepts that are in there.
    shard& there = owner_.shard_at(next);
    op.target_ = &there.loose();
    op.set_message(true);
    there.send(op);
    return false;
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
    short_request& r = op.request_;
    const auto admit = [&] {
        std::uint8_t held = op.registered_held_;
        const int error = owner_.registered().admit(*this, {r, op.own_extension()}, held);
        op.registered_held_ = held & 3;
        return error;
    };
    int error = admit();
    if (error != 0 && (r.registered & registered_file) != 0 && !op.target().loose_) {
        r.fd = op.extension().number; // a file object has its number, too
        r.registered &= static_cast<std::uint8_t>(~registered_file);
        error = admit();
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
        if ((op.result_ <= 0 || op.way_ != 0) && goes_on(op)) [[unlikely]]
            continue;
        descriptor& d = op.target();
        if (op.internal_) [[unlikely]] {
            finish_internal(op);
            continue;
        }
        if (&op == sampled_) [[unlikely]]
            end_sample(op);
        device_gate* gate = nullptr;
        if (op.at_gate_ == io_operation::gate_place::inside) {
            gate = &op.line()->gate();
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

void shard::finish_internal(io_operation& op) {
    op.in_backend_ = false;
    --io_pending_;
    descriptor& d = op.target();
    op.complete(); // may submit it again
    if (!op.in_backend_)
        d.unlink(op);
}

/// What is known of a request that has a result.
request_facts shard::facts_of(const io_operation& op) const noexcept {
    using way = io_operation::way;
    const descriptor& d = op.target();
    const short_request& r = op.request_;
    request_facts f;
    f.kind = r.kind;
    f.flags = r.flags;
    f.result = op.result_;
    f.internal = op.internal_;
    f.cancel_asked = op.cancel_requested_;
    f.closed = d.forgotten_ || d.disturbed_.load(std::memory_order_acquire);
    f.stood_in = (op.way_ & way::polls) != 0;
    f.was_ready = (op.way_ & way::ready) != 0;
    f.repeated = (op.way_ & way::repeated) != 0;
    f.begun = r.kind == request_kind::connect && (op.way_ & way::examined) != 0;
    f.reports_aborted = r.kind == request_kind::accept_now && (r.flags & reports_aborted) != 0;
    f.apart = transfers_file_data(r.kind) && (r.flags & in_worker) != 0;
    if (f.stood_in && f.result >= 0) {
        if ((op.way_ & way::change) != 0)
            f.result = static_cast<int>(take_change(op.aid_));
        else if ((op.way_ & way::time) != 0)
            f.result = static_cast<int>(op.readiness_events());
    }
    if (f.result == -ECANCELED || f.result == -EINTR)
        f.submitter_ended = !backend_->is_only_submitter() &&
                            ended_submitters() != (f.repeated ? op.ended_ : ended_at_start_);
    if (asks_socket_error(f) && comes_about_later(r.fd, r.flags))
        f.socket_error = take_socket_error(r.fd);
    if (asks_file_nature(f))
        f.file = nature_of(number_of(r));
    // Another thread may have closed it meanwhile: then the inert descriptor in its place was asked. Acquire: it is
    // marked before its file is replaced.
    if (d.disturbed_.load(std::memory_order_acquire) && !f.closed) {
        f.closed = true;
        f.socket_error = 0;
    }
    return f;
}

/// The number of the file it is about; -1: unknown.
int shard::number_of(const short_request& r) const noexcept {
    if ((r.registered & registered_file) == 0)
        return r.fd;
    return owner_.registered().file_at(static_cast<std::size_t>(r.fd));
}

/// Whether the request is not at its end yet: then it has been submitted again, or something in its place.
bool shard::goes_on(io_operation& op) {
    const request_outcome o = outcome_of(facts_of(op));
    const int error = o.step == next_step::complete ? 0 : prepare_next(op, o.step);
    if (o.step != next_step::complete && error == 0) {
        note_queued(op);
        hand_over(op);
        return true;
    }
    if (o.step == next_step::complete)
        op.result_ = o.result;
    else if (error != -EPERM || op.result_ >= 0 || op.request_.kind == request_kind::accept_now)
        op.result_ = error; // else EPERM: what cannot be polled keeps its EAGAIN
    op.release_aid();
    return false;
}

/// 0 or a negated errno, with which it ends.
int shard::prepare_next(io_operation& op, next_step step) {
    using way = io_operation::way;
    short_request& r = op.request_;
    const bool waited = (op.way_ & way::polls) != 0;
    op.way_ &= static_cast<std::uint8_t>(~way::polls);
    switch (step) {
    case next_step::complete:
        break;
    case next_step::submit:
        if (waited) {
            op.way_ |= way::ready;
        } else {
            op.way_ |= way::repeated;
            op.ended_ = ended_before_this_thread();
        }
        return 0;
    case next_step::wait_for_readiness:
        if (r.kind == request_kind::connect)
            op.way_ |= way::examined; // begun
        if (r.kind == request_kind::accept_now && (op.target_->by_number_ || backend_->holds_files())) {
            // EMFILE and its like, as an accept says it; the next one in line learns for itself.
            if (const int set = op.target_->watch_listener(); set < 0)
                return set;
        }
        [[fallthrough]];
    case next_step::wait_again:
        op.way_ |= way::polls;
        return 0;
    case next_step::wait_for_change:
        // By its number a registered file may be another by now: an ordinary poll does it, less well.
        if ((r.registered & registered_file) != 0) {
            op.way_ |= way::polls;
            return 0;
        }
        if ((op.way_ & way::change) == 0) {
            op.release_aid();
            op.aid_ = watch_for_change(r.fd, op.readiness_events());
            if (op.aid_ < 0)
                return std::exchange(op.aid_, -1);
            op.way_ |= way::change;
        }
        op.way_ |= way::polls;
        return 0;
    case next_step::wait_a_while: {
        const bool again = (op.way_ & way::time) != 0;
        if (!again)
            op.release_aid();
        const int aid = wait_a_while(again ? op.aid_ : -1);
        if (aid < 0)
            return aid;
        op.aid_ = aid;
        op.way_ |= way::polls | way::time;
        return 0;
    }
    case next_step::submit_apart:
        r.flags |= in_worker;
        return 0;
    case next_step::submit_call:
        return prepare_call(op);
    }
    return 0;
}

/// A system call takes numbers only; that of a registered file may be another file's by now, unless the file
/// object holds it.
int shard::prepare_call(io_operation& op) noexcept {
    short_request& r = op.request_;
    if ((r.registered & registered_file) != 0) {
        if (op.target_->loose_)
            return -EAGAIN;
        r.fd = op.target_->fd_;
        r.registered &= static_cast<std::uint8_t>(~registered_file);
    }
    op.way_ |= io_operation::way::call;
    return 0;
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

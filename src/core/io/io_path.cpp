// io_path: from a start to the backend, and from its result to the ready list.
#include "auraio/core/io/io_path.hpp"

#include "auraio/core/io/request_table.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/base/canary.hpp"
#include "core/base/probe.hpp"
#include "core/base/thread_ends.hpp"
#include "core/io/numbered_listeners.hpp"
#include "core/storage/device_gate.hpp"
#include "core/storage/numbered_files.hpp"

#include <cerrno>
#include <new>
#include <sys/socket.h>
#include <unistd.h>

namespace aura::core {

io_path::io_path(shard& home)
    : home_(home)
    , loose_(descriptor::create_loose(home)) {}

io_path::~io_path() {
    leave_devices();
    listeners_.reset(); // its descriptors look at this path
    delete loose_;
}

void io_path::attach_thread() noexcept {
    if (pending_ == 0)
        ended_at_start_ = ended_before_this_thread();
}

// ---- to the backend ----

// From start to submission everything is one function where nothing is in the way: an operation goes through
// here for every 4 KiB that are read.

inline void io_path::count_submission(const io_operation& op) noexcept {
    ring_counters::bump(home_.counters().submitted);
    if (--until_sample_ == 0) [[unlikely]]
        begin_sample(op);
}

inline void io_path::note_queued(io_operation& op) noexcept {
    // Relaxed: whoever reads it from afar orders itself by another; see descriptor::is_submitted().
    op.target_->queued_after_.store(home_.counters().enters.load(std::memory_order_relaxed),
                                    std::memory_order_relaxed);
}

void io_path::submit(io_operation& op) {
    op.in_backend_ = true;
    ++pending_;
    count_submission(op);
    AURAIO_PROBE4(request__start, &op, static_cast<int>(op.request_.kind), op.request_.fd, home_.index());
    note_queued(op);
    hand_over(op);
    if (++queued_ >= home_.owner().batch_threshold()) [[unlikely]]
        home_.flush_if_possible();
}

void io_path::begin_internal(io_operation& op) {
    if (!op.linked_)
        link(*op.target_, op);
    op.cancel_requested_ = false;
    op.way_ = 0;
    op.in_backend_ = true;
    ++pending_;
    count_submission(op);
    home_.io().submit(op);
}

/// Of one that the backend had, and whose result was not its end.
void io_path::hand_over_again(io_operation& op) {
    note_queued(op);
    hand_over(op);
}

void io_path::hand_over(io_operation& op) {
    if ((op.request_.registered & registered_file) != 0) [[unlikely]]
        home_.owner().registered().verify_file(home_, {op.request_, op.own_extension()},
                                               !op.target_->loose_ ||
                                                   (op.request_.registered & found_file) != 0);
    home_.io().submit(op);
}

/// Of a transfer that names its file by number; sees to it that the file does not hold this thread.
[[gnu::always_inline]] inline gated_file* io_path::find_storage(short_request& r) {
    if (!numbered_) [[unlikely]] {
        numbered_.reset(new (std::nothrow) numbered_files(*loose_));
        if (!numbered_)
            return nullptr; // it goes without
    }
    int number = r.fd;
    if ((r.registered & registered_file) != 0) [[unlikely]]
        number = home_.owner().registered().file_at(static_cast<std::size_t>(r.fd));
    const auto [file, elsewhere] =
        numbered_->find(number, home_.turn_began() != never ? home_.turn_began() : coarse_now());
    if (elsewhere) [[unlikely]]
        r.flags |= in_worker;
    return file;
}

/// As submit(), unless the operation has to wait for its device first.
[[gnu::always_inline]] inline void io_path::issue(io_operation& op) {
    gated_file* storage = op.target_->storage_;
    if (!storage && op.target_->loose_ && transfers_file_data(op.request_.kind))
        storage = find_storage(op.request_);
    if (!storage || storage->admits(op)) [[likely]]
        submit(op);
}

AURAIO_NO_CANARY void io_path::begin(io_operation& op) {
    descriptor& d = op.target();
    if (op.cancel_requested_ || d.lanes_.was_cancelled(op.sequence()) || home_.shutting_down()) [[unlikely]] {
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
    link(d, op);
    op.aid_ = home_.stamp();
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
inline bool io_path::start_otherwise(io_operation& op) {
    using way = io_operation::way;
    short_request& r = op.request_;
    switch (r.kind) {
    case request_kind::poll:
        op.way_ |= way::examined;
        if (!op.target_->loose_) // else it is the number's file that is polled
            op.target_->prepare_to_listen(op);
        break;
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
bool io_path::accepts_by_number(io_operation& op) {
    if (!listeners_)
        listeners_.reset(new (std::nothrow) numbered_listeners(home_));
    descriptor* const listener = listeners_ ? listeners_->find(op.request_.fd) : nullptr;
    unlink(*op.target_, op);
    if (!listener) {
        end_before_start(op, -ENOMEM);
        return false;
    }
    op.target_ = listener;
    op.sequence_ = 0;
    link(*listener, op);
    return !listener->waits_in_lane(op);
}

/// Before a number is closed no shard may have an accept that names it. The operation goes round those that
/// have accepted from it, and comes back to the one that it was started on: came_from says which.
bool io_path::closes_here(io_operation& op) {
    short_request& r = op.request_;
    const bool at_home = r.came_from == 0 || r.came_from == home_.index() + 1;
    if (!home_.owner().listeners().may_have(r.fd) && at_home) [[likely]]
        return true;
    if (r.came_from == 0) { // once through the inbox: behind accepts that are in there
        r.came_from = home_.index() + 1;
        unlink(*op.target_, op);
        op.set_message(true);
        home_.send(op);
        return false;
    }
    if (listeners_)
        listeners_->retire(r.fd);
    home_.owner().listeners().remove(r.fd,
                                     home_.index()); // also where an accept was sent and came to nothing
    const int another = home_.owner().listeners().find(r.fd);
    const auto next = another >= 0 ? static_cast<unsigned>(another) : r.came_from - 1;
    if (next == home_.index())
        return true;
    unlink(*op.target_, op);
    if (!home_.flush_completely()) { // the kernel has no memory to look at the queue: in the next turn
        op.set_message(true);
        home_.send(op);
        return false;
    }
    if (!op.counts_remotely()) {
        op.set_counts_remotely(true);
        home_.owner().work_started();
        home_.finished_here();
    }
    // Through the inbox also where this thread drives the other one, too: behind accepts that are in there.
    shard& there = home_.owner().shard_at(next);
    op.target_ = &there.loose();
    op.set_message(true);
    there.send(op);
    return false;
}

void io_path::end_before_start(io_operation& op, int result) {
    op.result_ = result;
    op.detach();
    home_.make_ready_here(op);
    if (op.holds_target_)
        link(op.target(), op);
    else
        op.target().free_if_unused();
}

/// Whether an operation on something registered was started too late, or cannot have it: it has ended then.
bool io_path::refuses(io_operation& op) {
    short_request& r = op.request_;
    const auto admit = [&] {
        std::uint8_t held = op.registered_held_;
        const int error = home_.owner().registered().admit(home_, {r, op.own_extension()}, held);
        op.registered_held_ = held & 3;
        return error;
    };
    int error = admit();
    if (error != 0 && (r.registered & registered_file) != 0 &&
        (!op.target().loose_ || (r.registered & found_file) != 0)) {
        r.fd = op.extension().number; // a file object has its number, too, and so has what was found by it
        r.registered &= static_cast<std::uint8_t>(~registered_file);
        error = admit();
    }
    if (error != 0 && (r.registered & found_buffer) != 0) {
        r.registered = 0; // it is memory like any other
        error = 0;
    }
    if (error == 0)
        return false;
    end_before_start(op, error);
    return true;
}

bool io_path::keeps_out(const descriptor& d, const io_operation& op) const noexcept {
    return begins_at_once_ && begins_at_once_ != &d && !row_of(op.request_.kind).shows_outside &&
           !d.disturbed_.load(std::memory_order_relaxed);
}

void io_path::arrive(io_operation& op) {
    descriptor& d = *op.target_;
    if (keeps_out(d, op)) [[unlikely]] {
        home_.send(op); // back to where it came from, in its order: it begins with run()
        return;
    }
    op.set_message(false);
    if (d.disturbed_.load(std::memory_order_acquire))
        op.cancel_requested_ = true; // its descriptor is closed
    begin(op);
    // After it has been queued, if it has, with release: see descriptor::is_submitted(). Only this side
    // writes it.
    d.arrived_from_afar_.store(d.arrived_from_afar_.load(std::memory_order_relaxed) + 1,
                               std::memory_order_release);
    d.free_if_unused();
}

// ---- one descriptor's operations ----

void io_path::begin_list(descriptor& d) noexcept {
    d.previous_active_ = nullptr;
    d.next_active_ = active_;
    if (active_)
        active_->previous_active_ = &d;
    active_ = &d;
}

void io_path::end_list(descriptor& d) noexcept {
    (d.previous_active_ ? d.previous_active_->next_active_ : active_) = d.next_active_;
    if (d.next_active_)
        d.next_active_->previous_active_ = d.previous_active_;
    d.free_if_unused();
}

/// `finished` has ended in the backend and is still linked: the next of its lane, if any, is submitted.
inline void io_path::lane_advances(descriptor& d, io_operation& finished) {
    const request_lane which = d.lane_of(finished);
    if (d.lanes_.leave(which)) [[unlikely]]
        submit_next_of(d, which, finished);
}

void io_path::submit_next_of(descriptor& d, request_lane which, io_operation& finished) {
    const auto lane_of_one = [](const ordered_operation& op) {
        return static_cast<const io_operation&>(op).which_lane();
    };
    auto& op = static_cast<io_operation&>(d.lanes_.next_in(which, finished, lane_of_one));
    if (d.is_disturbed()) { // closed: nothing must reach what its number means now
        cancel_before(d, ~std::uint64_t{0});
        return;
    }
    operation_lanes::take_turn(op);
    if (op.request_.kind == request_kind::accept_now)
        op.target_->prepare_to_listen(op);
    issue(op);
}

void io_path::cancel_before(descriptor& d, std::uint64_t sequence) {
    // The greatest number means what is here, not what comes: a release that fails leaves the object usable.
    if (sequence != ~std::uint64_t{0})
        d.lanes_.cancel_before(sequence);
    for (io_operation *op = d.oldest(), *following; op; op = following) {
        following = op->following();
        // May end the last operation of a forgotten descriptor, which frees it: then nothing follows.
        if (op->sequence() < sequence)
            cancel(*op); // NOLINT(clang-analyzer-cplusplus.NewDelete)
    }
}

void io_path::cancel(io_operation& op) {
    if (op.cancel_requested_ || op.request_.kind == request_kind::close) // a close always closes
        return;
    op.cancel_requested_ = true;
    if (op.in_backend_) {
        home_.io().cancel(op);
        return;
    }
    descriptor& d = *op.target_;
    const bool at_gate = op.at_gate() == io_operation::gate_place::waiting; // the first of its lane
    if (operation_lanes::waits(op))
        d.lanes_.withdraw(op, op.which_lane());
    else if (at_gate)
        op.line()->withdraw(op);
    else
        return;
    op.result_ = -ECANCELED;
    op.detach();
    home_.make_ready_here(op);
    if (at_gate)
        lane_advances(d, op);
    if (!op.holds_target_)
        unlink(d, op);
}

void io_path::let_go(io_operation& op) {
    unlink(*op.target_, op);
}

// ---- and back ----

void io_path::finish(op_queue& done) {
    while (operation* base = done.pop()) {
        auto& op = static_cast<io_operation&>(*base);
        if ((op.result_ <= 0 || op.way_ != 0) && goes_on(op)) [[unlikely]]
            continue;
        descriptor& d = op.target();
        if (op.internal_) [[unlikely]] {
            finish_internal(op);
            continue;
        }
        AURAIO_PROBE4(request__done, &op, static_cast<int>(op.request_.kind), op.result_, home_.index());
        if (&op == sampled_) [[unlikely]]
            end_sample(op);
        device_gate* gate = nullptr;
        if (op.at_gate() == io_operation::gate_place::inside) {
            gate = &op.line()->gate();
            gate->complete(op);
        }
        op.in_backend_ = false;
        --pending_;
        op.detach();
        home_.make_ready_here(op);
        lane_advances(d, op);
        if (!op.holds_target_)
            unlink(d, op);
        if (gate)
            gate->drain();
    }
}

void io_path::finish_internal(io_operation& op) {
    op.in_backend_ = false;
    --pending_;
    descriptor& d = op.target();
    op.complete(); // may submit it again
    if (!op.in_backend_)
        unlink(d, op);
}

} // namespace aura::core

// io_path: a request that has a result: whether it is at its end, and what is submitted when it is not.
#include "auraio/core/io/io_path.hpp"

#include "auraio/core/io/file_system.hpp"
#include "auraio/core/io/socket_calls.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/base/thread_ends.hpp"
#include "core/io/readiness_aid.hpp"

#include <cerrno>
#include <utility>

namespace aura::core {

/// What is known of a request that has a result.
request_facts io_path::facts_of(const io_operation& op) const noexcept {
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
    f.called = op.is_for_system_call();
    f.apart = transfers_file_data(r.kind) && (f.called || (r.flags & in_worker) != 0);
    if (f.stood_in && f.result >= 0) {
        if ((op.way_ & way::change) != 0)
            f.result = static_cast<int>(take_change(op.aid_));
        else if ((op.way_ & way::time) != 0)
            f.result = static_cast<int>(op.readiness_events());
    }
    if (f.result == -ECANCELED || f.result == -EINTR)
        f.submitter_ended = !home_.io().is_only_submitter() &&
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
int io_path::number_of(const short_request& r) const noexcept {
    if ((r.registered & registered_file) == 0)
        return r.fd;
    return home_.owner().registered().file_at(static_cast<std::size_t>(r.fd));
}

/// Whether the request is not at its end yet: then it has been submitted again, or something in its place.
bool io_path::goes_on(io_operation& op) {
    const request_outcome o = outcome_of(facts_of(op));
    const int error = o.step == next_step::complete ? 0 : prepare_next(op, o.step);
    if (o.step != next_step::complete && error == 0) {
        hand_over_again(op);
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
int io_path::prepare_next(io_operation& op, next_step step) {
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
        if (r.kind == request_kind::accept_now && (op.target_->by_number_ || home_.io().holds_files())) {
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
int io_path::prepare_call(io_operation& op) noexcept {
    short_request& r = op.request_;
    if ((r.registered & registered_file) != 0) {
        if (op.target_->loose_ && (r.registered & found_file) == 0)
            return -EAGAIN;
        r.fd = op.target_->loose_ ? op.extension().number : op.target_->fd_;
        r.registered &= static_cast<std::uint8_t>(~registered_file);
    }
    op.way_ |= io_operation::way::call;
    return 0;
}

} // namespace aura::core

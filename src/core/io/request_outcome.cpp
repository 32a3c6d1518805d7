// request_outcome: one function for each reason why a result may not be the last word.
#include "auraio/core/io/request_outcome.hpp"

#include "auraio/core/io/request_table.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace aura::core {

static_assert(waits_first(request_kind::recv, MSG_OOB) && waits_first(request_kind::recvmsg, MSG_ERRQUEUE));

namespace {

constexpr request_outcome complete(int result) noexcept {
    return {next_step::complete, result};
}
constexpr request_outcome next(next_step step) noexcept {
    return {step, 0};
}

constexpr bool sends(request_kind kind) noexcept {
    const request_row& row = row_of(kind);
    return row.what == request_class::message && row.lane == request_lane::out;
}
constexpr bool receives(request_kind kind) noexcept {
    const request_row& row = row_of(kind);
    return row.what == request_class::message && row.lane == request_lane::in;
}

constexpr std::uint32_t always_reported = POLLERR | POLLHUP | POLLNVAL;

/// Of a poll's result, what poll(2) would have reported: io_uring wakes every poll for POLLRDHUP as well.
std::uint32_t asked_for(const request_facts& f) noexcept {
    const std::uint32_t asked = f.kind == request_kind::poll ? f.flags : readiness_events(f.kind, f.flags);
    return static_cast<std::uint32_t>(f.result) & (asked | always_reported);
}

/// Somebody has asked for its end: what was not achieved is not tried again. What was achieved first counts,
/// unless the descriptor was closed: a receive then sees the end of a connection that its owner has shut
/// down.
request_outcome of_given_up(const request_facts& f) noexcept {
    if (f.kind == request_kind::poll && f.result >= 0) {
        const std::uint32_t events = asked_for(f);
        return complete(events != 0 ? static_cast<int>(events) : -ECANCELED);
    }
    if (f.stood_in)
        return complete(-ECANCELED);
    if (f.closed && f.result <= 0 && (f.result < 0 || receives(f.kind) || f.kind == request_kind::connect))
        return complete(-ECANCELED);
    switch (-f.result) {
    case EAGAIN:
    case EINTR: // how a request ends that was running in a kernel worker
        return complete(-ECANCELED);
    default:
        break;
    }
    if (f.kind != request_kind::connect)
        return complete(f.result);
    if (f.result == 0 || (f.result == -EISCONN && f.begun))
        return complete(-f.socket_error);
    const bool under_way = f.result == -EINPROGRESS || (f.result == -EALREADY && f.begun);
    return complete(under_way ? -ECANCELED : f.result);
}

/// The result is that of the poll in the request's place.
request_outcome of_poll_in_place(const request_facts& f) noexcept {
    if (f.result == -ECANCELED || f.result == -EINTR) // nobody has asked for it
        return next(next_step::wait_again);
    if (f.result < 0)
        return complete(f.result);
    if (f.kind == request_kind::connect && f.socket_error != 0)
        return complete(-f.socket_error);
    const std::uint32_t events = asked_for(f);
    if (events == 0)
        return next(next_step::wait_for_change);
    return f.kind == request_kind::poll ? complete(static_cast<int>(events)) : next(next_step::submit);
}

/// Requests of the engine: readiness is waited for here, the rest is their makers' business.
request_outcome of_internal(const request_facts& f) noexcept {
    if (f.cancel_asked || f.closed)
        return complete(f.stood_in ? -ECANCELED : f.result);
    if (f.stood_in)
        return f.result < 0 ? complete(f.result) : of_poll_in_place(f);
    if (f.result == -EAGAIN && readiness_events(f.kind, f.flags) != 0)
        return next(f.was_ready ? next_step::wait_for_change : next_step::wait_for_readiness);
    return complete(f.result);
}

/// What the user waits for.
request_outcome of_wait(const request_facts& f) noexcept {
    if (f.result == -ECANCELED || f.result == -EINTR)
        return next(next_step::submit);
    if (f.result < 0)
        return complete(f.result);
    const std::uint32_t events = asked_for(f);
    return events != 0 ? complete(static_cast<int>(events)) : next(next_step::wait_for_change);
}

/// A connect is begun once: repeated, it tells how far it has come.
request_outcome of_connect(const request_facts& f) noexcept {
    switch (-f.result) {
    case 0:
        return complete(-f.socket_error);
    case EISCONN:
        return complete(f.begun ? -f.socket_error : f.result);
    case ECANCELED:
    case EINTR:
    case EINPROGRESS:
        return next(f.was_ready ? next_step::wait_for_change : next_step::wait_for_readiness);
    case EALREADY:
        if (!f.begun)
            return complete(f.result); // the user's second one
        return next(f.was_ready ? next_step::wait_for_change : next_step::wait_for_readiness);
    default: // EAGAIN: a full backlog of a UNIX socket, which nothing tells the end of
        return complete(f.result);
    }
}

/// What concerns one connection that came to nothing, or none, and not the listening socket: accept(2) lists
/// the errors.
request_outcome of_accept(const request_facts& f) noexcept {
    switch (-f.result) {
    case ECONNABORTED:
        return f.reports_aborted ? complete(f.result) : next(next_step::wait_for_readiness);
    case EINTR:
    case EAGAIN: // who asks for the same socket may be faster each time: the poll is not wrong
    case ECANCELED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return next(next_step::wait_for_readiness);
    default:
        return complete(f.result);
    }
}

/// EAGAIN.
request_outcome of_refusal(const request_facts& f) noexcept {
    if (readiness_events(f.kind, f.flags) == 0)
        return complete(f.result);
    if (!f.was_ready)
        return next(next_step::wait_for_readiness);
    // The poll has just said ready. For a send it spoke of the room in this socket, and what is missing is
    // elsewhere: in the queue of a receiver that it is not connected to, in the system's memory.
    if (sends(f.kind))
        return next(next_step::wait_a_while);
    // Storage is always ready. On an O_NONBLOCK description the kernel refuses what would have to be read
    // first; a thread that may block has the answer of the file itself.
    if (f.file == file_nature::storage)
        return f.apart ? complete(f.result) : next(next_step::submit_apart);
    return next(next_step::wait_for_change); // somebody else was faster
}

/// ECANCELED or EINTR that nobody has asked for.
request_outcome of_interruption(const request_facts& f) noexcept {
    if (f.result == -EINTR && f.kind == request_kind::close)
        return complete(f.result);          // it has happened, and the number may be somebody else's by now
    if (f.result == -ECANCELED && f.called) // a file server's: nothing else cancels a call
        return complete(f.result);
    // The thread that submitted it has ended: the kernel cancels a part of what it had.
    if (f.submitter_ended)
        return next(next_step::submit);
    // Once more for a thread of the kernel that was interrupted; one that is interrupted each time answers so
    // for the file (POSIX read(2) would say EINTR).
    if (f.result == -EINTR)
        return f.repeated ? complete(f.result) : next(next_step::submit);
    if (row_of(f.kind).what == request_class::metadata)
        return next(next_step::submit_call); // the kernel may start no thread for it
    if (transfers_file_data(f.kind)) {
        if (f.file == file_nature::storage)
            return next(next_step::submit_call);
        if (f.file != file_nature::waitable)
            return complete(f.result); // a timerfd, when the clock is set
    }
    if (readiness_events(f.kind, f.flags) == 0)
        return complete(f.result);
    // Cancelled with another descriptor of the same open file, or for want of a thread: a poll needs none.
    return f.was_ready ? complete(-EAGAIN) : next(next_step::wait_for_readiness);
}

} // namespace

request_outcome outcome_of(const request_facts& f) noexcept {
    if (f.internal)
        return of_internal(f);
    if (f.cancel_asked || f.closed)
        return of_given_up(f);
    if (f.stood_in)
        return of_poll_in_place(f);
    if (f.kind == request_kind::poll)
        return of_wait(f);
    if (f.kind == request_kind::connect)
        return of_connect(f);
    if (f.kind == request_kind::accept_now)
        return of_accept(f);
    switch (-f.result) {
    case EAGAIN:
        return of_refusal(f);
    case ECANCELED:
    case EINTR:
        return of_interruption(f);
    default:
        return complete(f.result);
    }
}

std::uint32_t readiness_events(request_kind kind, std::uint32_t flags) noexcept {
    if (receives(kind)) {
        if ((flags & MSG_OOB) != 0)
            return POLLPRI;
        if ((flags & MSG_ERRQUEUE) != 0)
            return POLLERR;
    }
    return row_of(kind).readiness;
}

bool asks_socket_error(const request_facts& f) noexcept {
    if (f.kind != request_kind::connect || f.closed)
        return false;
    return f.result >= 0 || (f.result == -EISCONN && f.begun);
}

bool asks_file_nature(const request_facts& f) noexcept {
    if (!transfers_file_data(f.kind) || f.cancel_asked || f.closed || f.stood_in)
        return false;
    return (f.result == -EAGAIN && f.was_ready) || (f.result == -ECANCELED && !f.submitter_ended);
}

} // namespace aura::core

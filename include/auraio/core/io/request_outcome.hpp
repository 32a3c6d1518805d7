// request_outcome: what a result of the kernel means: whether a request is at its end, and what is to be done
// when it is not.
#pragma once

#include "auraio/core/io/io_request.hpp"

#include <cstdint>

namespace aura::core {

/// What kind of file a request is about, where the meaning of a result depends on it.
enum class file_nature : std::uint8_t {
    unknown,     ///< nobody has looked
    storage,     ///< regular files, directories, block devices: nothing can be waited for
    waitable,    ///< sockets, pipes, terminals and other devices
    own_answers, ///< none of these (timerfd and its like): any errno may be what the file itself says
};

/// What is known about a request when it has a result.
struct request_facts {
    request_kind kind = request_kind::nop;
    std::uint32_t flags = 0;                 ///< io_request::flags
    int result = 0;                          ///< what the kernel says
    int socket_error = 0;                    ///< SO_ERROR, where asks_socket_error()
    file_nature file = file_nature::unknown; ///< where asks_file_nature()
    bool internal = false;        ///< a request of the engine's own: whoever made it deals with results
    bool cancel_asked = false;    ///< somebody has asked for its end
    bool closed = false;          ///< its descriptor was closed, or replaced, under it
    bool submitter_ended = false; ///< a thread that may have submitted it has ended since
    bool stood_in = false;        ///< the result is that of the poll that stood in its place
    bool was_ready = false;       ///< such a poll (or another wait) had fired before this attempt
    bool repeated = false;        ///< it has been submitted again, after an interruption
    bool begun = false;           ///< connect: an earlier attempt was under way
    bool reports_aborted = false; ///< accept_now: who asked wants to know of connections that were aborted
    bool apart = false;           ///< this attempt was made by a thread that may block
    bool called = false;          ///< this attempt was its system call: what it says is the file's own answer
};

/// What comes next.
enum class next_step : std::uint8_t {
    complete, ///< it is at its end, with request_outcome::result
    submit,   ///< submit it again
    /// Submit a poll in its place, for readiness_events(), and the request when that has fired.
    wait_for_readiness,
    /// The same, but wait until what is polled for comes about anew: either the poll fires for events that
    /// nobody asked for, or it has just said ready and was wrong.
    wait_for_change,
    wait_again,   ///< the wait itself was interrupted: the same once more
    wait_a_while, ///< submit it again after some milliseconds: there is no event for what it needs
    submit_apart, ///< submit it to a thread of the kernel, which may block
    submit_call,  ///< carry it out by its system call, in a thread that may block
};

struct request_outcome {
    next_step step = next_step::complete;
    int result = 0;

    friend bool operator==(const request_outcome&, const request_outcome&) = default;
};

/// The decision. It knows no limit on attempts: each repetition has a cause that cannot repeat by itself (a
/// thread has ended, an event has come, some time has passed).
request_outcome outcome_of(const request_facts& f) noexcept;

/// The poll(2) events that tell that a request may succeed; 0: there are none.
std::uint32_t readiness_events(request_kind kind, std::uint32_t flags) noexcept;

/// Whether the decision needs SO_ERROR: io_uring may end a connect with success while the socket holds its
/// error. Not for a socket that is closed, whose number may be another's.
bool asks_socket_error(const request_facts& f) noexcept;

/// Whether it needs to know what kind of file it is.
bool asks_file_nature(const request_facts& f) noexcept;

/// Of a receive: whether it has to wait for readiness before it is tried. Urgent data that has not come yet
/// is an error and not worth waiting for, to the kernel; a socket's error queue is waited for by the wrong
/// events.
constexpr bool waits_first(request_kind kind, std::uint32_t flags) noexcept {
    constexpr std::uint32_t urgent = 0x01, error_queue = 0x2000; // MSG_OOB, MSG_ERRQUEUE
    return (kind == request_kind::recv || kind == request_kind::recvmsg) &&
           (flags & (urgent | error_queue)) != 0;
}

} // namespace aura::core

// request_outcome: what each result of each kind of request means, in tables.
#include "auraio/core/io/request_outcome.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <vector>

using namespace aura::core;
using kind = request_kind;
using step = next_step;

namespace {

const std::vector<kind> all_kinds = {kind::nop,
                                     kind::read,
                                     kind::write,
                                     kind::readv,
                                     kind::writev,
                                     kind::fsync,
                                     kind::fdatasync,
                                     kind::openat,
                                     kind::close,
                                     kind::statx,
                                     kind::fallocate,
                                     kind::ftruncate,
                                     kind::sync_file_range,
                                     kind::renameat,
                                     kind::unlinkat,
                                     kind::mkdirat,
                                     kind::poll,
                                     kind::recv,
                                     kind::send,
                                     kind::recvmsg,
                                     kind::sendmsg,
                                     kind::connect,
                                     kind::accept_now};
const std::vector<kind> metadata = {kind::fsync,    kind::fdatasync, kind::openat,    kind::close,
                                    kind::statx,    kind::fallocate, kind::ftruncate, kind::sync_file_range,
                                    kind::renameat, kind::unlinkat,  kind::mkdirat};
const std::vector<kind> transfers = {kind::read, kind::write, kind::readv, kind::writev};
const std::vector<kind> waits_for_input = {kind::read, kind::readv, kind::recv, kind::recvmsg,
                                           kind::accept_now};
const std::vector<kind> waits_for_room = {kind::write, kind::writev, kind::send, kind::sendmsg};

bool contains(const std::vector<kind>& kinds, kind k) {
    return std::find(kinds.begin(), kinds.end(), k) != kinds.end();
}
request_facts facts(kind k, int result) {
    request_facts f;
    f.kind = k;
    f.result = result;
    if (k == kind::poll)
        f.flags = POLLIN;
    return f;
}
request_outcome done(int result) {
    return {step::complete, result};
}
request_outcome then(step s) {
    return {s, 0};
}
std::string name(kind k, int result) {
    return "kind " + std::to_string(static_cast<int>(k)) + ", result " + std::to_string(result);
}

TEST(RequestOutcome, AnErrorThatIsAboutNothingButTheRequestIsItsEnd) {
    for (const kind k : all_kinds)
        for (const int error :
             {EPERM,        ENOENT,    EIO,     EBADF,    ENOMEM,       EACCES,     EEXIST,
              EINVAL,       EMFILE,    ENOSPC,  ESPIPE,   EPIPE,        ENOTCONN,   ECONNRESET,
              ECONNREFUSED, ETIMEDOUT, ENOBUFS, EMSGSIZE, EDESTADDRREQ, EOPNOTSUPP, EHOSTUNREACH,
              ESTALE,       ETIME,     EISCONN, EALREADY}) {
            request_facts f = facts(k, -error);
            if (k == kind::accept_now && error == EHOSTUNREACH)
                continue; // it is about one connection: below
            EXPECT_EQ(outcome_of(f), done(-error)) << name(k, -error);
            f.was_ready = f.repeated = f.submitter_ended = true;
            EXPECT_EQ(outcome_of(f), done(-error)) << name(k, -error);
            f = facts(k, -error);
            f.cancel_asked = true;
            EXPECT_EQ(outcome_of(f), done(-error)) << name(k, -error) << ", it came first";
            f.closed = true;
            EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, -error) << ", closed under it";
        }
}

TEST(RequestOutcome, ASuccessIsItsEnd) {
    for (const kind k : all_kinds)
        for (const int result : {0, 1, 4096}) {
            request_facts f = facts(k, k == kind::poll ? POLLIN : result);
            const int expected = f.result;
            EXPECT_EQ(outcome_of(f), done(expected)) << name(k, result);
            f.was_ready = f.repeated = f.submitter_ended = true;
            EXPECT_EQ(outcome_of(f), done(expected)) << name(k, result);
            f.cancel_asked = true;
            EXPECT_EQ(outcome_of(f), done(expected)) << name(k, result) << ", it came first";
        }
}

TEST(RequestOutcome, WhatWasAskedForEndsWithECANCELED) {
    for (const kind k : all_kinds)
        for (const int error : {ECANCELED, EINTR, EAGAIN})
            for (const bool stood_in : {false, true})
                for (const bool closed : {false, true}) {
                    request_facts f = facts(k, -error);
                    f.cancel_asked = true;
                    f.closed = closed;
                    f.stood_in = stood_in;
                    f.submitter_ended = true;
                    EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, -error);
                    f.was_ready = f.repeated = f.apart = true;
                    EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, -error);
                }
}

TEST(RequestOutcome, ThatItsPollHasFiredIsNoSuccessOfWhatWasCancelled) {
    for (const kind k : all_kinds) {
        if (k == kind::poll)
            continue;
        request_facts f = facts(k, POLLIN | POLLOUT);
        f.stood_in = f.cancel_asked = true;
        EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, f.result);
    }
}

TEST(RequestOutcome, ClosedUnderItAReceiveHasSeenItsOwnersShutdown) {
    for (const kind k : {kind::recv, kind::recvmsg, kind::connect}) {
        request_facts f = facts(k, 0);
        f.closed = true;
        EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, 0);
    }
    request_facts f = facts(kind::recv, 5);
    f.closed = true;
    EXPECT_EQ(outcome_of(f), done(5));
    f = facts(kind::read, 0);
    f.closed = true;
    EXPECT_EQ(outcome_of(f), done(0));
}

TEST(RequestOutcome, ARefusalIsFollowedByAWaitWhereThereIsSomethingToWaitFor) {
    for (const kind k : all_kinds) {
        const bool waits = contains(waits_for_input, k) || contains(waits_for_room, k);
        EXPECT_EQ(outcome_of(facts(k, -EAGAIN)), waits ? then(step::wait_for_readiness) : done(-EAGAIN))
            << name(k, -EAGAIN);
    }
}

/// The poll has just said ready, and was wrong: a loop of the two would turn for ever.
TEST(RequestOutcome, ARefusalOfWhatIsReadyIsNotFollowedByTheSamePoll) {
    for (const kind k : waits_for_input) {
        if (k == kind::accept_now) // its poll is of a set that is right
            continue;
        request_facts f = facts(k, -EAGAIN);
        f.was_ready = true;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_change)) << name(k, -EAGAIN);
        f.file = file_nature::waitable;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_change)) << name(k, -EAGAIN);
    }
    for (const kind k : {kind::send, kind::sendmsg}) {
        request_facts f = facts(k, -EAGAIN);
        f.was_ready = true;
        EXPECT_EQ(outcome_of(f), then(step::wait_a_while)) << name(k, -EAGAIN);
    }
    for (const kind k : {kind::write, kind::writev}) {
        request_facts f = facts(k, -EAGAIN);
        f.was_ready = true;
        f.file = file_nature::waitable;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_change)) << name(k, -EAGAIN);
    }
}

TEST(RequestOutcome, StorageThatIsNeverReadyAnswersForItself) {
    for (const kind k : transfers) {
        request_facts f = facts(k, -EAGAIN);
        f.was_ready = true;
        f.file = file_nature::storage;
        EXPECT_TRUE(asks_file_nature(f));
        EXPECT_EQ(outcome_of(f), then(step::submit_apart)) << name(k, -EAGAIN);
        f.apart = true;
        EXPECT_EQ(outcome_of(f), done(-EAGAIN)) << name(k, -EAGAIN);
    }
}

/// FUSE: its answer is told to who asked, after one more question; and a cancellation ends it at any point.
TEST(RequestOutcome, AFileServerThatSaysEAGAINForEverHasSaidSo) {
    for (const kind k : transfers)
        for (const bool called : {false, true}) {
            request_facts f = facts(k, -EAGAIN);
            f.file = file_nature::storage;
            f.apart = true; // its files are always asked so
            f.called = called;
            EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness)) << name(k, -EAGAIN);
            f.was_ready = true; // which says nothing: such files are always ready
            EXPECT_EQ(outcome_of(f), done(-EAGAIN)) << name(k, -EAGAIN);
            f.cancel_asked = true;
            EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, -EAGAIN);
        }
}

TEST(RequestOutcome, WhatASystemCallSaysIsTheFilesOwnAnswer) {
    for (const kind k : all_kinds) {
        if (!contains(metadata, k) && !contains(transfers, k))
            continue;
        for (const bool ended : {false, true}) {
            request_facts f = facts(k, -ECANCELED);
            f.file = file_nature::storage;
            f.called = true;
            f.submitter_ended = ended;
            EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, -ECANCELED);
        }
    }
}

TEST(RequestOutcome, WhatAThreadsEndHasCancelledIsSubmittedAgain) {
    for (const kind k : all_kinds)
        for (const int error : {ECANCELED, EINTR})
            for (const bool repeated : {false, true}) {
                request_facts f = facts(k, -error);
                f.submitter_ended = true;
                f.repeated = repeated;
                if (k == kind::close && error == EINTR) { // it has happened all the same
                    EXPECT_EQ(outcome_of(f), done(-EINTR));
                    continue;
                }
                const bool waits = k == kind::connect || k == kind::accept_now; // it is under way
                EXPECT_EQ(outcome_of(f), then(waits ? step::wait_for_readiness : step::submit))
                    << name(k, -error);
            }
}

TEST(RequestOutcome, ECANCELEDThatNobodyHasAskedFor) {
    for (const kind k : all_kinds) {
        request_facts f = facts(k, -ECANCELED);
        if (contains(metadata, k)) { // the kernel may start no thread
            EXPECT_EQ(outcome_of(f), then(step::submit_call)) << name(k, -ECANCELED);
        } else if (contains(transfers, k)) {
            EXPECT_TRUE(asks_file_nature(f));
            f.file = file_nature::storage;
            EXPECT_EQ(outcome_of(f), then(step::submit_call)) << name(k, -ECANCELED);
            f.file = file_nature::own_answers; // a timerfd, when the clock is set
            EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << name(k, -ECANCELED);
            f.file = file_nature::waitable; // another object of the same open file was closed
            EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness)) << name(k, -ECANCELED);
            f.was_ready = true;
            EXPECT_EQ(outcome_of(f), done(-EAGAIN)) << name(k, -ECANCELED);
        } else if (k == kind::poll) {
            EXPECT_EQ(outcome_of(f), then(step::submit));
        } else if (k == kind::nop) {
            EXPECT_EQ(outcome_of(f), done(-ECANCELED));
        } else {
            EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness)) << name(k, -ECANCELED);
            f.was_ready = true;
            EXPECT_NE(outcome_of(f).result, -ECANCELED) << name(k, -ECANCELED);
        }
    }
}

TEST(RequestOutcome, AnInterruptionIsRepeatedOnceUnlessAThreadHasEnded) {
    for (const kind k : all_kinds) {
        if (k == kind::poll || k == kind::connect || k == kind::close || k == kind::accept_now)
            continue;
        request_facts f = facts(k, -EINTR);
        EXPECT_EQ(outcome_of(f), then(step::submit)) << name(k, -EINTR);
        f.repeated = true;
        EXPECT_EQ(outcome_of(f), done(-EINTR)) << name(k, -EINTR);
    }
}

TEST(RequestOutcome, ThePollInItsPlace) {
    for (const kind k : all_kinds) {
        if (k == kind::poll || readiness_events(k, 0) == 0)
            continue;
        const auto asked = static_cast<int>(readiness_events(k, 0));
        request_facts f = facts(k, asked);
        f.stood_in = true;
        EXPECT_EQ(outcome_of(f), then(step::submit)) << name(k, f.result);
        for (const int always : {POLLERR, POLLHUP, POLLNVAL}) {
            f.result = always;
            EXPECT_EQ(outcome_of(f), then(step::submit)) << name(k, f.result);
        }
        for (const int unasked : {POLLRDHUP, POLLPRI, asked == POLLIN ? POLLOUT : POLLIN}) {
            f.result = unasked; // the kernel wakes every poll of io_uring for POLLRDHUP
            EXPECT_EQ(outcome_of(f), then(step::wait_for_change)) << name(k, f.result);
        }
        for (const int error : {ECANCELED, EINTR}) {
            f.result = -error;
            EXPECT_EQ(outcome_of(f), then(step::wait_again)) << name(k, f.result);
        }
        f.result = -EBADF;
        EXPECT_EQ(outcome_of(f), done(-EBADF)) << name(k, f.result);
    }
}

TEST(RequestOutcome, AWaitGetsWhatItHasAskedForAndNothingElse) {
    for (const bool stood_in : {false, true}) {
        request_facts f = facts(kind::poll, POLLRDHUP);
        f.stood_in = stood_in;
        f.flags = POLLOUT;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_change));
        f.flags = POLLPRI | POLLERR | POLLHUP;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_change));
        f.result = POLLRDHUP | POLLPRI;
        EXPECT_EQ(outcome_of(f), done(POLLPRI));
        f.flags = POLLOUT;
        f.result = POLLRDHUP | POLLOUT | POLLHUP;
        EXPECT_EQ(outcome_of(f), done(POLLOUT | POLLHUP));
        f.flags = POLLRDHUP;
        f.result = POLLRDHUP;
        EXPECT_EQ(outcome_of(f), done(POLLRDHUP)) << "who asks for it gets it";
        f.flags = POLLOUT;
        f.cancel_asked = true;
        EXPECT_EQ(outcome_of(f), done(-ECANCELED));
        f.result = POLLOUT;
        EXPECT_EQ(outcome_of(f), done(POLLOUT)) << "it came first";
    }
}

TEST(RequestOutcome, TheSocketsErrorDecidesWhatBecameOfAConnect) {
    for (const int error : {0, ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT}) {
        request_facts f = facts(kind::connect, 0);
        f.socket_error = error;
        EXPECT_TRUE(asks_socket_error(f));
        EXPECT_EQ(outcome_of(f), done(-error));
        f.cancel_asked = true;
        EXPECT_EQ(outcome_of(f), done(-error));
        f.cancel_asked = false;
        f.result = -EISCONN;
        EXPECT_FALSE(asks_socket_error(f));
        EXPECT_EQ(outcome_of(f), done(-EISCONN)) << "connected long before";
        f.begun = true;
        EXPECT_TRUE(asks_socket_error(f));
        EXPECT_EQ(outcome_of(f), done(-error));
        f.stood_in = true;
        f.result = POLLOUT;
        EXPECT_TRUE(asks_socket_error(f));
        EXPECT_EQ(outcome_of(f), error ? done(-error) : then(step::submit));
    }
    request_facts f = facts(kind::connect, 0);
    f.closed = true;
    EXPECT_FALSE(asks_socket_error(f)) << "the number may be another's";
    for (const kind k : all_kinds)
        EXPECT_EQ(asks_socket_error(facts(k, 0)), k == kind::connect) << name(k, 0);
}

TEST(RequestOutcome, AConnectThatIsUnderWayIsWaitedFor) {
    for (const int error : {ECANCELED, EINTR, EINPROGRESS, EALREADY}) {
        request_facts f = facts(kind::connect, -error);
        f.begun = true;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness)) << error;
        f.was_ready = true;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_change)) << error;
        f.cancel_asked = true;
        EXPECT_EQ(outcome_of(f), done(-ECANCELED)) << error;
    }
    EXPECT_EQ(outcome_of(facts(kind::connect, -EALREADY)), done(-EALREADY)) << "a second one of the user's";
    EXPECT_EQ(outcome_of(facts(kind::connect, -EAGAIN)), done(-EAGAIN)) << "a full backlog has no event";
}

TEST(RequestOutcome, AnAcceptIsNotEndedByWhatConcernsOneConnection) {
    for (const int error : {EAGAIN, EINTR, ECANCELED, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
                            ENONET, EHOSTUNREACH, ENETUNREACH}) {
        request_facts f = facts(kind::accept_now, -error);
        EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness)) << error;
        f.was_ready = true;
        EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness)) << error;
        f.reports_aborted = true;
        EXPECT_EQ(outcome_of(f), error == ECONNABORTED ? done(-error) : then(step::wait_for_readiness));
    }
    EXPECT_EQ(outcome_of(facts(kind::accept_now, -EMFILE)), done(-EMFILE));
}

TEST(RequestOutcome, RequestsOfTheEngineAreItsMakersBusiness) {
    for (const kind k : all_kinds)
        for (const int error : {ECANCELED, EINTR, EMFILE, ECONNABORTED}) {
            request_facts f = facts(k, -error);
            f.internal = true;
            f.submitter_ended = true;
            EXPECT_EQ(outcome_of(f), done(-error)) << name(k, -error);
        }
    request_facts f = facts(kind::accept_now, -EAGAIN);
    f.internal = true;
    EXPECT_EQ(outcome_of(f), then(step::wait_for_readiness));
    f.stood_in = true;
    f.result = POLLIN;
    EXPECT_EQ(outcome_of(f), then(step::submit));
}

TEST(RequestOutcome, ReceivesOfUrgentDataAndErrorsWaitFirstAndForThose) {
    for (const kind k : {kind::recv, kind::recvmsg}) {
        EXPECT_FALSE(waits_first(k, MSG_PEEK | MSG_WAITALL));
        EXPECT_TRUE(waits_first(k, MSG_OOB | MSG_PEEK));
        EXPECT_TRUE(waits_first(k, MSG_ERRQUEUE));
        EXPECT_EQ(readiness_events(k, MSG_OOB), static_cast<std::uint32_t>(POLLPRI));
        EXPECT_EQ(readiness_events(k, MSG_ERRQUEUE), static_cast<std::uint32_t>(POLLERR));
        EXPECT_EQ(readiness_events(k, 0), static_cast<std::uint32_t>(POLLIN));
    }
    EXPECT_FALSE(waits_first(kind::send, MSG_OOB));
}

/// Whatever is known, what follows a step is not the same step by the same result alone: the two that could
/// follow each other at once would be a submission and a poll that is always ready.
TEST(RequestOutcome, NothingTurnsInACircleWithoutACause) {
    for (const kind k : all_kinds)
        for (const int error : {EAGAIN, ECANCELED, EINTR})
            for (const file_nature file : {file_nature::unknown, file_nature::storage, file_nature::waitable,
                                           file_nature::own_answers}) {
                request_facts f = facts(k, -error);
                f.file = file;
                int steps = 0;
                for (;; ++steps) {
                    ASSERT_LT(steps, 8) << name(k, -error);
                    f.stood_in = false;
                    const request_outcome o = outcome_of(f);
                    if (o.step == step::submit)
                        f.repeated = true;
                    else if (o.step == step::submit_apart)
                        f.apart = true;
                    else if (o.step == step::submit_call)
                        f.called = f.apart = true;
                    else if (o.step == step::wait_for_readiness) {
                        f.was_ready = true; // at once, as for a file that cannot be waited for
                        f.begun = k == kind::connect;
                    } else
                        break; // its end, or a wait that only an event or time ends
                    if (k == kind::poll || k == kind::accept_now)
                        break; // a poll is cancelled by us alone; that of a set of ours is right
                }
            }
}

} // namespace

// awaited: what an operation waits for: the number, the events, whether it has to, and what is known of its file.
#pragma once

#include "attempts.hpp"
#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/io/io_operation.hpp"
#include "readiness_table.hpp"

namespace aura::core::epoll {

/// Most of the traffic: a message for which nothing stands and which is not waited for first, so that its kind says
/// what it waits for. Every operation is asked several times, and the general answers are calls.
inline bool is_plain_message(const io_operation& op) noexcept {
    return op.is_plain() && is_message(op.request().kind);
}
inline event_set events_of_plain_message(request_kind kind) noexcept {
    return kind == request_kind::recv || kind == request_kind::recvmsg ? EPOLLIN : EPOLLOUT;
}

inline bool is_stood_for(const io_operation& op) noexcept {
    return !is_plain_message(op) && op.stand_in() >= 0;
}

/// Its file's number, or that of what stands for it.
inline int number_waited_for(const io_operation& op) noexcept {
    if (!is_plain_message(op))
        if (const int instead = op.stand_in(); instead >= 0)
            return instead;
    return op.request().fd;
}

inline event_set events_wanted(const io_operation& op) noexcept {
    if (is_plain_message(op)) [[likely]]
        return events_of_plain_message(op.request().kind);
    return static_cast<event_set>(is_stood_for(op) ? EPOLLIN : op.readiness_events());
}

/// Who has what it waits for registered. What stands for a file is closed without a word, and a descriptor made later
/// may have its number, and the memory of the one that has waited: nobody is to trust in such a registration.
inline const void* owner_of_registration(const io_operation& op) noexcept {
    static constexpr char nobody = 0;
    return is_stood_for(op) ? static_cast<const void*>(&nobody) : &op.target();
}

/// Whether trying would be refused without a doubt, and the kernel will say when not. A connect has to be begun.
inline bool is_in_vain(const io_operation& op, readiness_table& table) noexcept {
    const short_request& r = op.request();
    const watched* const w = table.find(r.fd);
    return w && r.kind != request_kind::connect &&
           readiness_table::is_known_not_ready(*w, &op.target(), events_wanted(op));
}

inline bool only_polls(const io_operation& op) noexcept {
    return op.awaits_readiness() || op.request().kind == request_kind::poll;
}

/// A poll is not, for it takes nothing, and a connect has been begun.
inline bool is_tried_without_event(const io_operation& op) noexcept {
    return !only_polls(op) && op.request().kind != request_kind::connect && !may_keep_thread(op);
}

/// Whether one cannot say of its number when it comes to mean another file.
inline bool is_loosely_named(const io_operation& op) noexcept {
    return is_stood_for(op) || op.target().names_by_number();
}

/// What does not change for as long as the number means the same file is asked once.
inline bool ask(readiness_table& table, const io_operation& op, watched::answer watched::* place,
                bool (*question)(int)) noexcept {
    const int fd = op.request().fd;
    watched* const w = table.find(fd);
    if (!w || w->owner != &op.target() || op.target().names_by_number())
        return question(fd);
    if (w->*place == watched::answer::unknown)
        w->*place = question(fd) ? watched::answer::yes : watched::answer::no;
    return w->*place == watched::answer::yes;
}

/// A send may have been refused for another reason than the room in its socket: its shard asks for a look first.
/// So it does for an accept whose socket may be another by the next time.
inline bool waits_by_its_shard(const io_operation& op, readiness_table& table) noexcept {
    const request_kind kind = op.request().kind;
    if (is_message(kind) && row_of(kind).lane == request_lane::out)
        return !ask(table, op, &watched::is_stream, &is_stream);
    return kind == request_kind::accept_now && op.target().names_by_number();
}

/// What is known of the operation's file, where it was registered for the operation's object; else null.
inline watched* find_own(const io_operation& op, readiness_table& table) noexcept {
    watched* const w = table.find(op.request().fd);
    return w && w->owner == &op.target() && !op.target().names_by_number() ? w : nullptr;
}

/// A stream that has given less than it was asked for has no more: the next receive need not try. Told of a
/// TCP socket only, and neither before urgent data, where a receive ends, nor at its end, which is told once:
/// others end a receive where they like, at descriptors that come along, say. Where it is told by level the
/// kernel says what is left.
inline void note_received(const io_operation& op, int result, readiness_table& table) noexcept {
    watched* const w = find_own(op, table);
    if (!w)
        return;
    const short_request& r = op.request();
    if (w->trigger.is_by_level() ? !w->trigger.is_time_to_try()
                                 : is_read_short(r, result) && w->is_drained([&r] { return is_tcp(r.fd); }))
        w->ready &= static_cast<event_set>(~EPOLLIN);
}

} // namespace aura::core::epoll

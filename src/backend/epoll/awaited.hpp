// awaited: what an operation waits for: the number, the events, whether it has to, and what is known of its file.
#pragma once

#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/io/io_operation.hpp"
#include "readiness_table.hpp"

namespace aura::core::epoll {

inline bool is_stood_for(const io_operation& op) noexcept {
    return op.stand_in() >= 0;
}

/// Its file's number, or that of what stands for it.
inline int number_waited_for(const io_operation& op) noexcept {
    if (const int instead = op.stand_in(); instead >= 0)
        return instead;
    return op.request().fd;
}

inline event_set events_wanted(const io_operation& op) noexcept {
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

} // namespace aura::core::epoll

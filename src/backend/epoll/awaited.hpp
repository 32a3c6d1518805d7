// awaited: the number and the events that an operation waits for.
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

inline bool only_polls(const io_operation& op) noexcept {
    return op.awaits_readiness() || op.request().kind == request_kind::poll;
}

/// Whether one cannot say of its number when it comes to mean another file.
inline bool is_loosely_named(const io_operation& op) noexcept {
    return is_stood_for(op) || op.target().names_by_number();
}

} // namespace aura::core::epoll

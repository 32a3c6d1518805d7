// readiness_aid: descriptors of our own that are polled in the place of one whose poll says too much or too
// early.
#pragma once

#include <cstdint>

namespace aura::core {

/// A descriptor that becomes readable when one of `events` comes about at `fd`, and at once if one is there
/// already: an epoll set, edge-triggered. It does not hold the file open. Or a negated errno: EPERM when the
/// file cannot be polled.
int watch_for_change(int fd, std::uint32_t events) noexcept;

/// The events that have made it readable; it waits for the next ones. 0: none after all.
std::uint32_t take_change(int aid) noexcept;

/// A descriptor that becomes readable in a moment: a timer. `aid`: one that has fired before, which is set
/// again, for twice as long up to a limit; or -1. A negated errno.
int wait_a_while(int aid) noexcept;

} // namespace aura::core

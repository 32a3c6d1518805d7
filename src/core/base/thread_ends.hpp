// thread_ends: how many threads that have submitted requests are gone: the kernel cancels a part of what such
// a thread had submitted.
#pragma once

#include <cstdint>

namespace aura::core {

/// The calling thread may submit requests from now on. Cheap when it has said so before.
void submits_from_now_on() noexcept;

/// How many of those threads have ended or are ending, modulo 2^16: only whether two counts differ is of
/// interest. A request that was submitted when it was a different one may have been cancelled with its
/// thread.
std::uint16_t ended_submitters() noexcept;

/// The count to remember for what the calling thread submits: the one before its own end, also when that has
/// been counted already (its thread-local objects are being destroyed).
std::uint16_t ended_before_this_thread() noexcept;

} // namespace aura::core

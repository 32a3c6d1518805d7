// thread_times: what a thread has had of the processor.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

namespace aura::core {

/// How long a thread of this process, by the kernel's number, has been in the kernel since it began; 0: there is no
/// such thread, or the kernel does not tell. As exact as the kernel's accounting: a tick, mostly.
nanoseconds_t system_time_of(int thread) noexcept;

} // namespace aura::core

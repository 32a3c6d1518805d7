// thread_times: what a thread has had of the processor.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

namespace aura::core {

/// How long a thread of this process, by the kernel's number, has been in the kernel since it began; 0: there is no
/// such thread, or the kernel does not tell. As exact as the kernel's accounting: a tick, mostly.
nanoseconds_t system_time_of(int thread) noexcept;

/// Since the thread began: what it has had of the processor, and how long it has waited for one, able to run. Zeros
/// where the kernel does not tell (CONFIG_SCHED_INFO), or there is no such thread.
struct processor_account {
    nanoseconds_t had = 0;
    nanoseconds_t waited = 0;
};
processor_account account_of(int thread) noexcept;

/// How long the processors of the machine have been idle, together, in steps of 10 ms. 0 where the kernel does not
/// tell.
nanoseconds_t idle_time() noexcept;

} // namespace aura::core

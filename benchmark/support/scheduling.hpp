// How often a process slept and its processor was interrupted by another: what wakes cost, made visible.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace benchmark {

// How often the process has gone to sleep.
std::uint64_t voluntary_switches(pid_t process);

// How often another processor has interrupted this one to make it look at something: to schedule a thread
// that was woken, or to run the task work of a completion. Zero where the kernel does not tell.
std::uint64_t rescheduling_interrupts(int processor);

} // namespace benchmark

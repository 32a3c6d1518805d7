// descriptions: descriptors and threads of this process, in words, as the kernel knows them.
#pragma once

#include <cstdint>
#include <string>

namespace aura::core {

/// "TCP 127.0.0.1:80, peer 127.0.0.1:4711", "/var/log/x", "pipe:[1234]"; "closed". Throws bad_alloc.
std::string describe_file(int fd);

/// A thread of this process: its name, what it does ("running", "sleeping in futex_wait"), and the time it has
/// spent in the kernel, in nanoseconds.
struct thread_description {
    std::string name;
    std::string state;
    unsigned long long system_time = 0;
};
/// Empty where there is no such thread, or no /proc. Throws bad_alloc.
thread_description describe_thread(int thread);

/// What proc(5) says in `syscall`: "running", or the number of the system call that it waits in, and more. Empty where
/// that cannot be read.
std::string describe_system_call(int thread);

/// What a thread of this process blocks, and how often it has gone to sleep of its own accord.
struct thread_signals {
    bool known = false;        ///< false: that cannot be read
    std::uint64_t blocked = 0; ///< signal n is bit n - 1
    unsigned long long sleeps = 0;
};
/// Throws bad_alloc.
thread_signals describe_signals(int thread);

} // namespace aura::core

// each_cpu: threads, one for each processor that this process may use.
#pragma once

#include <functional>

namespace aura::core {

/// How threads are started, one for each processor.
struct each_cpu_options {
    /// So many threads. 0: as many as this process may use processors: what its affinity mask allows, or fewer
    /// where a cgroup's CPU quota allows less time than that.
    unsigned threads = 0;

    /// Each thread stays on a processor of its own (sched_setaffinity(2)), those of one NUMA node after those
    /// of another; more threads than processors begin again with the first. Memory that a thread is the first
    /// to touch is then its node's. Where the kernel refuses that a thread runs as if it had not been asked.
    bool pin = false;
};

/// How many that are, when nobody says; at least 1. Some system calls and file reads: ask once.
unsigned usable_cpu_count();

/// Calls `body` in that many threads at once and returns when all calls have. One that ends with an exception
/// ends its thread alone; the first such exception is thrown here, after the others have returned. Throws
/// what std::thread throws when not even one can be started; with fewer than asked for it goes on.
void on_each_cpu(const each_cpu_options& options, const std::function<void()>& body);

} // namespace aura::core

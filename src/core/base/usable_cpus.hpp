// usable_cpus: how many processors this process may use, which in a container is not how many the host has.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace aura::core {

struct usable_cpus {
    std::vector<unsigned>
        ids; ///< what the affinity mask of the calling thread allows, ascending; never empty
    unsigned count =
        1; ///< ids.size(), or fewer where a cgroup's CPU quota allows less time than that; at least 1
};

/// Looks it up: sched_getaffinity(2), and the CPU quota of this process's cgroup and of those above it (v1
/// and v2, mounted below /sys/fs/cgroup). Some system calls and file reads: ask once.
usable_cpus find_usable_cpus();

/// Whether two threads of this process can run at the same time. As costly.
bool several_cpus_usable();

/// On how many processors one of these threads of this process may run, by the kernel's numbers for them, or fewer
/// where the quota allows less that was found at the first call. At least 1. Throws bad_alloc.
unsigned count_usable_cpus(const std::vector<int>& threads);

/// Reads a file whole; nothing when there is no such file.
using file_reader = std::function<std::optional<std::string>(const std::string& path)>;

/// The same processors, those of one NUMA node after those of another: in the order of nodes, and of numbers
/// within one. What is of no node that can be read comes last.
std::vector<unsigned> in_numa_order(const std::vector<unsigned>& ids, const file_reader& read);
std::vector<unsigned> in_numa_order(const std::vector<unsigned>& ids);

/// The quota alone, in processors: the tightest one that binds a process whose /proc/self/cgroup reads so.
/// Nothing when there is none.
std::optional<double> cpu_quota(const std::string& proc_self_cgroup, const file_reader& read);

} // namespace aura::core

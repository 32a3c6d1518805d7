// usable_cpus: the affinity mask, and CPU quotas of both versions of cgroups.
#include "core/base/usable_cpus.hpp"

#include "core/base/first_use.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fcntl.h>
#include <limits>
#include <memory>
#include <sched.h>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace aura::core {

namespace {

// Streams would do all of this in fewer lines, and be part of every program that is linked to the static library.

/// What stands before the next `end`; that and the end are taken off `text`.
std::string_view take_until(std::string_view& text, char end) {
    const std::string_view part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

/// The number that `text` begins with, after white space; it is taken off.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n\t"), text.size()));
    Number number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{})
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return number;
}

/// Quota and period in microseconds as processors; no quota is written as "max" (v2) or -1 (v1).
std::optional<double> ratio(std::string_view& quota, std::string_view& period) {
    const auto q = take_number<long long>(quota);
    const auto p = q ? take_number<long long>(period) : q;
    if (!q || !p || *q <= 0 || *p <= 0)
        return std::nullopt;
    return static_cast<double>(*q) / static_cast<double>(*p);
}

std::optional<double> quota_v2(const std::string& directory, const file_reader& read) {
    const auto text = read(directory + "/cpu.max");
    if (!text)
        return std::nullopt;
    std::string_view both = *text;
    return ratio(both, both);
}

std::optional<double> quota_v1(const std::string& directory, const file_reader& read) {
    const auto quota = read(directory + "/cpu.cfs_quota_us");
    const auto period = read(directory + "/cpu.cfs_period_us");
    if (!quota || !period)
        return std::nullopt;
    std::string_view q = *quota;
    std::string_view p = *period;
    return ratio(q, p);
}

void tighten(std::optional<double>& limit, std::optional<double> other) {
    if (other && (!limit || *other < *limit))
        limit = other;
}

/// A quota anywhere between the group and the root binds. In a container the path may be that of the host,
/// which is not there: what is left is the root of the container's own view.
template <class Quota>
void tighten_upwards(std::optional<double>& limit, const std::string& mount, std::string path, Quota quota) {
    while (!path.empty() && path != "/") {
        tighten(limit, quota(mount + path));
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
    tighten(limit, quota(mount));
}

bool names_controller(std::string_view list, std::string_view name) {
    while (!list.empty())
        if (take_until(list, ',') == name)
            return true;
    return false;
}

/// Of a thread, by the kernel's number for it. Empty where there is no such thread.
std::vector<unsigned> affinity_of(pid_t thread) {
    std::vector<unsigned> ids;
    // The kernel refuses (EINVAL) a mask that is smaller than its own.
    for (int size = 1024; size <= 1 << 20; size *= 2) {
        struct free_set {
            void operator()(cpu_set_t* set) const { CPU_FREE(set); }
        };
        const std::unique_ptr<cpu_set_t, free_set> set(CPU_ALLOC(static_cast<std::size_t>(size)));
        if (!set)
            break;
        const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
        CPU_ZERO_S(bytes, set.get());
        const bool known = ::sched_getaffinity(thread, bytes, set.get()) == 0;
        for (unsigned cpu = 0; known && cpu < static_cast<unsigned>(size); ++cpu)
            if (CPU_ISSET_S(cpu, bytes, set.get()))
                ids.push_back(cpu);
        if (known)
            break;
    }
    return ids;
}

/// Of the calling thread (0), or another one.
std::vector<unsigned> affinity(pid_t thread = 0) {
    std::vector<unsigned> ids = affinity_of(thread);
    if (ids.empty()) {
        const unsigned count = std::max(std::thread::hardware_concurrency(), 1u);
        for (unsigned cpu = 0; cpu < count; ++cpu)
            ids.push_back(cpu);
    }
    return ids;
}

std::optional<std::string> read_text(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return std::nullopt;
    std::string text;
    char part[512];
    for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(n));
    ::close(fd);
    return text;
}

} // namespace

std::optional<double> cpu_quota(const std::string& proc_self_cgroup, const file_reader& read) {
    std::optional<double> limit;
    for (std::string_view lines = proc_self_cgroup; !lines.empty();) {
        const std::string_view line = take_until(lines, '\n');
        // hierarchy:controllers:path; version 2 has the hierarchy 0 and names no controllers.
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos)
            continue;
        const std::string controllers(line.substr(first + 1, second - first - 1));
        const std::string path(line.substr(second + 1));
        if (controllers.empty())
            tighten_upwards(limit, "/sys/fs/cgroup", path,
                            [&](const std::string& d) { return quota_v2(d, read); });
        else if (names_controller(controllers, "cpu"))
            for (const std::string& mount :
                 {std::string("/sys/fs/cgroup/cpu"), "/sys/fs/cgroup/" + controllers})
                tighten_upwards(limit, mount, path, [&](const std::string& d) { return quota_v1(d, read); });
    }
    return limit;
}

namespace {

/// What the kernel writes as "0-3,8": numbers and ranges of them.
std::vector<unsigned> read_list(std::string_view text) {
    std::vector<unsigned> numbers;
    while (!text.empty()) {
        std::string_view range = take_until(text, ',');
        const auto first = take_number<unsigned>(range);
        if (!first)
            continue;
        unsigned last = *first;
        if (range.starts_with('-')) {
            range.remove_prefix(1);
            last = take_number<unsigned>(range).value_or(0);
        }
        constexpr unsigned sensible = 1 << 20; // processors, nodes are fewer
        for (unsigned i = *first; i <= last && i < sensible; ++i)
            numbers.push_back(i);
    }
    return numbers;
}

} // namespace

std::vector<unsigned> in_numa_order(const std::vector<unsigned>& ids, const file_reader& read) {
    const std::string nodes = "/sys/devices/system/node/";
    std::vector<unsigned> ordered;
    std::vector<unsigned> left = ids;
    for (const unsigned node : read_list(read(nodes + "online").value_or("")))
        for (const unsigned cpu :
             read_list(read(nodes + "node" + std::to_string(node) + "/cpulist").value_or("")))
            if (const auto found = std::find(left.begin(), left.end(), cpu); found != left.end()) {
                ordered.push_back(cpu);
                left.erase(found);
            }
    ordered.insert(ordered.end(), left.begin(), left.end());
    return ordered;
}

std::vector<unsigned> in_numa_order(const std::vector<unsigned>& ids) {
    return in_numa_order(ids, read_text);
}

namespace {

/// Infinite: there is none.
double find_quota() {
    return cpu_quota(read_text("/proc/self/cgroup").value_or(""), read_text)
        .value_or(std::numeric_limits<double>::infinity());
}

unsigned within_quota(std::size_t cpus, double quota) {
    return static_cast<unsigned>(std::clamp(std::ceil(quota), 1.0, static_cast<double>(cpus)));
}

} // namespace

usable_cpus find_usable_cpus() {
    usable_cpus found;
    found.ids = affinity();
    found.count = within_quota(found.ids.size(), find_quota());
    return found;
}

unsigned count_usable_cpus(const std::vector<int>& threads) {
    static constinit first_use<double>
        quota; // threads come and go, and a program may not let files be opened later
    std::vector<unsigned> all;
    for (const int thread : threads)
        for (const unsigned cpu : affinity_of(thread))
            if (std::find(all.begin(), all.end(), cpu) == all.end())
                all.push_back(cpu);
    return within_quota(std::max<std::size_t>(all.size(), 1), quota.get(find_quota));
}

bool several_cpus_usable() {
    // One that is bound to a processor says nothing of the others; what programs are confined to, their first is,
    // unless it is bound, too: then no two are known to run at once.
    if (affinity().size() < 2 && affinity(::getpid()).size() < 2)
        return false;
    const auto quota = cpu_quota(read_text("/proc/self/cgroup").value_or(""), read_text);
    return !quota || *quota > 1;
}

} // namespace aura::core

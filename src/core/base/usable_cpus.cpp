// usable_cpus: the affinity mask, and CPU quotas of both versions of cgroups.
#include "core/base/usable_cpus.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <sched.h>
#include <sstream>
#include <string_view>
#include <thread>

namespace aura::core {

namespace {

/// Quota and period in microseconds as processors; no quota is written as "max" (v2) or -1 (v1).
std::optional<double> ratio(std::istream& quota, std::istream& period) {
    double q = 0;
    double p = 0;
    if (!(quota >> q) || !(period >> p) || q <= 0 || p <= 0)
        return std::nullopt;
    return q / p;
}

std::optional<double> quota_v2(const std::string& directory, const file_reader& read) {
    const auto text = read(directory + "/cpu.max");
    if (!text)
        return std::nullopt;
    std::istringstream both(*text);
    return ratio(both, both);
}

std::optional<double> quota_v1(const std::string& directory, const file_reader& read) {
    const auto quota = read(directory + "/cpu.cfs_quota_us");
    const auto period = read(directory + "/cpu.cfs_period_us");
    if (!quota || !period)
        return std::nullopt;
    std::istringstream q(*quota);
    std::istringstream p(*period);
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
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (list.substr(0, comma) == name)
            return true;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

std::vector<unsigned> affinity() {
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
        const bool known = ::sched_getaffinity(0, bytes, set.get()) == 0;
        for (unsigned cpu = 0; known && cpu < static_cast<unsigned>(size); ++cpu)
            if (CPU_ISSET_S(cpu, bytes, set.get()))
                ids.push_back(cpu);
        if (known)
            break;
    }
    if (ids.empty()) {
        const unsigned count = std::max(std::thread::hardware_concurrency(), 1u);
        for (unsigned cpu = 0; cpu < count; ++cpu)
            ids.push_back(cpu);
    }
    return ids;
}

std::optional<std::string> read_text(const std::string& path) {
    std::ifstream file(path);
    if (!file)
        return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

} // namespace

std::optional<double> cpu_quota(const std::string& proc_self_cgroup, const file_reader& read) {
    std::optional<double> limit;
    std::istringstream lines(proc_self_cgroup);
    for (std::string line; std::getline(lines, line);) {
        // hierarchy:controllers:path; version 2 has the hierarchy 0 and names no controllers.
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos)
            continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
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
std::vector<unsigned> read_list(const std::string& text) {
    std::vector<unsigned> numbers;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
        std::istringstream range(part);
        unsigned first = 0;
        if (!(range >> first))
            continue;
        unsigned last = first;
        if (range.peek() == '-') {
            range.get();
            range >> last;
        }
        constexpr unsigned sensible = 1 << 20; // processors, nodes are fewer
        for (unsigned i = first; i <= last && i < sensible; ++i)
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

usable_cpus find_usable_cpus() {
    usable_cpus found;
    found.ids = affinity();
    found.count = static_cast<unsigned>(found.ids.size());
    if (const auto quota = cpu_quota(read_text("/proc/self/cgroup").value_or(""), read_text))
        found.count =
            static_cast<unsigned>(std::clamp(std::ceil(*quota), 1.0, static_cast<double>(found.ids.size())));
    return found;
}

} // namespace aura::core

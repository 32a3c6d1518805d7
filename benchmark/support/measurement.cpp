#include "measurement.hpp"

#include "allocation_counter.hpp"
#include "arguments.hpp"
#include "failure.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>

#include <sys/resource.h>

namespace benchmark {
namespace {

std::chrono::nanoseconds duration_of(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

double nanoseconds(std::chrono::nanoseconds duration) {
    return static_cast<double>(duration.count());
}

} // namespace

usage usage_now() {
    rusage now{};
    if (::getrusage(RUSAGE_SELF, &now) != 0)
        fail("getrusage", errno);
    return {std::chrono::steady_clock::now(), duration_of(now.ru_utime), duration_of(now.ru_stime),
            allocation_count()};
}

void print_result(const arguments& args, std::uint64_t depth, const usage& begin, const usage& end,
                  std::uint64_t operations, std::initializer_list<figure> more) {
    if (operations == 0)
        fail("nothing was measured");
    const double count = static_cast<double>(operations);
    const double wall = nanoseconds(end.wall - begin.wall);
    const double system = nanoseconds(end.cpu_system - begin.cpu_system);
    const double cpu = nanoseconds(end.cpu_user - begin.cpu_user) + system;
    const double allocations = static_cast<double>(end.allocations - begin.allocations);
    std::printf("scenario=%s name=%s depth=%llu ops=%llu cpu_ns_per_op=%.2f wall_ns_per_op=%.2f "
                "ops_per_s=%.0f allocs_per_op=%.4f",
                args.scenario().c_str(), args.name().c_str(), static_cast<unsigned long long>(depth),
                static_cast<unsigned long long>(operations), cpu / count, wall / count, count / wall * 1e9,
                allocations / count);
    if (system > 0)
        std::printf(" sys_ns_per_op=%.2f", system / count);
    for (const figure& one : more)
        std::printf(" %.*s=%.2f", static_cast<int>(one.key.size()), one.key.data(), one.value);
    std::printf("\n");
}

double quantile(std::vector<double>& samples, double share) {
    if (samples.empty())
        fail("no samples");
    const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
    std::nth_element(samples.begin(), samples.begin() + rank, samples.end());
    return samples[static_cast<std::size_t>(rank)];
}

} // namespace benchmark

#include "affinity.hpp"

#include "failure.hpp"

#include <cerrno>
#include <vector>

#include <sched.h>

namespace benchmark {
namespace {

// As it was when the process began: a pinned thread would see only its own processor.
const std::vector<int>& places() {
    static const std::vector<int> found = [] {
        cpu_set_t allowed;
        CPU_ZERO(&allowed);
        if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
            fail("sched_getaffinity", errno);
        std::vector<int> cpus;
        for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu)
            if (CPU_ISSET(static_cast<unsigned>(cpu), &allowed))
                cpus.push_back(cpu);
        return cpus;
    }();
    return found;
}

} // namespace

int processor_of(unsigned place) {
    return places()[place % places().size()];
}

void pin_this_thread(unsigned place) {
    const int cpu = processor_of(place);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<unsigned>(cpu), &only);
    if (::sched_setaffinity(0, sizeof only, &only) != 0)
        fail("sched_setaffinity", errno);
}

unsigned place_count() {
    return static_cast<unsigned>(places().size());
}

} // namespace benchmark

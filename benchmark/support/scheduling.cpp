#include "scheduling.hpp"

#include "failure.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace benchmark {

std::uint64_t voluntary_switches(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string word;
    while (status >> word) {
        std::uint64_t count = 0;
        if (word == "voluntary_ctxt_switches:" && status >> count)
            return count;
    }
    fail("/proc/<pid>/status has no voluntary_ctxt_switches");
}

std::uint64_t rescheduling_interrupts(int processor) {
    std::ifstream interrupts("/proc/interrupts");
    std::string line;
    std::getline(interrupts, line);
    std::istringstream header(line);
    const std::string column_wanted = "CPU" + std::to_string(processor);
    int column = 0;
    for (std::string name; header >> name && name != column_wanted;)
        ++column;
    while (std::getline(interrupts, line)) {
        std::istringstream fields(line);
        std::string name;
        if (!(fields >> name) || name != "RES:")
            continue;
        std::uint64_t count = 0;
        for (int i = 0; i <= column; ++i)
            fields >> count;
        return count;
    }
    return 0;
}

} // namespace benchmark

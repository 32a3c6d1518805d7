// Whether this system shows what a thread does: where it does not, some of what the library reports cannot be had.
#pragma once

#include <fstream>
#include <string>

namespace test {

inline bool shows_system_calls() {
    std::string text;
    std::getline(std::ifstream("/proc/thread-self/syscall"), text);
    return !text.empty();
}

} // namespace test

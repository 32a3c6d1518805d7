// ring_descriptors: which rings a process has open.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace test {

/// The descriptors of rings in this process, in order.
inline std::vector<int> ring_descriptors() {
    std::vector<int> found;
    for (const auto& d : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone; // that of the listing
        if (std::filesystem::read_symlink(d.path(), gone) == "anon_inode:[io_uring]")
            found.push_back(std::stoi(d.path().filename()));
    }
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace test

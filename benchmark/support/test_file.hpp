// The file that is read: made once with real data, and brought into a known cache state by every contender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace benchmark {

inline constexpr std::size_t block_size = 4096;

// Writes random data, so that nothing below can compress or skip it; each block begins with its own offset.
void make_test_file(const std::string& path, std::uint64_t size);

// Opens for reading and verifies the state that is measured, in the first `span` bytes: with `direct`,
// O_DIRECT and no page of them cached; otherwise every page cached.
int open_test_file(const std::string& path, bool direct, std::uint64_t span);

std::uint64_t test_file_size(const std::string& path);

} // namespace benchmark

// What a stretch of a program cost, and the one line that reports it.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace benchmark {

class arguments;

// The process up to now.
struct usage {
    std::chrono::steady_clock::time_point wall;
    std::chrono::nanoseconds cpu_user;
    std::chrono::nanoseconds cpu_system;
    std::uint64_t allocations;
};

usage usage_now();

// A figure beyond those that every contender has.
struct figure {
    std::string_view key;
    double value;
};

// One line of key=value words for the driver: scenario, name, depth, ops, CPU and wall time and allocations
// per operation.
void print_result(const arguments& args, std::uint64_t depth, const usage& begin, const usage& end,
                  std::uint64_t operations, std::initializer_list<figure> more = {});

// The value below which `share` of the samples lie; reorders them.
double quantile(std::vector<double>& samples, double share);

} // namespace benchmark

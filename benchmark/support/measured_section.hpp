// Counts operations through a warm-up and a measured stretch: for loops driven by completions.
#pragma once

#include "measurement.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace benchmark {

class measured_section {
public:
    // Arguments: warm_ms, measure_ms. The clock is read once in `stride` operations, so that reading it does
    // not count.
    explicit measured_section(arguments& args, std::uint64_t stride = 256);

    // To be called when operations have completed; false once no more should be started.
    bool count(std::uint64_t completed = 1) {
        operations_ += completed;
        if (operations_ < next_look_) [[likely]]
            return true;
        return look_at_clock();
    }

    bool warming_up() const { return phase_ == phase::warm_up; }

    void print(const arguments& args, std::uint64_t depth, std::initializer_list<figure> more = {});

private:
    enum class phase { warm_up, measured, finished };

    bool look_at_clock();

    std::uint64_t operations_ = 0;
    std::uint64_t next_look_;
    std::uint64_t stride_;
    phase phase_ = phase::warm_up;
    std::chrono::milliseconds measure_;
    std::chrono::steady_clock::time_point deadline_;
    usage begin_{};
    usage end_{};
    std::uint64_t operations_begin_ = 0;
    std::uint64_t operations_end_ = 0;
};

} // namespace benchmark

// The pseudo-random sequence that all contenders share: splitmix64 with a fixed seed.
#pragma once

#include <cstdint>

namespace benchmark {

class random_sequence {
public:
    explicit random_sequence(std::uint64_t seed = 20240607)
        : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }

    // Uniform in [0, limit), for limits below 2^32; a multiplication, where % would cost a division.
    std::uint64_t below(std::uint64_t limit) { return ((next() >> 32) * limit) >> 32; }

private:
    std::uint64_t state_;
};

} // namespace benchmark

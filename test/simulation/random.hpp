// random: one small generator, the same on every platform.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace simulation {

/// xorshift64* seeded through splitmix64; standard distributions differ between libraries, these do not.
class random {
public:
    explicit random(std::uint64_t seed) {
        seed += 0x9E3779B97F4A7C15u;
        seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9u;
        seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EBu;
        state_ = (seed ^ (seed >> 31)) | 1;
    }

    std::uint64_t bits() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545F4914F6CDD1Du;
    }
    /// (0, 1)
    double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1.0p-53; }
    double between(double low, double high) { return low + (high - low) * uniform(); }
    double log_between(double low, double high) { return low * std::pow(high / low, uniform()); }
    std::uint32_t below(std::uint32_t n) {
        return static_cast<std::uint32_t>((std::uint64_t{static_cast<std::uint32_t>(bits() >> 32)} * n) >>
                                          32);
    }
    double exponential() { return -std::log(uniform()); }
    double normal() {
        return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    }

private:
    std::uint64_t state_;
};

} // namespace simulation

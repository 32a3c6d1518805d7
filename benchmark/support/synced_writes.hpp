// Chains that write a block and wait until the device has it: where each writes, how long it took, when it is enough.
#pragma once

#include "arguments.hpp"
#include "measured_section.hpp"
#include "test_file.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace benchmark {

class synced_writes {
public:
    // Arguments: path, depth (chains), warm_ms, measure_ms. The file is written in place: its blocks are there already.
    explicit synced_writes(arguments& args)
        : path_(args.text("path", "data"))
        , depth_(static_cast<unsigned>(args.number("depth", 8)))
        , section_(args, 16)
        , block_(block_size, std::byte{0x5a})
        , begun_(depth_)
        , next_(depth_) {}

    const std::string& path() const { return path_; }
    unsigned depth() const { return depth_; }
    const std::byte* block() const { return block_.data(); }

    // Where chain `slot` writes next, each in a part of the file that is its own.
    std::uint64_t begin(unsigned slot) {
        begun_[slot] = std::chrono::steady_clock::now();
        return (std::uint64_t{slot} * blocks_each + next_[slot]++ % blocks_each) * block_size;
    }

    // The block that chain `slot` wrote is on the device; false when no other should be written.
    bool ended(unsigned slot) {
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - begun_[slot];
        if (!section_.warming_up())
            took_us_.push_back(took.count());
        return section_.count();
    }

    void print(const arguments& args) {
        section_.print(args, depth_,
                       {{"p50_us", quantile(took_us_, 0.5)},
                        {"p90_us", quantile(took_us_, 0.9)},
                        {"p99_us", quantile(took_us_, 0.99)}});
    }

private:
    static constexpr std::uint64_t blocks_each = 256;

    std::string path_;
    unsigned depth_;
    measured_section section_;
    std::vector<std::byte> block_;
    std::vector<std::chrono::steady_clock::time_point> begun_;
    std::vector<std::uint64_t> next_;
    std::vector<double> took_us_;
};

} // namespace benchmark

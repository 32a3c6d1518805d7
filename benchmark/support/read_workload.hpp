// Random 4 KiB reads at a given depth: where each slot reads next, into which buffer, and when it is enough.
#pragma once

#include "measured_section.hpp"
#include "random.hpp"
#include "test_file.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace benchmark {

class arguments;

class read_workload {
public:
    // Arguments: path, mode (cache or direct), depth, warm_ms, measure_ms, span_mib (how much of the file is
    // read, all by default), work_ns (how long a program computes for each block). Brings the file into the
    // cache state.
    explicit read_workload(arguments& args);
    ~read_workload();
    read_workload(const read_workload&) = delete;
    read_workload& operator=(const read_workload&) = delete;

    const std::string& path() const { return path_; }
    bool direct() const { return direct_; }
    unsigned depth() const { return depth_; }

    // Open for the whole life of the workload, O_DIRECT if that is the mode.
    int fd() const { return fd_; }

    // Each slot has one read in flight, into a page of its own.
    std::byte* buffer(unsigned slot) const { return buffers_.get() + slot * block_size; }

    // Where `slot` reads next; the sequence is the same for all contenders.
    std::uint64_t next_offset(unsigned slot) { return offsets_[slot] = random_.below(blocks_) * block_size; }

    // The read of `slot` ended with `result` (bytes or -errno); false when no other should be started.
    bool completed(unsigned slot, std::int64_t result) {
        if (result != static_cast<std::int64_t>(block_size)) [[unlikely]]
            fail_read(result);
        if (section_.warming_up()) [[unlikely]]
            verify(slot);
        if (work_ns_ != 0) [[unlikely]]
            compute();
        return section_.count();
    }

    void print(const arguments& args) { section_.print(args, depth_); }

private:
    struct free_memory {
        void operator()(std::byte* memory) const;
    };

    [[noreturn]] static void fail_read(std::int64_t result);
    // That the right block arrived; during the warm-up only, because looking at the data costs a cache miss.
    void verify(unsigned slot) const;
    void compute() const;

    std::string path_;
    bool direct_;
    unsigned depth_;
    std::uint64_t work_ns_;
    std::uint64_t blocks_;
    int fd_;
    std::unique_ptr<std::byte[], free_memory> buffers_;
    std::vector<std::uint64_t> offsets_;
    random_sequence random_;
    measured_section section_;
};

} // namespace benchmark

#include "read_workload.hpp"

#include "arguments.hpp"
#include "failure.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace benchmark {
namespace {

bool is_direct(arguments& args) {
    const std::string mode = args.text("mode", "cache");
    if (mode != "cache" && mode != "direct")
        fail("mode is cache or direct");
    return mode == "direct";
}

std::uint64_t blocks_to_read(arguments& args, const std::string& path) {
    const std::uint64_t size = test_file_size(path);
    const std::uint64_t span = args.number("span_mib", 0) << 20;
    return (span == 0 ? size : std::min(size, span)) / block_size;
}

std::byte* allocate_buffers(unsigned depth) {
    const std::size_t size = depth * block_size;
    void* const memory = std::aligned_alloc(block_size, size);
    if (memory == nullptr)
        fail("no memory for buffers");
    // Touched now: page faults belong to nobody's measurement.
    std::memset(memory, 0xff, size);
    return static_cast<std::byte*>(memory);
}

} // namespace

read_workload::read_workload(arguments& args)
    : path_(args.text("path", "benchmark_data"))
    , direct_(is_direct(args))
    , depth_(static_cast<unsigned>(args.number("depth", 32)))
    , work_ns_(args.number("work_ns", 0))
    , blocks_(blocks_to_read(args, path_))
    , fd_(open_test_file(path_, direct_, blocks_ * block_size))
    , buffers_(allocate_buffers(depth_))
    , offsets_(depth_)
    , section_(args) {}

read_workload::~read_workload() {
    ::close(fd_);
}

void read_workload::free_memory::operator()(std::byte* memory) const {
    std::free(memory);
}

void read_workload::fail_read(std::int64_t result) {
    if (result < 0)
        fail("read", static_cast<int>(-result));
    fail("short read");
}

void read_workload::verify(unsigned slot) const {
    std::uint64_t written = 0;
    std::memcpy(&written, buffer(slot), sizeof written);
    if (written != offsets_[slot])
        fail("the wrong block was read");
}

void read_workload::compute() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(work_ns_);
    while (std::chrono::steady_clock::now() < end) {
    }
}

} // namespace benchmark

// A server in a process of its own under the load of this one, and what that cost the server.
//
// The server is measured from outside, by its process's CPU clock: it neither counts nor reads a clock, it
// has no thread and no descriptor it would not have in earnest, and it runs until it is killed.
#pragma once

#include "arguments.hpp"

#include <atomic>
#include <cstdint>
#include <functional>

namespace benchmark {

// What a server that counts may tell, through memory that both processes share. Only its own thread writes.
struct server_counters {
    std::atomic<std::uint64_t> enters{0};      // system calls of its loop
    std::atomic<std::uint64_t> completions{0}; // events they returned

    static void add(std::atomic<std::uint64_t>& counter, std::uint64_t value) {
        counter.store(counter.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
    }
};

// What the server is to serve.
struct served_socket {
    int fd; // listening, or a bound datagram socket
    std::size_t connections;
    std::size_t message_size;
    bool datagrams;
    server_counters& counters;
};

// Arguments: load, depth (connections), size, think_us (all as in load_description), warm_ms, measure_ms, and
// stretches: that many are measured one after the other, to see a server change its pace. `serve` runs in the
// other process, pinned to place 0, and does not return. Returns the exit status.
int run_under_load(arguments& args, const std::function<void(const served_socket&)>& serve);

} // namespace benchmark

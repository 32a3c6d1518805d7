// A thread that runs a context, pinned, and tells its own CPU time.
#pragma once

#include "affinity.hpp"
#include "contender.hpp"
#include "thread_cpu.hpp"

#include <chrono>
#include <thread>

namespace benchmark {

class background_run {
public:
    background_run(io::io_context& context, unsigned place)
        : work_(context.get_executor())
        , thread_([&context, place] {
            pin_this_thread(place);
            context.run();
        }) {}

    // run() may return once nothing is left to do.
    void release() { work_.reset(); }
    void join() { thread_.join(); }

    std::chrono::nanoseconds cpu() { return thread_cpu(thread_); }

private:
    net::executor_work_guard<io_executor> work_;
    std::thread thread_;
};

} // namespace benchmark

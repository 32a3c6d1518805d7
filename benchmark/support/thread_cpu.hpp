// CPU time of one thread, read by another: for benchmarks whose other side spins.
#pragma once

#include "failure.hpp"

#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include <pthread.h>

namespace benchmark {

inline std::chrono::nanoseconds thread_cpu(std::thread& thread) {
    clockid_t clock{};
    if (const int error = ::pthread_getcpuclockid(thread.native_handle(), &clock); error != 0)
        fail("pthread_getcpuclockid", error);
    timespec now{};
    if (::clock_gettime(clock, &now) != 0)
        fail("clock_gettime", errno);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace benchmark

// Times single wakes of a sleeping thread: from before the wake to the moment the other side is seen running.
#pragma once

#include "arguments.hpp"
#include "measurement.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace benchmark {

// The woken side stores the number it was given; alone on its cache line, as the waker spins on it.
struct alignas(64) acknowledgement {
    std::atomic<std::uint64_t> value{0};
};

class wake_samples {
public:
    // Arguments: warm_ms, measure_ms, gap_us (how long the sleeper is left alone before each wake).
    explicit wake_samples(arguments& args)
        : warm_(args.number("warm_ms", 200))
        , measure_(args.number("measure_ms", 1000))
        , gap_(args.number("gap_us", 50)) {}

    // wake(n) has to make the other thread store n; sleeper_cpu() is that thread's CPU time.
    template <typename Wake, typename Cpu>
    void take(acknowledgement& seen, Wake wake, Cpu sleeper_cpu) {
        for (const auto until = clock::now() + warm_; clock::now() < until;)
            sample(seen, wake);
        wake_ns_.clear();
        issue_ns_.clear();
        begin_ = usage_now();
        begin_.cpu_user = sleeper_cpu();
        while (std::chrono::steady_clock::now() < begin_.wall + measure_)
            sample(seen, wake);
        end_ = usage_now();
        end_.cpu_user = sleeper_cpu();
        // The process's own figure is mostly this thread spinning.
        begin_.cpu_system = end_.cpu_system = {};
    }

    // wake_ns: until the other side ran; issue_ns: what the waker itself spent.
    void print(const arguments& args) {
        print_result(args, 1, begin_, end_, wake_ns_.size(),
                     {{"wake_ns", quantile(wake_ns_, 0.5)},
                      {"wake_p99_ns", quantile(wake_ns_, 0.99)},
                      {"issue_ns", quantile(issue_ns_, 0.5)}});
    }

private:
    using clock = std::chrono::steady_clock;

    template <typename Wake>
    void sample(acknowledgement& seen, Wake& wake) {
        const std::uint64_t number = ++wakes_;
        for (const auto until = clock::now() + gap_; clock::now() < until;)
            ;
        const auto start = clock::now();
        wake(number);
        const auto issued = clock::now();
        while (seen.value.load(std::memory_order_acquire) != number)
            __builtin_ia32_pause();
        const auto woken = clock::now();
        wake_ns_.push_back(std::chrono::duration<double, std::nano>(woken - start).count());
        issue_ns_.push_back(std::chrono::duration<double, std::nano>(issued - start).count());
    }

    std::chrono::milliseconds warm_;
    std::chrono::milliseconds measure_;
    std::chrono::microseconds gap_;
    std::uint64_t wakes_ = 0;
    std::vector<double> wake_ns_;
    std::vector<double> issue_ns_;
    usage begin_{};
    usage end_{};
};

} // namespace benchmark

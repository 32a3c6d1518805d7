// Posting from a thread outside run(): one post to a sleeping context, and bursts.
#include "support/affinity.hpp"
#include "support/background_run.hpp"
#include "support/contender.hpp"
#include "support/measured_section.hpp"
#include "support/wake_samples.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace {

using namespace benchmark;

void measure_single(arguments& args, io::io_context& context) {
    wake_samples samples(args);
    args.reject_unknown();
    const auto executor = context.get_executor();
    acknowledgement seen;
    background_run runner(context, 0);
    samples.take(
        seen,
        [&](std::uint64_t number) {
            net::post(executor, [&seen, number] { seen.value.store(number, std::memory_order_release); });
        },
        [&] { return runner.cpu(); });
    runner.release();
    runner.join();
    samples.print(args);
}

// Counts the handlers of a burst; only the context's thread touches `done`.
struct burst {
    std::uint64_t size;
    std::uint64_t done = 0;
    alignas(64) std::atomic<std::uint64_t> bursts_done{0};
};

struct burst_handler {
    burst* all;

    void operator()() const {
        if (++all->done < all->size)
            return;
        all->done = 0;
        all->bursts_done.fetch_add(1, std::memory_order_release);
        all->bursts_done.notify_one();
    }
};

void measure_bursts(arguments& args, io::io_context& context) {
    burst all{args.number("depth", 1000)};
    measured_section section(args, all.size);
    args.reject_unknown();
    const auto executor = context.get_executor();
    background_run runner(context, 0);
    std::uint64_t bursts = 0;
    do {
        for (std::uint64_t i = 0; i < all.size; ++i)
            net::post(executor, burst_handler{&all});
        all.bursts_done.wait(bursts++, std::memory_order_acquire);
    } while (section.count(all.size));
    runner.release();
    runner.join();
    section.print(args, all.size);
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    if (place_count() < 2)
        unsupported("needs two processors");
    pin_this_thread(1);
    const auto context = make_context(args);
    const std::string mode = args.text("mode", "single");
    if (mode == "single")
        measure_single(args, *context);
    else if (mode == "burst")
        measure_bursts(args, *context);
    else
        fail("mode is single or burst");
}

// The floor under a post to another thread: waking a sleeping thread by hand, each way there is.
#include "peers/wake_channel.hpp"
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/failure.hpp"
#include "support/measured_section.hpp"
#include "support/thread_cpu.hpp"
#include "support/wake_samples.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace {

using namespace benchmark;

void measure_single(arguments& args, const std::string& kind) {
    wake_samples samples(args);
    args.reject_unknown();
    const auto channel = make_wake_channel(kind);
    acknowledgement seen;
    // Atomic because a wake_channel orders nothing: the number is the message.
    std::atomic<std::uint64_t> message{0};
    std::thread sleeper([&] {
        pin_this_thread(0);
        do {
            channel->wait();
            seen.value.store(message.load(std::memory_order_acquire), std::memory_order_release);
        } while (message.load(std::memory_order_acquire) != UINT64_MAX);
    });
    const auto wake = [&](std::uint64_t number) {
        message.store(number, std::memory_order_release);
        channel->wake();
    };
    samples.take(seen, wake, [&] { return thread_cpu(sleeper); });
    wake(UINT64_MAX);
    sleeper.join();
    samples.print(args);
}

// Two threads that wake each other in turn and sleep in between; one operation is one hop.
void measure_ping_pong(arguments& args, const std::string& kind) {
    measured_section section(args);
    args.reject_unknown();
    const auto here = make_wake_channel(kind);
    const auto there = make_wake_channel(kind);
    std::atomic<bool> stop{false};
    std::thread other([&] {
        pin_this_thread(1);
        there->wait();
        while (!stop.load(std::memory_order_acquire))
            there->wake_and_wait(*here);
    });
    pin_this_thread(0);
    do
        here->wake_and_wait(*there);
    while (section.count(2));
    stop.store(true, std::memory_order_release);
    there->wake();
    other.join();
    section.print(args, 1);
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_wake");
    if (place_count() < 2)
        unsupported("needs two processors");
    pin_this_thread(1);
    const std::string kind = args.text("kind", "eventfd_ring");
    const std::string mode = args.text("mode", "single");
    if (mode == "single")
        measure_single(args, kind);
    else if (mode == "ping_pong")
        measure_ping_pong(args, kind);
    else
        fail("mode is single or ping_pong");
}

// Messages that bounce between two running threads: one for the latency of a hop, many for throughput.
#include "support/affinity.hpp"
#include "support/background_run.hpp"
#include "support/contender.hpp"
#include "support/measured_section.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace {

using namespace benchmark;

void compute(std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

template <typename Executor>
struct route {
    Executor here;
    Executor there;
    measured_section& section;
    std::chrono::microseconds work; // of each handler, before it answers
    std::atomic<std::uint64_t> ended{0};
};

// One operation is one hop. Both ends of the measurement are on one side, so that counting needs no atomic.
template <typename Executor>
struct message {
    route<Executor>* way;
    bool outbound;

    void operator()() const {
        if (way->work.count() != 0)
            compute(way->work);
        if (outbound) {
            net::post(way->here, message{way, false});
        } else if (way->section.count(2)) {
            net::post(way->there, message{way, true});
        } else {
            way->ended.fetch_add(1, std::memory_order_release);
            way->ended.notify_one();
        }
    }
};

template <typename Executor>
void bounce(route<Executor>& way, std::uint64_t messages) {
    for (std::uint64_t i = 0; i < messages; ++i)
        net::post(way.here, message<Executor>{&way, false});
    for (std::uint64_t ended = 0; (ended = way.ended.load(std::memory_order_acquire)) < messages;)
        way.ended.wait(ended, std::memory_order_acquire);
}

// One context with two threads in run(). On auraio, two of its rings; on Asio two strands, which make the
// same promise though either thread may run either.
void bounce_in_one_context(measured_section& section, std::uint64_t messages,
                           std::chrono::microseconds work) {
    io::io_context context(2);
    background_run first(context, 0);
    background_run second(context, 1);
#if defined(BENCHMARK_AURAIO)
    while (context.ring_count() < 2)
        std::this_thread::yield();
    route<io_executor> way{context.ring_executor(0), context.ring_executor(1), section, work};
#else
    route<net::strand<io_executor>> way{net::make_strand(context), net::make_strand(context), section, work};
#endif
    bounce(way, messages);
    first.release();
    second.release();
    first.join();
    second.join();
}

// A context per thread, the usual way to scale Asio.
void bounce_between_contexts(io::io_context& one, io::io_context& other, measured_section& section,
                             std::uint64_t messages, std::chrono::microseconds work) {
    background_run first(one, 0);
    background_run second(other, 1);
    route<io_executor> way{one.get_executor(), other.get_executor(), section, work};
    bounce(way, messages);
    first.release();
    second.release();
    first.join();
    second.join();
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    if (place_count() < 2)
        unsupported("needs two processors");
    const std::string contexts = args.text("contexts", "two");
    const auto one = make_context(args);
    const auto other = make_context(args);
    const auto messages = args.number("depth", 1);
    const std::chrono::microseconds work(args.number("work_us", 0));
    measured_section section(args);
    args.reject_unknown();
    if (contexts == "two")
        bounce_between_contexts(*one, *other, section, messages, work);
    else if (contexts == "one")
        bounce_in_one_context(section, messages, work);
    else
        fail("contexts is one or two");
    section.print(args, messages);
}

// Handlers that post themselves again from inside run(): what a post and its upcall cost, no more.
#include "support/affinity.hpp"
#include "support/contender.hpp"
#include "support/measured_section.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

namespace {

using namespace benchmark;

struct chain {
    io_executor executor;
    measured_section& section;
    // Pending all the time, if asked for. Most contexts have a timer or a socket, and from then on Asio's
    // enters the kernel between its handlers, where a bare one does not.
    std::optional<io::steady_timer> timer;
};

// As small as a handler can be, so that the cost is the library's.
struct chain_link {
    chain* all;

    void operator()() const {
        if (all->section.count())
            net::post(all->executor, *this);
        else if (all->timer)
            all->timer->cancel();
    }
};

// Argument to: the context's executor, or that of its first ring, which is an implicit strand.
io_executor choose_executor(io::io_context& context, const std::string& to) {
    if (to == "context")
        return context.get_executor();
#if defined(BENCHMARK_AURAIO)
    if (to == "ring")
        return context.ring_executor(0);
#endif
    fail("no such executor: " + to);
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    const auto context = make_context(args);
    const auto executor = choose_executor(*context, args.text("to", "context"));
    const auto chains = args.number("depth", 1);
    const bool with_timer = args.number("timer", 0) != 0;
    measured_section section(args, 4096);
    args.reject_unknown();

    chain all{executor, section, std::nullopt};
    if (with_timer) {
        all.timer.emplace(*context, std::chrono::hours(1));
        all.timer->async_wait([](const std::error_code&) {});
    }
    for (std::uint64_t i = 0; i < chains; ++i)
        net::post(executor, chain_link{&all});
    context->run();
    section.print(args, chains);
}

// Coroutines on a context: co_await of a post, of nested coroutines, of a timer that is due, and co_spawn, from inside
// of run() and from outside.
#include "support/affinity.hpp"
#include "support/contender.hpp"
#include "support/measured_section.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>

namespace {

using namespace benchmark;

void rethrow(std::exception_ptr error) {
    if (error)
        std::rethrow_exception(error);
}

// Executor: any_io_executor, asio::awaitable's default, or the context's own.
template <typename Executor>
class scenarios {
public:
    scenarios(io::io_context& context, measured_section& section)
        : executor_(context.get_executor())
        , section_(section) {}

    void spawn(const std::string& mode, std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            if (mode == "post")
                net::co_spawn(executor_, await_posts(), rethrow);
            else if (mode == "nested")
                net::co_spawn(executor_, await_nested(), rethrow);
            else if (mode == "timer")
                net::co_spawn(executor_, await_timers(), rethrow);
            else if (mode == "spawn")
                net::co_spawn(executor_, await_spawned(), rethrow);
            else
                fail("mode is post, nested, timer, spawn or outside");
        }
    }

    // Empty coroutines, so many before each run().
    void spawn_outside(io::io_context& context, std::uint64_t count) {
        do {
            for (std::uint64_t i = 0; i < count; ++i)
                net::co_spawn(executor_, nothing(), rethrow);
            context.restart();
            context.run();
        } while (section_.count(count));
    }

private:
    template <typename T>
    using awaitable = net::awaitable<T, Executor>;
    static constexpr net::use_awaitable_t<Executor> token{};

    awaitable<void> await_posts() {
        do
            co_await net::post(executor_, token);
        while (section_.count());
    }

    // Four frames for each operation, and never back to the loop.
    awaitable<void> await_nested() {
        // A statement of its own: GCC 12 miscompiles co_await inside the argument of a member call.
        std::uint64_t completed = 0;
        do
            completed = co_await nested(3);
        while (section_.count(completed));
    }

    awaitable<std::uint64_t> nested(unsigned deeper) {
        if (deeper == 0)
            co_return 1;
        co_return co_await nested(deeper - 1);
    }

    awaitable<void> await_timers() {
        io::steady_timer timer(executor_);
        do {
            timer.expires_after(std::chrono::nanoseconds(0));
            co_await timer.async_wait(token);
        } while (section_.count());
    }

    awaitable<void> await_spawned() {
        do
            co_await net::co_spawn(executor_, nothing(), token);
        while (section_.count());
    }

    awaitable<void> nothing() { co_return; }

    io_executor executor_;
    measured_section& section_;
};

template <typename Executor>
void run(io::io_context& context, measured_section& section, const std::string& mode, std::uint64_t count) {
    scenarios<Executor> all(context, section);
    if (mode == "outside")
        return all.spawn_outside(context, count);
    all.spawn(mode, count);
    context.run();
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    const auto context = make_context(args);
    const std::string mode = args.text("mode", "post");
    const std::string executor = args.text("executor", "any");
    const auto count = args.number("depth", 1);
    measured_section section(args, 1024);
    args.reject_unknown();

    if (executor == "any")
        run<net::any_io_executor>(*context, section, mode, count);
    else if (executor == "typed")
        run<io_executor>(*context, section, mode, count);
    else
        fail("executor is any or typed");
    section.print(args, count);
}

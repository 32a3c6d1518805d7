// idle_program: reads its own beginning, then does nothing but wait for a timer of one hour, in as many
// threads as its argument says; ends on stdin.
#include <auraio/io_context.hpp>
#include <auraio/random_access_file.hpp>
#include <auraio/steady_timer.hpp>

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>
#include <vector>

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
    aura::io_context ctx;
    aura::steady_timer timer(ctx, std::chrono::hours(1));
    timer.async_wait([](aura::error_code) {});
    // What looks after the device meanwhile has to end as well.
    aura::random_access_file file(ctx, argv[0], aura::file_base::read_only);
    char beginning[64];
    file.async_read_some_at(0, aura::net::buffer(beginning), [](aura::error_code, std::size_t) {});
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i)
        running.emplace_back([&] { ctx.run(); });
    // The reader of the trace looks between these two lines.
    std::puts("idle");
    std::fflush(stdout);
    char c;
    const auto n = ::read(0, &c, 1); // blocks until the test has seen enough
    ctx.stop();
    for (auto& t : running)
        t.join();
    return n == 1 ? 0 : 1;
}

#include "load_generator.hpp"

#include "failure.hpp"

namespace benchmark {

void closed_loop::run_for(std::chrono::nanoseconds duration) {
    constexpr std::chrono::seconds patience(3);
    auto now = std::chrono::steady_clock::now();
    const auto end = now + duration;
    auto last_progress = now;
    std::uint64_t seen = round_trips();
    while (now < end) {
        turn();
        now = std::chrono::steady_clock::now();
        if (round_trips() != seen) {
            seen = round_trips();
            last_progress = now;
        } else if (now - last_progress > patience) {
            fail("the server has stopped answering");
        }
    }
}

std::unique_ptr<load_generator> make_load(const load_description& what) {
    if (what.kind == "echo")
        return make_ring_load(what);
    if (what.kind == "epoll_echo" || what.kind == "churn" || what.kind == "udp")
        return make_epoll_load(what);
    if (what.kind == "http")
        return make_wrk_load(what);
    fail("load is echo, epoll_echo, churn, udp or http");
}

} // namespace benchmark

// Clients of a server, in this process or started by it; they verify what comes back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace benchmark {

class load_generator {
public:
    load_generator() = default;
    load_generator(const load_generator&) = delete;
    load_generator& operator=(const load_generator&) = delete;
    virtual ~load_generator() = default;

    // Loads the server that long, or a little longer. Fails when the server answers wrongly, or not for
    // seconds.
    virtual void run_for(std::chrono::nanoseconds duration) = 0;

    // Requests that were answered as they should be.
    std::uint64_t round_trips() const { return round_trips_; }

protected:
    void count_round_trips(std::uint64_t count) { round_trips_ += count; }

private:
    std::uint64_t round_trips_ = 0;
};

// Clients in this thread that send the next message when the last has come back.
class closed_loop : public load_generator {
public:
    void run_for(std::chrono::nanoseconds duration) final;

protected:
    // Handles what has come, and waits for it no longer than 10 ms.
    virtual void turn() = 0;
};

struct load_description {
    // echo: a message at a time per connection, from a client cheaper than any server
    // epoll_echo: the same from a client that is as expensive as a server on epoll
    // churn: a connection for each message; udp; http: keep-alive requests by wrk
    std::string kind;
    std::uint16_t port;              // on the loopback
    std::size_t connections;         // that many messages are on their way at any time
    std::size_t message_size;        // bytes
    std::chrono::microseconds think; // echo: the pause of a client before its next message
};

// Connects, and sends nothing yet.
std::unique_ptr<load_generator> make_load(const load_description& what);

std::unique_ptr<load_generator> make_ring_load(const load_description& what);
std::unique_ptr<load_generator> make_epoll_load(const load_description& what);
std::unique_ptr<load_generator> make_wrk_load(const load_description& what);

} // namespace benchmark

// outside_wait: an engine as one descriptor, for a program that waits in an event loop of its own.
#pragma once

#include "auraio/core/io/backend.hpp"

#include <bitset>
#include <mutex>

namespace aura::core {

class engine;

/// An epoll instance over the rings, readable when a turn of the engine has something to do. Shards that
/// nobody drives are left *asleep*, as by a driver that blocks: then whoever hands something over wakes, and
/// the wake is a completion in their ring. Deadlines are a timerfd's. Nothing of this exists until it is
/// asked for.
class outside_wait {
public:
    /// Throws engine_error. arm() has been called.
    explicit outside_wait(engine& e);
    ~outside_wait();
    outside_wait(const outside_wait&) = delete;

    int fd() const noexcept { return epoll_fd_; }

    /// Any thread outside of run(), after it has been in there or has visited a shard: puts shards that are
    /// free to sleep and sets the deadline. Shards that are driven are left to the thread that does, which
    /// calls this when it leaves. Throws engine_error.
    void arm();

private:
    void add(int fd);
    void show_ready(bool ready) noexcept;
    void set_deadline(nanoseconds_t deadline) noexcept;

    engine& engine_;
    int epoll_fd_ = -1;
    int event_fd_ = -1; // readable while something is ready that no ring shows
    int timer_fd_ = -1;
    std::mutex mutex_; // guards what follows
    bool ready_ = false;
    nanoseconds_t deadline_ = never;
    std::bitset<512> added_; // rings, by the number of their shard
};

} // namespace aura::core

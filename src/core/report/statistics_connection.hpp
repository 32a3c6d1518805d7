// statistics_connection: what the server of statistics has of each who asks.
#pragma once

#include <chrono>
#include <string>
#include <unistd.h>
#include <utility>

namespace aura::core {

// Not in an unnamed namespace: the server's state has members of these types, and may be compiled together with other
// files.

class owned_fd {
public:
    explicit owned_fd(int fd = -1) noexcept
        : fd_(fd) {}
    owned_fd(owned_fd&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    owned_fd& operator=(owned_fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~owned_fd() { close(); }
    void close() noexcept {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// A connection, and what is on its way over it.
struct statistics_connection {
    using clock = std::chrono::steady_clock;

    owned_fd fd;
    clock::time_point until = clock::time_point::max();
    bool is_http = false;
    bool ends = false; // once all is written
    std::string received = {};
    std::string to_send = {};
};

} // namespace aura::core

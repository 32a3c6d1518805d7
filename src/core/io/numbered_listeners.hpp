// numbered_listeners: listening sockets that accepts name by their numbers alone, as the C library's do.
#pragma once

#include <cstddef>
#include <vector>

namespace aura::core {

class descriptor;
class shard;

/// Belongs to a shard; everything is called by the thread that drives it. For each number a descriptor that
/// owns no file: it has the lane in which accepts wait for their turn, and the epoll set in which the socket
/// is waited for (see descriptor::watch_listener()).
///
/// Nobody says when a number comes to mean another socket. An epoll set forgets a file that is closed, and
/// knows its files by their identity and number both. So before anybody waits, the socket is added to the set
/// once more: that it is there already is the answer hoped for, and costs one system call for each accept
/// that waits. With an accept that waits already it is asked at the beginning of the next one; that one
/// waits for a socket which is gone, and is cancelled.
class numbered_listeners {
public:
    explicit numbered_listeners(shard& home) noexcept
        : home_(home) {}
    numbered_listeners(const numbered_listeners&) = delete;
    ~numbered_listeners();

    /// The target of an accept on the number; null when there is no memory.
    descriptor* find(int fd) noexcept;

    /// Forgets the number: accepts that wait end with ECANCELED, and none names it any more once the kernel
    /// has taken what is queued.
    void retire(int fd) noexcept;

private:
    struct entry {
        int fd;
        descriptor* listener;
    };
    using iterator = std::vector<entry>::iterator;
    iterator position_of(int fd) noexcept;
    void retire(iterator which) noexcept;
    void sweep() noexcept;

    shard& home_;
    std::vector<entry> entries_; // in the order of their numbers
    std::size_t sweep_at_ = 16;
};

} // namespace aura::core

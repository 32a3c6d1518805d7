// epoll_set: one epoll(7) set, the eventfd in it by which other threads end a wait, and how long it waits.
#pragma once

#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>
#include <span>
#include <sys/epoll.h>

namespace aura::core::epoll {

/// Belongs to the thread that drives the shard, except where it says otherwise. Functions return 0 or a
/// negated errno. In a child of fork both descriptors are closed at once: the set they stand for goes on in
/// the parent, and must not be touched.
class epoll_set : private fork_aware {
public:
    /// What wait() says of the eventfd.
    static constexpr std::uint64_t woken = ~std::uint64_t{0};

    /// Throws engine_error.
    epoll_set();
    ~epoll_set();

    int fd() const noexcept { return set_; }
    bool is_own() const noexcept { return set_ >= 0; }

    int add(int fd, std::uint32_t events, std::uint64_t data) noexcept;
    int modify(int fd, std::uint32_t events, std::uint64_t data) noexcept;

    /// Any thread.
    void remove(int fd) noexcept;

    /// Any thread: whether a wait would return at once. What a wait has returned by edges does not show any more.
    bool has_events() const noexcept;

    /// Any thread: makes the current or the next wait() return, and the set readable until then.
    void strike() noexcept;

    /// Puts another set in the place of this one, under its number, with nothing in it but the eventfd. False: there is
    /// none to be had.
    bool renew() noexcept;

    /// For `left` at most (never: without end). How many events: none also where a signal, or a fork, has ended it.
    /// Throws engine_error.
    int wait(std::span<epoll_event> events, nanoseconds_t left);

private:
    static void sever(fork_aware& self) noexcept;
    void close_both() noexcept;

    int set_ = -1;
    int bell_ = -1;
};

} // namespace aura::core::epoll

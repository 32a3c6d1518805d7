// epoll_set: thin over epoll(7) and eventfd(2).
#include "epoll_set.hpp"

#include "auraio/core/base/clock.hpp"
#include "auraio/core/base/engine_error.hpp"
#include "core/base/first_use.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core::epoll {

namespace {

#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441 // the same number on every architecture, as all since Linux 5.5
#endif

int wait_exactly(int set, std::span<epoll_event> events, const timespec* left) noexcept {
    return static_cast<int>(::syscall(__NR_epoll_pwait2, set, events.data(), static_cast<int>(events.size()),
                                      left, nullptr, sizeof(std::uint64_t)));
}

/// Linux 5.11. Of a set that does not exist a kernel that knows the call says so.
bool waits_exactly() noexcept {
    static constinit first_use<bool> known;
    return known.get([] {
        epoll_event e{};
        const timespec none{};
        return wait_exactly(-1, std::span(&e, 1), &none) < 0 && errno == EBADF;
    });
}

/// Never less than asked for: timers do not fire early.
int milliseconds(nanoseconds_t left) noexcept {
    constexpr nanoseconds_t longest = 1'000'000'000; // ms; may well end early
    return left == never ? -1 : static_cast<int>(std::min((left + 999'999) / 1'000'000, longest));
}

[[noreturn]] void throw_errno(const char* call) {
    const int error = errno;
    const bool numbers = error == EMFILE || error == ENFILE;
    throw engine_error(error, std::string("auraio: ") + call + ": " + std::strerror(error) +
                                  (numbers ? " (no file descriptor left: raise RLIMIT_NOFILE)" : ""));
}

int control(int set, int how, int fd, std::uint32_t events, std::uint64_t data) noexcept {
    epoll_event e{};
    e.events = events;
    e.data.u64 = data;
    return ::epoll_ctl(set, how, fd, &e) == 0 ? 0 : -errno;
}

} // namespace

epoll_set::epoll_set()
    : fork_aware(&sever) {
    try {
        set_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (set_ < 0)
            throw_errno("epoll_create1");
        bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (bell_ < 0)
            throw_errno("eventfd");
        // Edge-triggered: each write shows once, and nobody has to read it away.
        if (control(set_, EPOLL_CTL_ADD, bell_, EPOLLIN | EPOLLET, woken) < 0)
            throw_errno("epoll_ctl");
    } catch (...) {
        close_both();
        throw;
    }
    enlist();
}

epoll_set::~epoll_set() {
    close_both();
    delist();
}

void epoll_set::close_both() noexcept {
    for (int* fd : {&set_, &bell_}) {
        if (*fd >= 0)
            ::close(*fd);
        *fd = -1;
    }
}

void epoll_set::sever(fork_aware& self) noexcept {
    static_cast<epoll_set&>(self).close_both();
}

int epoll_set::add(int fd, std::uint32_t events, std::uint64_t data) noexcept {
    return control(set_, EPOLL_CTL_ADD, fd, events, data);
}

int epoll_set::modify(int fd, std::uint32_t events, std::uint64_t data) noexcept {
    return control(set_, EPOLL_CTL_MOD, fd, events, data);
}

void epoll_set::remove(int fd) noexcept {
    if (is_own())
        ::epoll_ctl(set_, EPOLL_CTL_DEL, fd, nullptr);
}

void epoll_set::strike() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell_, &one, sizeof one);
}

bool epoll_set::has_events() const noexcept {
    pollfd p{set_, POLLIN, 0};
    return ::poll(&p, 1, 0) > 0;
}

bool epoll_set::renew() noexcept {
    const int fresh = ::epoll_create1(EPOLL_CLOEXEC);
    if (fresh < 0)
        return false;
    const bool is_added = control(fresh, EPOLL_CTL_ADD, bell_, EPOLLIN | EPOLLET, woken) == 0;
    const bool is_in_place = is_added && ::dup3(fresh, set_, O_CLOEXEC) == set_;
    ::close(fresh);
    return is_in_place;
}

int epoll_set::wait(std::span<epoll_event> events, nanoseconds_t left) {
    int count;
    if (left != never && left != 0 && waits_exactly()) {
        const timespec time = timespec_of(left);
        count = wait_exactly(set_, events, &time);
    } else {
        count = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), milliseconds(left));
    }
    if (count < 0 && errno != EINTR && is_own())
        throw_errno("epoll_wait");
    return std::max(count, 0);
}

} // namespace aura::core::epoll

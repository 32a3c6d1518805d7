// readiness_aid: thin over epoll(7) and timerfd_create(2).
#include "core/io/readiness_aid.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace aura::core {

int watch_for_change(int fd, std::uint32_t events) noexcept {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return -errno;
    epoll_event e{};
    e.events = events | EPOLLET; // the first words of poll(2) and epoll(7) are the same
    if (::epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0)
        return set;
    const int error = errno;
    ::close(set);
    return -error;
}

std::uint32_t take_change(int aid) noexcept {
    epoll_event e{};
    return ::epoll_wait(aid, &e, 1, 0) == 1 ? e.events : 0;
}

int wait_a_while(int aid) noexcept {
    constexpr long shortest = 1'000'000, longest = 32'000'000; // ns
    itimerspec time{};
    if (aid < 0) {
        aid = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (aid < 0)
            return -errno;
    } else {
        ::timerfd_gettime(aid, &time); // it_interval is used to remember how long the last time was
    }
    const long last = time.it_interval.tv_nsec;
    const long now = last == 0 ? shortest : last < longest / 2 ? 2 * last : longest;
    time.it_interval = {0, now};
    time.it_value = {0, now};
    ::timerfd_settime(aid, 0, &time, nullptr);
    return aid;
}

} // namespace aura::core

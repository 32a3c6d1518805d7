// inert_descriptor: the two descriptors that a process keeps for moments without any.
#include "auraio/core/inert_descriptor.hpp"

#include "auraio/core/spin_lock.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sys/epoll.h>
#include <unistd.h>

namespace aura::core {

namespace {

// Both are empty epoll sets, which fork inherits and exec closes. Relaxed: a number stands for itself, and
// whoever uses one asks the kernel first whether it is what it should be, for a program may close numbers it
// does not know of.
constinit std::atomic<int> inert{-1};
constinit std::atomic<int> spare{-1}; // a number more, for a file that has to move when no other is free
constinit spin_lock lock;             // whoever opens one of them
constinit spin_lock spare_lock;       // whoever uses the spare number

bool is_empty_set(int fd) noexcept {
    epoll_event event;
    return fd >= 0 && ::epoll_wait(fd, &event, 1, 0) == 0;
}

void open_set_locked(std::atomic<int>& place) noexcept {
    if (!is_empty_set(place.load(std::memory_order_relaxed)))
        place.store(::epoll_create1(EPOLL_CLOEXEC), std::memory_order_relaxed);
}

bool replace(int by, int number) noexcept {
    int r;
    do
        r = ::dup3(by, number, O_CLOEXEC);
    while (r < 0 && (errno == EINTR || errno == EBUSY));
    return r >= 0;
}

} // namespace

void reserve_inert_descriptors() noexcept {
    if (inert.load(std::memory_order_relaxed) >= 0 && spare.load(std::memory_order_relaxed) >= 0)
        return;
    std::lock_guard guard(lock);
    open_set_locked(inert);
    open_set_locked(spare);
}

bool make_inert(int number) noexcept {
    int set = inert.load(std::memory_order_relaxed);
    if (!is_empty_set(set)) [[unlikely]] {
        std::lock_guard guard(lock);
        open_set_locked(inert);
        set = inert.load(std::memory_order_relaxed);
    }
    return set >= 0 && replace(set, number);
}

second_number::second_number(int first) noexcept
    : number_(::fcntl(first, F_DUPFD_CLOEXEC, 0)) {
    if (number_ >= 0)
        return;
    spare_lock.lock();
    const int number = spare.load(std::memory_order_relaxed);
    if (is_empty_set(number) && replace(first, number)) {
        number_ = number;
        reserved_ = true;
    } else {
        spare_lock.unlock();
    }
}

second_number::~second_number() {
    if (!reserved_) {
        if (number_ >= 0)
            ::close(number_);
        return;
    }
    if (!make_inert(number_)) { // somebody has closed the set: this number is used up
        spare.store(-1, std::memory_order_relaxed);
        ::close(number_);
    }
    spare_lock.unlock();
}

} // namespace aura::core

// inert_descriptor: the two descriptors that a process keeps for moments without any.
#include "core/io/inert_descriptor.hpp"

#include "auraio/core/base/spin_lock.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <new>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace aura::core {

namespace {

// Both are empty epoll sets, which fork inherits and exec closes. Relaxed: a number stands for itself, and
// whoever uses one asks the kernel first whether it is what it should be, for a program may close numbers it
// does not know of, and get them again for files of its own.
constinit std::atomic<int> inert{-1};
constinit std::atomic<int> spare{-1}; // a number more, for a file that has to move when no other is free
constinit spin_lock lock;             // whoever opens the first
constinit spin_lock spare_lock;       // whoever opens or uses the second

/// In a child of fork(2), where the thread that has a lock may not exist. They are not held across the fork: whoever
/// uses the second may wait for others meanwhile. What that thread has left behind is a number that is another file's,
/// and then a new one is opened.
void free_locks() noexcept {
    ::new (static_cast<void*>(&lock)) spin_lock;
    ::new (static_cast<void*>(&spare_lock)) spin_lock;
}
// From the moment at which the library is there: a child may come of a fork during the very first use.
[[maybe_unused]] const int asked_to_free_locks = ::pthread_atfork(nullptr, nullptr, &free_locks);

/// What tells our sets from others: fcntl(2)'s signal for O_ASYNC, which is never set. It belongs to the open
/// file, so that all its numbers have it; other files have 0 there.
constexpr int mark = 63;

bool is_ours(int fd) noexcept {
    return fd >= 0 && ::fcntl(fd, F_GETSIG) == mark;
}

void open_set_locked(std::atomic<int>& place) noexcept {
    if (is_ours(place.load(std::memory_order_relaxed)))
        return;
    int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set >= 0 && ::fcntl(set, F_SETSIG, mark) != 0) {
        ::close(set);
        set = -1;
    }
    place.store(set, std::memory_order_relaxed);
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
    {
        const std::lock_guard guard(lock);
        open_set_locked(inert);
    }
    const std::lock_guard guard(spare_lock); // a spare number that is in use now is another file's
    open_set_locked(spare);
}

bool make_inert(int number) noexcept {
    int set = inert.load(std::memory_order_relaxed);
    if (!is_ours(set)) [[unlikely]] {
        std::lock_guard guard(lock);
        open_set_locked(inert);
        set = inert.load(std::memory_order_relaxed);
    }
    return set >= 0 && replace(set, number);
}

int keep_number() noexcept {
    const int set = inert.load(std::memory_order_relaxed);
    return is_ours(set) ? ::fcntl(set, F_DUPFD_CLOEXEC, 0) : -1;
}

void give_number_back(int number) noexcept {
    if (is_ours(number))
        ::close(number);
}

second_number::second_number(int first) noexcept
    : number_(::fcntl(first, F_DUPFD_CLOEXEC, 0)) {
    if (number_ >= 0)
        return;
    spare_lock.lock();
    const int number = spare.load(std::memory_order_relaxed);
    if (is_ours(number) && replace(first, number)) {
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

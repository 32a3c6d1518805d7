// outside_wait: which rings to watch, and when.
#include "core/loop/outside_wait.hpp"

#include "auraio/core/loop/engine.hpp"

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace aura::core {

namespace {

[[noreturn]] void throw_errno(const char* call) {
    const int error = errno;
    throw engine_error(error, std::string("auraio: ") + call + ": " + std::strerror(error));
}

} // namespace

outside_wait::outside_wait(engine& e)
    : engine_(e) {
    static_assert(engine::max_shards == 512);
    try {
        epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_fd_ < 0)
            throw_errno("epoll_create1");
        event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event_fd_ < 0)
            throw_errno("eventfd");
        timer_fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (timer_fd_ < 0)
            throw_errno("timerfd_create");
        add(event_fd_);
        add(timer_fd_);
        arm();
    } catch (...) {
        this->~outside_wait();
        throw;
    }
}

outside_wait::~outside_wait() {
    for (const int fd : {timer_fd_, event_fd_, epoll_fd_})
        if (fd >= 0)
            ::close(fd);
}

void outside_wait::add(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0)
        throw_errno("epoll_ctl");
}

void outside_wait::arm() {
    std::lock_guard guard(mutex_);
    bool ready = false;
    nanoseconds_t deadline = never;
    const unsigned count = engine_.shard_count();
    for (unsigned i = 0; i < count; ++i) {
        shard& s = engine_.shard_at(i);
        const shard_visit visit(s);
        if (!visit || visit.driving())
            continue;
        s.ensure_backend();
        s.io().attach_visitor();
        if (!added_.test(i)) {
            add(s.io().readiness_fd());
            added_.set(i);
        }
        s.reap(); // wakes that have been heeded: without requests a turn does not look for them
        s.tick_devices();
        if (s.has_ready() || !s.try_sleep()) {
            ready = true;
            continue;
        }
        s.io().arm_wake();
        const nanoseconds_t next = s.next_deadline();
        deadline = next < deadline ? next : deadline;
    }
    show_ready(ready);
    set_deadline(deadline);
}

void outside_wait::show_ready(bool ready) noexcept {
    // Said anew each time that there is something: who is told of changes only, by EPOLLET, has had a turn since.
    if (!ready && !ready_)
        return;
    ready_ = ready;
    std::uint64_t count = 1;
    if (ready) [[maybe_unused]]
        const auto written = ::write(event_fd_, &count, sizeof count);
    else [[maybe_unused]]
        // Never blocks, the descriptor is set so. NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection)
        const auto got = ::read(event_fd_, &count, sizeof count);
}

void outside_wait::set_deadline(nanoseconds_t deadline) noexcept {
    if (deadline == deadline_)
        return;
    deadline_ = deadline;
    itimerspec when{};
    if (deadline != never) {
        // 0 would disarm it; a time that has passed fires at once.
        const nanoseconds_t at = deadline == 0 ? 1 : deadline;
        when.it_value = timespec_of(at);
    }
    ::timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &when, nullptr);
}

} // namespace aura::core

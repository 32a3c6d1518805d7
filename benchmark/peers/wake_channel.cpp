#include "wake_channel.hpp"

#include "support/failure.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <liburing.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace benchmark {
namespace {

class event_descriptor {
public:
    explicit event_descriptor(int flags)
        : fd_(::eventfd(0, flags | EFD_CLOEXEC)) {
        if (fd_ < 0)
            fail("eventfd", errno);
    }
    ~event_descriptor() { ::close(fd_); }
    event_descriptor(const event_descriptor&) = delete;
    event_descriptor& operator=(const event_descriptor&) = delete;

    int fd() const { return fd_; }
    void signal() const {
        const std::uint64_t one = 1;
        if (::write(fd_, &one, sizeof one) != sizeof one)
            fail("write to eventfd", errno);
    }

private:
    int fd_;
};

class ring {
public:
    ring() {
        const unsigned flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        if (const int result = ::io_uring_queue_init(8, &ring_, flags); result < 0)
            unsupported("io_uring_setup", -result);
    }
    ~ring() { ::io_uring_queue_exit(&ring_); }
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;

    int fd() const { return ring_.ring_fd; }
    io_uring_sqe* next() { return ::io_uring_get_sqe(&ring_); }

    void submit() {
        if (const int result = ::io_uring_submit(&ring_); result < 0)
            fail("io_uring_submit", -result);
    }

    // One completion, which has to be a success.
    void submit_and_wait() {
        if (const int result = ::io_uring_submit_and_wait(&ring_, 1); result < 0)
            fail("io_uring_submit_and_wait", -result);
        io_uring_cqe* cqe = nullptr;
        if (const int result = ::io_uring_peek_cqe(&ring_, &cqe); result < 0)
            fail("io_uring_peek_cqe", -result);
        if (cqe->res < 0)
            unsupported("completion", -cqe->res);
        ::io_uring_cqe_seen(&ring_, cqe);
    }

private:
    io_uring ring_{};
};

class eventfd_epoll final : public wake_channel {
public:
    eventfd_epoll()
        : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0)
            fail("epoll_create1", errno);
        epoll_event interest{};
        interest.events = EPOLLIN | EPOLLET;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_.fd(), &interest) != 0)
            fail("epoll_ctl", errno);
    }
    ~eventfd_epoll() override { ::close(epoll_); }
    eventfd_epoll(const eventfd_epoll&) = delete;
    eventfd_epoll& operator=(const eventfd_epoll&) = delete;

    // Edge-triggered, so that the eventfd need not be read.
    void wait() override {
        epoll_event event{};
        if (::epoll_wait(epoll_, &event, 1, -1) != 1)
            fail("epoll_wait", errno);
    }
    void wake() override { event_.signal(); }

private:
    event_descriptor event_{EFD_NONBLOCK};
    int epoll_;
};

class eventfd_ring final : public wake_channel {
public:
    void wait() override {
        ::io_uring_prep_read(ring_.next(), event_.fd(), &value_, sizeof value_, 0);
        ring_.submit_and_wait();
    }
    void wake() override { event_.signal(); }

private:
    event_descriptor event_{0};
    ring ring_;
    std::uint64_t value_ = 0;
};

class msg_ring final : public wake_channel {
public:
    void wait() override { sleeper_.submit_and_wait(); }
    void wake() override {
        send(waker_, *this);
        waker_.submit();
    }
    // The message leaves from the ring that then sleeps: one system call.
    void wake_and_wait(wake_channel& other) override {
        send(sleeper_, static_cast<msg_ring&>(other));
        sleeper_.submit_and_wait();
    }

private:
    static void send(ring& from, msg_ring& to) {
        io_uring_sqe* const sqe = from.next();
        ::io_uring_prep_msg_ring(sqe, to.sleeper_.fd(), 0, 0, 0);
        // No completion at the sender: it would be taken for a wake.
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }

    ring sleeper_;
    ring waker_;
};

class msg_ring_sync final : public wake_channel {
public:
    void wait() override { sleeper_.submit_and_wait(); }
    void wake() override {
        // IORING_REGISTER_SEND_MSG_RING: newer than the headers this has to compile with.
        constexpr unsigned register_send_msg_ring = 31;
        io_uring_sqe message{};
        message.opcode = IORING_OP_MSG_RING;
        message.fd = sleeper_.fd();
        if (::syscall(__NR_io_uring_register, -1, register_send_msg_ring, &message, 1) < 0)
            unsupported("IORING_REGISTER_SEND_MSG_RING", errno);
    }

private:
    ring sleeper_;
};

class futex final : public wake_channel {
public:
    void wait() override {
        while (word_.exchange(0, std::memory_order_acquire) == 0)
            ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
    void wake() override {
        word_.store(1, std::memory_order_release);
        ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

private:
    std::atomic<std::uint32_t> word_{0};
};

} // namespace

std::unique_ptr<wake_channel> make_wake_channel(const std::string& kind) {
    if (kind == "eventfd_epoll")
        return std::make_unique<eventfd_epoll>();
    if (kind == "eventfd_ring")
        return std::make_unique<eventfd_ring>();
    if (kind == "msg_ring")
        return std::make_unique<msg_ring>();
    if (kind == "msg_ring_sync")
        return std::make_unique<msg_ring_sync>();
    if (kind == "futex")
        return std::make_unique<futex>();
    fail("no such kind of wake: " + kind);
}

} // namespace benchmark

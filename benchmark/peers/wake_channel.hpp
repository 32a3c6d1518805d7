// Ways for one thread to wake another that sleeps in the kernel.
#pragma once

#include <memory>
#include <string>

namespace benchmark {

class wake_channel {
public:
    virtual ~wake_channel() = default;

    // Sleeps until woken; one thread, always the same.
    virtual void wait() = 0;
    // From one other thread, always the same.
    virtual void wake() = 0;
    // wake() of the other side and wait() on this one, in one system call where the mechanism can.
    virtual void wake_and_wait(wake_channel& other) {
        other.wake();
        wait();
    }
};

// eventfd_epoll: what Asio does. eventfd_ring: a read of an eventfd on the sleeper's ring.
// msg_ring: IORING_OP_MSG_RING from the waker's ring. msg_ring_sync: the same without a ring of one's own
// (Linux 6.13). futex: no descriptor at all.
std::unique_ptr<wake_channel> make_wake_channel(const std::string& kind);

} // namespace benchmark

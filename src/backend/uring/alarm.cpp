// alarm: IORING_OP_TIMEOUT, moved in place.
#include "alarm.hpp"

#include "kernel_abi.hpp"

namespace aura::core::uring {

unsigned alarm::set(ring& r, nanoseconds_t deadline) {
    unsigned expected = 1;
    const bool move = at_ != never;
    if (!move) {
        expected += take_back(r);
        ++number_;
        pending_ = true;
    }
    at_ = deadline;
    time_ = kernel_timespec_of(deadline);
    const auto time = reinterpret_cast<std::uint64_t>(&time_); // read at submission
    io_uring_sqe& sqe = r.next_sqe();
    sqe.fd = -1;
    if (move) {
        // When it fires meanwhile this fails, and what has fired says so: see fired().
        sqe.opcode = IORING_OP_TIMEOUT_REMOVE;
        sqe.timeout_flags = IORING_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS;
        sqe.addr = own_tag();
        sqe.addr2 = time;
        sqe.user_data = tag(internal::cancelled);
    } else {
        sqe.opcode = IORING_OP_TIMEOUT;
        sqe.timeout_flags = IORING_TIMEOUT_ABS; // CLOCK_MONOTONIC, as monotonic_now()
        sqe.addr = time;
        sqe.len = 1;
        sqe.user_data = own_tag();
    }
    return expected;
}

unsigned alarm::take_back(ring& r) {
    if (!pending_)
        return 0;
    pending_ = false;
    io_uring_sqe& sqe = r.next_sqe();
    sqe.opcode = IORING_OP_TIMEOUT_REMOVE;
    sqe.fd = -1;
    sqe.addr = own_tag();
    sqe.user_data = tag(internal::cancelled);
    return 1;
}

} // namespace aura::core::uring

// What aura::random_access_file is measured against: the read loop one would write by hand on liburing.
//
// One-shot reads on a plain file descriptor, no registered buffers or files: what an async_read_some_at of
// any buffer can do. Everything that completed is re-armed at once, and one system call submits it and waits.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/failure.hpp"
#include "support/read_workload.hpp"

#include <bit>
#include <cerrno>
#include <cstdint>
#include <string>

#include <liburing.h>

namespace {

using namespace benchmark;

unsigned setup_flags(const std::string& name) {
    if (name == "coop")
        return IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    if (name == "defer")
        return IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (name == "none")
        return 0;
    fail("ring is coop, defer or none");
}

class raw_ring {
public:
    raw_ring(unsigned depth, unsigned flags) {
        if (const int result = ::io_uring_queue_init(std::bit_ceil(depth), &ring_, flags); result < 0)
            unsupported("io_uring_setup", -result);
        // Saves the look-up of the ring's descriptor in every system call.
        if (const int result = ::io_uring_register_ring_fd(&ring_); result < 0)
            unsupported("IORING_REGISTER_RING_FDS", -result);
    }
    ~raw_ring() { ::io_uring_queue_exit(&ring_); }
    raw_ring(const raw_ring&) = delete;
    raw_ring& operator=(const raw_ring&) = delete;

    io_uring* get() { return &ring_; }

private:
    io_uring ring_{};
};

void arm(io_uring* ring, read_workload& workload, unsigned slot) {
    // Never null: the ring has an entry for every slot.
    io_uring_sqe* const sqe = ::io_uring_get_sqe(ring);
    ::io_uring_prep_read(sqe, workload.fd(), workload.buffer(slot), block_size, workload.next_offset(slot));
    ::io_uring_sqe_set_data64(sqe, slot);
}

// Handles what has completed and returns how many reads of these ended for good.
unsigned reap(io_uring* ring, read_workload& workload) {
    unsigned ended = 0;
    unsigned seen = 0;
    unsigned head = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(ring, head, cqe) {
        ++seen;
        const auto slot = static_cast<unsigned>(cqe->user_data);
        if (workload.completed(slot, cqe->res))
            arm(ring, workload, slot);
        else
            ++ended;
    }
    ::io_uring_cq_advance(ring, seen);
    return ended;
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_uring");
    pin_this_thread(0);
    const unsigned flags = setup_flags(args.text("ring", "coop"));
    read_workload workload(args);
    args.reject_unknown();

    raw_ring ring(workload.depth(), flags);
    for (unsigned slot = 0; slot < workload.depth(); ++slot)
        arm(ring.get(), workload, slot);
    for (unsigned in_flight = workload.depth(); in_flight > 0;) {
        if (const int result = ::io_uring_submit_and_wait(ring.get(), 1); result < 0 && result != -EINTR)
            fail("io_uring_enter", -result);
        in_flight -= reap(ring.get(), workload);
    }
    workload.print(args);
}

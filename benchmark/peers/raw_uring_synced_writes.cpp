// What chains of a write and fdatasync(2) are measured against: the loop one would write by hand on liburing.
#include "support/affinity.hpp"
#include "support/failure.hpp"
#include "support/synced_writes.hpp"

#include <bit>
#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

namespace {

using namespace benchmark;

constexpr std::uint64_t syncing = std::uint64_t{1} << 32;

class writer {
public:
    explicit writer(synced_writes& all)
        : all_(all)
        , fd_(::open(all.path().c_str(), O_RDWR | O_CLOEXEC)) {
        if (fd_ < 0)
            fail(all.path(), errno);
        const unsigned flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        if (const int result = ::io_uring_queue_init(std::bit_ceil(all.depth()), &ring_, flags); result < 0)
            unsupported("io_uring_setup", -result);
        if (const int result = ::io_uring_register_ring_fd(&ring_); result < 0)
            unsupported("IORING_REGISTER_RING_FDS", -result);
    }
    ~writer() {
        ::io_uring_queue_exit(&ring_);
        ::close(fd_);
    }
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    void run() {
        for (unsigned slot = 0; slot < all_.depth(); ++slot)
            write(slot);
        while (in_flight_ > 0) {
            if (const int result = ::io_uring_submit_and_wait(&ring_, 1); result < 0 && result != -EINTR)
                fail("io_uring_enter", -result);
            unsigned seen = 0;
            unsigned head = 0;
            io_uring_cqe* cqe = nullptr;
            io_uring_for_each_cqe(&ring_, head, cqe) {
                ++seen;
                completed(*cqe);
            }
            ::io_uring_cq_advance(&ring_, seen);
        }
    }

private:
    void write(unsigned slot) {
        io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_write(sqe, fd_, all_.block(), block_size, all_.begin(slot));
        ::io_uring_sqe_set_data64(sqe, slot);
        ++in_flight_;
    }

    void completed(const io_uring_cqe& cqe) {
        const auto slot = static_cast<unsigned>(cqe.user_data);
        --in_flight_;
        if ((cqe.user_data & syncing) != 0) {
            if (cqe.res != 0)
                fail("fdatasync", -cqe.res);
            if (all_.ended(slot))
                write(slot);
            return;
        }
        if (cqe.res != static_cast<int>(block_size))
            fail("write", -cqe.res);
        io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_fsync(sqe, fd_, IORING_FSYNC_DATASYNC);
        ::io_uring_sqe_set_data64(sqe, syncing | slot);
        ++in_flight_;
    }

    synced_writes& all_;
    int fd_;
    io_uring ring_{};
    unsigned in_flight_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_uring");
    pin_this_thread(0);
    synced_writes all(args);
    args.reject_unknown();
    writer(all).run();
    all.print(args);
}

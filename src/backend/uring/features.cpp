// features: trying what the kernel offers.
#include "features.hpp"

#include "allowance.hpp"
#include "auraio/core/loop/engine.hpp"
#include "auraio/core/loop/ring_supply.hpp"
#include "confinement.hpp"
#include "core/base/first_use.hpp"
#include "kernel_abi.hpp"
#include "ring.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace aura::core::uring {

namespace {

std::string explain(const char* call, int error) {
    return explain_refusal(call, error, look_around());
}

/// What was tried failed for want of something that there may be next time: nothing was found out, and the
/// next context tries again.
void throw_if_scarce(const char* call, int error) {
    if (ring_supply::is_shortage(error))
        throw engine_error(error, "auraio: no backend: " + explain(call, error));
}

/// A ring to try things on.
class trial_ring {
public:
    explicit trial_ring(unsigned flags) {
        parameters.flags = flags;
        error_ = -io_uring_queue_init_params(4, &ring_, &parameters);
        throw_if_scarce("io_uring_setup", error_);
    }
    ~trial_ring() {
        if (error_ == 0)
            io_uring_queue_exit(&ring_);
    }
    trial_ring(const trial_ring&) = delete;
    int error() const noexcept { return error_; } ///< 0: there is one
    io_uring& get() noexcept { return ring_; }
    int fd() const noexcept { return ring_.ring_fd; }

    io_uring_params parameters{};

private:
    io_uring ring_{};
    int error_;
};

bool try_flags(unsigned flags) {
    return trial_ring(flags).error() == 0;
}

/// On what is no socket: ENOTSOCK where the flag is known, EINVAL where it is not.
bool try_accept_dont_wait(io_uring& ring) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    io_uring_cqe* cqe = nullptr;
    if (!sqe)
        return false;
    io_uring_prep_accept(sqe, ring.ring_fd, nullptr, nullptr, 0);
    sqe->ioprio = accept_dont_wait;
    if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe) != 0)
        return false;
    const bool known = cqe->res == -ENOTSOCK;
    io_uring_cqe_seen(&ring, cqe);
    return known;
}

bool try_write_without_signal(io_uring& ring) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) {
        throw_if_scarce("pipe2", errno);
        return false;
    }
    bool works = false;
    io_uring_cqe* cqe = nullptr;
    if (io_uring_sqe* sqe = io_uring_get_sqe(&ring)) {
        io_uring_prep_write(sqe, pipe[1], "a", 1, ~0ull);
        sqe->rw_flags = rwf_nosignal;
        if (io_uring_submit(&ring) == 1 && io_uring_wait_cqe(&ring, &cqe) == 0) {
            works = cqe->res == 1;
            io_uring_cqe_seen(&ring, cqe);
        }
    }
    ::close(pipe[0]);
    ::close(pipe[1]);
    return works;
}

bool try_sync_cancel(io_uring& ring) {
    io_uring_sync_cancel_reg nothing{};
    nothing.fd = ring.ring_fd;
    nothing.flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
    const int r = io_uring_register_sync_cancel(&ring, &nothing);
    return r >= 0 || r == -ENOENT;
}

/// A request that does nothing, through io_uring_enter(2): 0 or an errno. A filter may let a ring be set up
/// and nothing be done with it.
int try_to_enter(io_uring& ring) {
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring);
    if (!sqe)
        return EAGAIN;
    io_uring_prep_nop(sqe);
    int r = io_uring_submit(&ring);
    for (int again = 0; (r == -EINTR || r == -EAGAIN || r == -EBUSY) && again < 100; ++again)
        r = io_uring_submit(&ring);
    if (r < 0)
        return -r;
    io_uring_cqe* done = nullptr;
    if (const int left = io_uring_wait_cqe(&ring, &done))
        return -left;
    io_uring_cqe_seen(&ring, done);
    return 0;
}

/// Asks what the ring can do. 0 or an errno; EINVAL is not one: that is what an older kernel says.
int ask_for_operations(io_uring& ring, features& f, bool& waits_for_futexes) {
    constexpr unsigned most = 256;
    alignas(io_uring_probe) std::byte room[sizeof(io_uring_probe) + most * sizeof(io_uring_probe_op)]{};
    const int r = raw_register(ring.ring_fd, IORING_REGISTER_PROBE, room, most);
    if (r < 0)
        return r == -EINVAL ? 0 : -r;
    io_uring_probe head;
    std::memcpy(&head, room, sizeof head);
    f.last_operation = head.last_op;
    const auto has = [&](unsigned operation) {
        io_uring_probe_op of;
        std::memcpy(&of, room + sizeof head + operation * sizeof of, sizeof of);
        return operation <= f.last_operation && (of.flags & IO_URING_OP_SUPPORTED) != 0;
    };
    waits_for_futexes = has(op_futex_wait);
    f.filesystem_ops = has(IORING_OP_RENAMEAT) && has(IORING_OP_UNLINKAT) && has(IORING_OP_MKDIRAT);
    f.ftruncate = has(op_ftruncate);
    return 0;
}

/// A list that has something the kernel does not know is refused whole. For who knows which operations there are.
void try_restrictions(features& f) {
    for (const bool clones : {true, false}) {
        f.buffer_clones = clones;
        const trial_ring ring(IORING_SETUP_R_DISABLED);
        const int r = ring.error() == 0 ? restrict_and_enable(ring.fd(), f) : -ring.error();
        throw_if_scarce("io_uring_register", -r);
        f.restrictions = r == 0;
        if (f.restrictions)
            return;
    }
}

/// The ring that will be used, with each flag that works alone.
int try_together(const features& f) {
    unsigned flags = IORING_SETUP_CLAMP;
    if (f.submit_all)
        flags |= IORING_SETUP_SUBMIT_ALL;
    if (f.coop_taskrun)
        flags |= IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    if (f.restrictions)
        flags |= IORING_SETUP_R_DISABLED;
    trial_ring ring(flags);
    if (ring.error() != 0)
        return ring.error();
    if (f.restrictions)
        if (const int r = restrict_and_enable(ring.fd(), f); r < 0)
            return -r;
    return try_to_enter(ring.get());
}

features refused(features f, const char* call, int error) {
    throw_if_scarce(call, error);
    f.available = false;
    f.error = error;
    f.reason = explain(call, error);
    return f;
}

features find() {
    features f;
    trial_ring trial(0);
    if (trial.error() != 0)
        return refused(f, "io_uring_setup", trial.error());
    io_uring& ring = trial.get();
    const unsigned required = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS |
                              IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL;
    if ((trial.parameters.features & required) != required) {
        f.error = ENOSYS;
        f.reason = "io_uring without IORING_FEAT_EXT_ARG, NODROP, RW_CUR_POS, SUBMIT_STABLE or FAST_POLL "
                   "(Linux 5.11 or later is needed)";
        return f;
    }
    if (const int error = try_to_enter(ring))
        return refused(f, "io_uring_enter", error);
    bool waits_for_futexes = false;
    if (const int error = ask_for_operations(ring, f, waits_for_futexes)) {
        throw_if_scarce("io_uring_register", error);
        f.register_error = error;
        f.register_reason = explain("io_uring_register", error);
    }
    f.available = true;
    f.reason = "io_uring";
    f.no_iowait = (trial.parameters.features & feature_no_iowait) != 0;
    if (waits_for_futexes && send_message(ring.ring_fd, 1) == 0) {
        io_uring_cqe* cqe = nullptr;
        f.sync_message = io_uring_peek_cqe(&ring, &cqe) == 0 && cqe->user_data == 1;
    }
    if (io_uring_cqe* left = nullptr; io_uring_peek_cqe(&ring, &left) == 0)
        io_uring_cqe_seen(&ring, left);
    f.accept_dont_wait = try_accept_dont_wait(ring);
    f.write_without_signal = try_write_without_signal(ring);
    f.sync_cancel = try_sync_cancel(ring);
    f.ring_fd_registration = io_uring_register_ring_fd(&ring) == 1;

    f.submit_all = try_flags(IORING_SETUP_SUBMIT_ALL);
    f.coop_taskrun = try_flags(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);
    f.defer_taskrun = try_flags(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    if (f.last_operation != 0)
        try_restrictions(f);
    if (const int error = try_together(f))
        return refused(f, "io_uring_setup", error);
    return f;
}

} // namespace

const features& probe() {
    static constinit first_use<features> found;
    return found.get(&find);
}

std::string check_available(bool named) {
    const features& f = probe();
    if (!f.available)
        throw engine_error(f.error, "auraio: no backend: " + f.reason);
    if (f.register_error == 0)
        return f.reason;
    if (!named)
        throw engine_error(f.register_error, "auraio: no backend: " + f.register_reason);
    return f.reason + ", restricted: " + f.register_reason;
}

} // namespace aura::core::uring

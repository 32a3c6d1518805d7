// features: trying what the kernel offers.
#include "features.hpp"

#include "auraio/core/loop/engine.hpp"
#include "kernel_abi.hpp"
#include "ring.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace aura::core::uring {

namespace {

std::string explain(const char* call, int error) {
    std::string why = call;
    why += ": ";
    why += std::strerror(error);
    if (error == EPERM)
        why += " (seccomp or kernel.io_uring_disabled)";
    else if (error == ENOSYS)
        why += " (the kernel has no io_uring)";
    else if (error == ENOMEM)
        why += explain_shortage();
    else if (error == EMFILE)
        why += " (raise RLIMIT_NOFILE)";
    return why;
}

/// What was tried failed for want of something that there may be next time: nothing was found out, and the
/// next context tries again.
void throw_if_scarce(const char* call, int error) {
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN)
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

features find() {
    features f;
    trial_ring trial(0);
    if (trial.error() != 0) {
        f.error = trial.error();
        f.reason = explain("io_uring_setup", f.error);
        return f;
    }
    io_uring& ring = trial.get();
    const unsigned required = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS |
                              IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL;
    if ((trial.parameters.features & required) != required) {
        f.error = ENOSYS;
        f.reason = "io_uring without IORING_FEAT_EXT_ARG, NODROP, RW_CUR_POS, SUBMIT_STABLE or FAST_POLL "
                   "(Linux 5.11 or later is needed)";
        return f;
    }
    f.available = true;
    f.reason = "io_uring";
    f.no_iowait = (trial.parameters.features & feature_no_iowait) != 0;
    bool waits_for_futexes = false;
    if (io_uring_probe* p = io_uring_get_probe_ring(&ring)) {
        waits_for_futexes = io_uring_opcode_supported(p, op_futex_wait);
        f.filesystem_ops = io_uring_opcode_supported(p, IORING_OP_RENAMEAT) &&
                           io_uring_opcode_supported(p, IORING_OP_UNLINKAT) &&
                           io_uring_opcode_supported(p, IORING_OP_MKDIRAT);
        f.ftruncate = io_uring_opcode_supported(p, op_ftruncate);
        io_uring_free_probe(p);
    }
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
    return f;
}

} // namespace

const features& probe() {
    static const features found = find();
    return found;
}

} // namespace aura::core::uring

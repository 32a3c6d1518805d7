// features: what this kernel's io_uring can do, found once per process by trying.
#pragma once

#include <string>

namespace aura::core::uring {

/// Each was tried, none inferred from a version. Required ones are not listed: without them available is
/// false.
struct features {
    bool available = false;
    int error = 0;      ///< errno that says why not
    std::string reason; ///< for people: what was tried, what came back, what would allow it
    /// errno of io_uring_register(2) where a sandbox refuses that alone, and who it is. Rings work without it,
    /// but wakes, registered buffers and the closing of a descriptor from another thread cost more.
    int register_error = 0;
    std::string register_reason;
    bool coop_taskrun = false;   ///< IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG (Linux 5.19)
    bool defer_taskrun = false;  ///< IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN (Linux 6.1)
    bool submit_all = false;     ///< IORING_SETUP_SUBMIT_ALL (Linux 5.18)
    unsigned last_operation = 0; ///< the highest operation code that the kernel knows
    bool restrictions = false;   ///< IORING_REGISTER_RESTRICTIONS, with all that is registered here
    bool buffer_clones = false;  ///< IORING_REGISTER_CLONE_BUFFERS (Linux 6.12), where rings are restricted
    bool sync_message = false; ///< IORING_REGISTER_SEND_MSG_RING (Linux 6.13), and IORING_OP_FUTEX_WAIT (6.7)
    bool no_iowait = false;    ///< IORING_ENTER_NO_IOWAIT (Linux 6.15)
    bool ring_fd_registration = false; ///< IORING_REGISTER_RING_FDS (Linux 5.18)
    bool ftruncate = false;            ///< IORING_OP_FTRUNCATE (Linux 6.9)
    bool accept_dont_wait = false;     ///< IORING_ACCEPT_DONTWAIT (Linux 6.10)
    bool sync_cancel = false;          ///< IORING_REGISTER_SYNC_CANCEL (Linux 6.0)
    bool write_without_signal = false; ///< RWF_NOSIGNAL (Linux 6.18)
    bool filesystem_ops = false;       ///< IORING_OP_RENAMEAT, UNLINKAT, MKDIRAT (Linux 5.15)
};

/// The same for the life of the process. Throws engine_error while descriptors or memory for the attempt are
/// lacking; where there is a backend it has been found, and does not throw.
const features& probe();

/// Why io_uring was chosen; throws engine_error, with the reason, when this machine does not allow it. A sandbox
/// that refuses io_uring_register(2) alone does not, unless io_uring was asked for by name.
std::string check_available(bool named);

} // namespace aura::core::uring

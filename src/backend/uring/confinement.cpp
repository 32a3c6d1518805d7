// confinement: the list of what may be done, and two calls of io_uring_register(2).
#include "confinement.hpp"

#include "core/base/first_use.hpp"
#include "core/base/usable_cpus.hpp"
#include "features.hpp"
#include "kernel_abi.hpp"
#include "prepare.hpp"
#include "ring.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>

namespace aura::core::uring {

namespace {

class restriction_list {
public:
    void allow_operation(unsigned opcode) noexcept {
        io_uring_restriction& r = add(IORING_RESTRICTION_SQE_OP);
        r.sqe_op = static_cast<__u8>(opcode);
    }
    void allow_registering(unsigned opcode) noexcept {
        io_uring_restriction& r = add(IORING_RESTRICTION_REGISTER_OP);
        r.register_op = static_cast<__u8>(opcode);
    }
    void allow_entry_flags(unsigned flags) noexcept {
        io_uring_restriction& r = add(IORING_RESTRICTION_SQE_FLAGS_ALLOWED);
        r.sqe_flags = static_cast<__u8>(flags);
    }
    void allow_tables() noexcept {
        for (const unsigned opcode :
             {IORING_REGISTER_BUFFERS, IORING_UNREGISTER_BUFFERS, IORING_REGISTER_FILES,
              IORING_UNREGISTER_FILES, IORING_REGISTER_FILES_UPDATE})
            allow_registering(opcode);
    }
    /// Of a ring that was set up disabled. 0 or a negated errno.
    int install_and_enable(int ring_fd) const noexcept {
        if (const int r = raw_register(ring_fd, IORING_REGISTER_RESTRICTIONS, all_.data(), count_); r < 0)
            return r;
        return raw_register(ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    }

private:
    io_uring_restriction& add(unsigned short kind) noexcept {
        io_uring_restriction& r = all_[count_++];
        r.opcode = kind;
        return r;
    }
    std::array<io_uring_restriction, 64> all_{};
    unsigned count_ = 0;
};

constexpr std::size_t for_what_else = 20; // the internal operations and the registrations below
static_assert(most_opcodes + for_what_else <= 64);

/// A number that the kernel does not know makes it refuse the list.
restriction_list what_the_library_does(const features& f) noexcept {
    restriction_list list;
    std::array<std::uint8_t, most_opcodes> of_requests;
    const unsigned count = list_opcodes(of_requests);
    for (unsigned i = 0; i < count; ++i)
        if (of_requests[i] <= f.last_operation)
            list.allow_operation(of_requests[i]);
    // Cancellations, the alarm, watches of other rings, and what wakes a driver; a poll is among the above.
    for (const unsigned opcode :
         {IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_REMOVE, IORING_OP_TIMEOUT, IORING_OP_TIMEOUT_REMOVE})
        list.allow_operation(opcode);
    if (f.sync_message)
        list.allow_operation(op_futex_wait);
    list.allow_entry_flags(IOSQE_FIXED_FILE | IOSQE_ASYNC);
    list.allow_tables();
    if (f.sync_cancel)
        list.allow_registering(IORING_REGISTER_SYNC_CANCEL);
    if (f.ring_fd_registration)
        for (const unsigned opcode : {register_ring_fds, unregister_ring_fds})
            list.allow_registering(opcode);
    if (f.buffer_clones)
        list.allow_registering(register_clone_buffers);
    return list;
}

constexpr unsigned least_workers = 8;

/// The kernel counts the processors that are there, and not those we may use.
unsigned usable() noexcept {
    try {
        static constinit first_use<unsigned> count;
        return count.get([] { return find_usable_cpus().count; });
    } catch (const std::exception&) { // no memory to find out
        return 1;
    }
}

} // namespace

int restrict_and_enable(int ring_fd, const features& f) noexcept {
    return what_the_library_does(f).install_and_enable(ring_fd);
}

int restrict_to_tables_and_enable(int ring_fd) noexcept {
    restriction_list list;
    list.allow_entry_flags(0); // says that operations are restricted: to none
    list.allow_tables();
    return list.install_and_enable(ring_fd);
}

void limit_workers(int ring_fd, const engine_options& options) noexcept {
    unsigned limits[2] = {options.worker_limit, options.worker_limit};
    if (options.worker_limit == 0) {
        // A worker that syncs waits for the disk and needs no processor. A thread that is pinned to one has eight as
        // well, as it would have by the kernel's count where there are two: with four, eight chains of a write and a
        // sync came to go in two halves, and were slower by a fifth.
        limits[0] = std::max(least_workers, 4 * usable());
        limits[1] = 512;
    }
    raw_register(ring_fd, register_worker_limits, limits, 2);
}

} // namespace aura::core::uring

// registration: io_uring_register(2) for buffers and files.
#include "registration.hpp"

#include "auraio/core/loop/engine.hpp"
#include "auraio/core/loop/ring_supply.hpp"
#include "confinement.hpp"
#include "features.hpp"
#include "kernel_abi.hpp"
#include "lasting_backend.hpp"
#include "ring.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core::uring {

namespace {

/// Some of these return how many entries they have changed.
int outcome(int r) noexcept {
    return r < 0 ? r : 0;
}

int make_ring(unsigned flags) {
    io_uring_params params{};
    params.flags = flags;
    const int fd = static_cast<int>(::syscall(__NR_io_uring_setup, 1, &params));
    return fd < 0 ? -errno : fd;
}

/// Whoever gets hold of it cannot have the kernel do anything. A descriptor, or a negated errno. Refused
/// restrictions are no reason to do without, as for other rings.
int make_restricted_ring() {
    if (!probe().restrictions)
        return make_ring(0);
    const int fd = make_ring(IORING_SETUP_R_DISABLED);
    if (fd < 0)
        return fd;
    const int r = restrict_to_tables_and_enable(fd);
    if (r >= 0)
        return fd;
    ::close(fd);
    return ring_supply::is_shortage(-r) ? r : make_ring(0);
}

/// A ring that never has a request, hence none of its queues mapped: not set up for a single issuer, so that
/// any thread may register with it, and any ring clone from it.
class bare_ring final : public registration_source {
public:
    bare_ring()
        : fd_(make_restricted_ring()) {
        if (fd_ == -EMFILE || fd_ == -ENFILE || fd_ == -ENOMEM) {
            lasting_backend::drop();
            fd_ = make_restricted_ring();
        }
        if (fd_ < 0)
            throw engine_error(-fd_, std::string("auraio: io_uring_setup, for a registration: ") +
                                         std::strerror(-fd_) +
                                         (fd_ == -ENOMEM ? " (raise RLIMIT_MEMLOCK)" : ""));
    }
    ~bare_ring() override {
        if (generation_ != fork_generation())
            abandon_after_fork();
        // Closing alone would let go of memory and files later, in a worker of the kernel.
        if (has_buffers_)
            unregister(fd_, registration_kind::buffers);
        if (has_files_)
            unregister(fd_, registration_kind::files);
        ::close(fd_);
    }
    bare_ring(const bare_ring&) = delete;

    int register_buffers(std::span<const iovec> buffers) override {
        const int r =
            raw_register(fd_, IORING_REGISTER_BUFFERS, buffers.data(), static_cast<unsigned>(buffers.size()));
        has_buffers_ = r >= 0;
        return outcome(r);
    }
    int register_files(std::span<const int> fds) override {
        const int r = uring::register_files(fd_, fds);
        has_files_ = r == 0;
        return r;
    }
    int update_file(unsigned index, int fd) override { return update_files(fd_, index, std::span(&fd, 1)); }
    void abandon_after_fork() noexcept override { has_buffers_ = has_files_ = false; }

    int fd() const noexcept { return fd_; }

private:
    int fd_;
    bool has_buffers_ = false;
    bool has_files_ = false;
    unsigned generation_ = fork_generation();
};

} // namespace

int register_buffers(int ring_fd, std::span<const iovec> buffers, registration_source* source) noexcept {
    if (source) {
        clone_buffers_argument from{};
        from.src_fd = static_cast<std::uint32_t>(static_cast<bare_ring*>(source)->fd());
        // Tried each time: a kernel without it costs one refused call for each ring.
        if (raw_register(ring_fd, register_clone_buffers, &from, 1) >= 0)
            return 0;
    }
    return outcome(raw_register(ring_fd, IORING_REGISTER_BUFFERS, buffers.data(),
                                static_cast<unsigned>(buffers.size())));
}

int register_files(int ring_fd, std::span<const int> fds) noexcept {
    return outcome(
        raw_register(ring_fd, IORING_REGISTER_FILES, fds.data(), static_cast<unsigned>(fds.size())));
}

int update_files(int ring_fd, unsigned first, std::span<const int> fds) noexcept {
    io_uring_rsrc_update change{};
    change.offset = first;
    change.data = reinterpret_cast<std::uint64_t>(fds.data());
    const int r =
        raw_register(ring_fd, IORING_REGISTER_FILES_UPDATE, &change, static_cast<unsigned>(fds.size()));
    // Less than all: the first of the others was refused, and it does not say why.
    return r >= 0 && static_cast<unsigned>(r) < fds.size() ? -EBADF : outcome(r);
}

void unregister(int ring_fd, registration_kind kind) noexcept {
    raw_register(ring_fd,
                 kind == registration_kind::buffers ? IORING_UNREGISTER_BUFFERS : IORING_UNREGISTER_FILES,
                 nullptr, 0);
}

std::unique_ptr<registration_source> make_source() {
    return std::make_unique<bare_ring>();
}

} // namespace aura::core::uring

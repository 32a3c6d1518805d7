// registration: looking at memory by msync(2), at files by fcntl(2).
#include "registration.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace aura::core::epoll {

namespace {

/// As io_uring_register(2): an empty entry is none, and one buffer has 1 GiB at most.
int check_buffer(const iovec& buffer) noexcept {
    constexpr std::size_t largest = std::size_t{1} << 30;
    if (!buffer.iov_base)
        return buffer.iov_len == 0 ? 0 : -EFAULT;
    if (buffer.iov_len == 0 || buffer.iov_len > largest)
        return -EFAULT;
    // MS_ASYNC writes nothing, but says whether all of it is mapped.
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(buffer.iov_base);
    const std::uintptr_t inside = begin % page;
    return ::msync(static_cast<std::byte*>(buffer.iov_base) - inside, buffer.iov_len + inside, MS_ASYNC) == 0
               ? 0
               : -EFAULT;
}

int check_file(int fd) noexcept {
    return fd < 0 || ::fcntl(fd, F_GETFD) >= 0 ? 0 : -errno;
}

class inspector final : public registration_source {
public:
    int register_buffers(std::span<const iovec> buffers) override {
        for (const iovec& b : buffers)
            if (const int error = check_buffer(b); error < 0)
                return error;
        return 0;
    }
    int register_files(std::span<const int> fds) override {
        for (const int fd : fds)
            if (const int error = check_file(fd); error < 0)
                return error;
        return 0;
    }
    int update_file(unsigned, int fd) override { return check_file(fd); }
};

} // namespace

std::unique_ptr<registration_source> make_source() {
    return std::make_unique<inspector>();
}

} // namespace aura::core::epoll

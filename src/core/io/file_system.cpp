// file_system: the synchronous half of file objects.
#include "auraio/core/io/file_system.hpp"

#include "auraio/core/io/io_request.hpp"

#include <cerrno>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aura::core {

namespace {

/// Younger than the C library's headers on some supported systems: <linux/stat.h> STATX_DIOALIGN and its two
/// fields, which lie at byte 152 of struct statx. struct statx has been 256 bytes since its first day.
constexpr unsigned statx_dioalign = 0x2000;

template <class F>
auto retried(F f) noexcept {
    decltype(f()) r;
    do
        r = f();
    while (r < 0 && errno == EINTR);
    return r < 0 ? static_cast<decltype(r)>(-errno) : r;
}

} // namespace

int open_file(const char* path, int flags, unsigned mode) noexcept {
    return retried([=] { return ::open(path, flags | O_CLOEXEC, mode); });
}

int file_size(int fd, std::uint64_t& size) noexcept {
    struct stat s;
    if (::fstat(fd, &s) != 0)
        return -errno;
    if (S_ISBLK(s.st_mode)) // whose node has none
        return ::ioctl(fd, BLKGETSIZE64, &size) == 0 ? 0 : -errno;
    size = static_cast<std::uint64_t>(s.st_size);
    return 0;
}

int resize_file(int fd, std::uint64_t size) noexcept {
    return retried([=] { return ::ftruncate(fd, static_cast<off_t>(size)); });
}

int sync_file(int fd) noexcept {
    return retried([=] { return ::fsync(fd); });
}

int sync_file_data(int fd) noexcept {
    return retried([=] { return ::fdatasync(fd); });
}

int seek_file(int fd, std::int64_t offset, int whence, std::uint64_t& position) noexcept {
    const off_t r = ::lseek(fd, offset, whence);
    if (r < 0)
        return -errno;
    position = static_cast<std::uint64_t>(r);
    return 0;
}

direct_alignment alignment_of(int fd) noexcept {
    union {
        struct statx named;
        std::uint32_t words[64];
    } buffer{};
    static_assert(sizeof(struct statx) == 256);
    if (::statx(fd, "", AT_EMPTY_PATH, statx_dioalign, &buffer.named) != 0)
        return {};
    if ((buffer.named.stx_mask & statx_dioalign) == 0)
        return {};
    return {buffer.words[152 / 4], buffer.words[156 / 4]};
}

file_nature nature_of(int fd) noexcept {
    struct statx s;
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) != 0)
        return file_nature::unknown;
    switch (s.stx_mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFBLK:
        return file_nature::storage;
    case S_IFIFO:
    case S_IFCHR:
    case S_IFSOCK:
        return file_nature::waitable;
    default:
        return file_nature::own_answers;
    }
}

long read_file(int fd, const void* vector, int count, std::uint64_t offset) noexcept {
    const auto* v = static_cast<const iovec*>(vector);
    if (offset == current_position)
        return retried([=] { return ::readv(fd, v, count); });
    return retried([=] { return ::preadv(fd, v, count, static_cast<off_t>(offset)); });
}

long write_file(int fd, const void* vector, int count, std::uint64_t offset) noexcept {
    const auto* v = static_cast<const iovec*>(vector);
    if (offset == current_position)
        return retried([=] { return ::writev(fd, v, count); });
    return retried([=] { return ::pwritev(fd, v, count, static_cast<off_t>(offset)); });
}

} // namespace aura::core

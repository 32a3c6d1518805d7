// block_device: reading the kernel's tree of block devices.
#include "auraio/core/storage/block_device.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace aura::core {

namespace {

constexpr int stacked_most = 8; // device-mapper over md over partitions, and some more

std::string directory_of(device_id id, const std::string& sysfs) {
    return sysfs + "/dev/block/" + std::to_string(id.major) + ':' + std::to_string(id.minor);
}

/// For want of something that there may be next time.
bool is_scarcity(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/// What the functions below come to: 0 is success.
int no_such_device() noexcept {
    return is_scarcity(errno) ? -errno : -ENOENT;
}

/// The "major:minor" in a file `dev`.
int read_id(const std::string& path, device_id& id) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return no_such_device();
    char text[32];
    const ssize_t n = ::read(fd, text, sizeof text);
    ::close(fd);
    if (n <= 0)
        return -ENOENT;
    const char* const end = text + n;
    const auto [colon, error] = std::from_chars(text, end, id.major);
    if (error != std::errc{} || colon == end || *colon != ':')
        return -ENOENT;
    return std::from_chars(colon + 1, end, id.minor).ec == std::errc{} ? 0 : -ENOENT;
}

/// The only device below `directory`/slaves.
int single_slave(const std::string& directory, device_id& id) {
    const std::string slaves = directory + "/slaves";
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(slaves.c_str()), &::closedir);
    if (!list)
        return no_such_device();
    std::string only;
    while (const dirent* entry = ::readdir(list.get())) {
        if (entry->d_name[0] == '.')
            continue;
        if (!only.empty())
            return -ENOENT;
        only = entry->d_name;
    }
    return only.empty() ? -ENOENT : read_id(slaves + '/' + only + "/dev", id);
}

device_id from_stat(const struct statx& s) noexcept {
    if (S_ISBLK(s.stx_mode))
        return {s.stx_rdev_major, s.stx_rdev_minor};
    return {s.stx_dev_major, s.stx_dev_minor};
}

/// Of what a network file system knows nothing is asked again.
int stat_type(int directory, const char* path, int flags, struct statx& s) noexcept {
    return ::statx(directory, path, flags | AT_STATX_DONT_SYNC, STATX_TYPE, &s) == 0 ? 0 : -errno;
}

} // namespace

int find_underlying_device(device_id& id, const std::string& sysfs) {
    device_id lowest = id;
    for (int depth = 0; depth < stacked_most; ++depth) {
        const std::string directory = directory_of(lowest, sysfs);
        device_id below;
        // The entry is a link to the device's directory; a partition's lies in its disk's.
        const bool partition = ::access((directory + "/partition").c_str(), F_OK) == 0;
        const int error = partition ? read_id(directory + "/../dev", below) : single_slave(directory, below);
        if (is_scarcity(-error))
            return error;
        if (error != 0)
            break;
        lowest = below;
    }
    id = lowest;
    return 0;
}

std::string device_name(device_id id, const std::string& sysfs) {
    char target[256];
    const ssize_t n = ::readlink(directory_of(id, sysfs).c_str(), target, sizeof target);
    if (n > 0 && n < static_cast<ssize_t>(sizeof target)) {
        const std::string path(target, static_cast<std::size_t>(n));
        return path.substr(path.rfind('/') + 1);
    }
    return std::to_string(id.major) + ':' + std::to_string(id.minor);
}

int device_of_file(int fd, device_id& id) noexcept {
    struct statx s;
    if (const int error = stat_type(fd, "", AT_EMPTY_PATH, s); error < 0)
        return error;
    if (!S_ISREG(s.stx_mode) && !S_ISBLK(s.stx_mode))
        return -ENOTBLK;
    id = from_stat(s);
    return 0;
}

int device_of_path(const char* path, device_id& id) noexcept {
    struct statx s;
    if (const int error = stat_type(AT_FDCWD, path, 0, s); error < 0)
        return error;
    id = from_stat(s);
    return 0;
}

} // namespace aura::core

// block_device: which disk is behind a device number.
#pragma once

#include <string>
#include <sys/types.h>

namespace aura::core {

/// A storage device as stat(2) numbers it.
struct device_id {
    unsigned major = 0; ///< of its driver
    unsigned minor = 0; ///< of the device itself
    /// Whether both name one device.
    bool operator==(const device_id&) const noexcept = default;
};

inline constexpr const char* default_sysfs = "/sys";

/// Makes `id` the device whose queue requests for it end up in: of a partition the disk, of a device-mapper
/// or md device over a single disk that disk. What lies over several disks, and what is no block device (a
/// network file system, one in memory), is itself. Reads a few small files below `sysfs`.
///
/// 0; or -EMFILE, -ENFILE, -ENOMEM: they cannot be read just now, and `id` is as it was.
int find_underlying_device(device_id& id, const std::string& sysfs = default_sysfs);

/// The kernel's name of a block device ("sda", "nvme0n1"), else "major:minor".
std::string device_name(device_id id, const std::string& sysfs = default_sysfs);

/// The device that holds the open file `fd`, not resolved. 0, or a negated errno: -ENOTBLK when it is neither
/// a regular file nor a block device (a pipe, a directory, a terminal).
int device_of_file(int fd, device_id& id) noexcept;

/// The same for a path, which may also name a directory, or a file or block device that cannot be opened.
int device_of_path(const char* path, device_id& id) noexcept;

} // namespace aura::core

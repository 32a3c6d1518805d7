// file_system: the synchronous system calls of file objects, with results as the engine has them (-errno).
#pragma once

#include "auraio/core/io/request_outcome.hpp"

#include <cstdint>

namespace aura::core {

/// What a file system demands of direct I/O, in bytes; 0: it does not say (statx(2), STATX_DIOALIGN,
/// Linux 6.1).
struct direct_alignment {
    std::uint32_t memory = 0;
    std::uint32_t offset = 0;
};

// Each returns >= 0, or a negated errno; none is interrupted by signals (EINTR is retried).
int open_file(const char* path, int flags, unsigned mode) noexcept;
int file_size(int fd, std::uint64_t& size) noexcept;
int resize_file(int fd, std::uint64_t size) noexcept;
int sync_file(int fd) noexcept;
int sync_file_data(int fd) noexcept;
int seek_file(int fd, std::int64_t offset, int whence, std::uint64_t& position) noexcept;
direct_alignment alignment_of(int fd) noexcept;

/// What kind of file it is. Does not ask a file server.
file_nature nature_of(int fd) noexcept;

/// vector: an array of `count` iovecs. At `offset`, or at the file's position for current_position.
long read_file(int fd, const void* vector, int count, std::uint64_t offset) noexcept;
long write_file(int fd, const void* vector, int count, std::uint64_t offset) noexcept;

} // namespace aura::core

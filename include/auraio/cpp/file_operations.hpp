// file_operations: what Engine does with files and paths.
#pragma once

#include "auraio/cpp/descriptions.hpp"

namespace aura {

/**
 * Operations on files: the functions of aura_files.h, which says what each does, with a callable for the callback, or
 * awaited. A base of Engine.
 *
 * Those with a callback start at once and throw Error when the operation cannot be started (the callable is then
 * destroyed and not called); those called async_... start when they are awaited. In any thread. What is passed by
 * address (memory, paths, arrays) must live, unchanged, until the callback; sizes are in bytes. Where a descriptor
 * stands, reads, writes and syncs also take a registered file (fixed_file()), and either as one of the background,
 * which yields to all others (`AURA_BACKGROUND | fd`).
 */
class FileOperations : public cpp_detail::engine_handle {
public:
    /// Result: how many bytes were read, 0 at the end of the file. `offset` may be AURA_CURRENT_POSITION.
    template <Callback F>
    Request read(int fd, BufferRef buf, std::size_t len, off_t offset, F&& callback) {
        return begin("read", cpp_detail::describe::read(fd, buf, len, offset), std::forward<F>(callback));
    }
    auto async_read(int fd, BufferRef buf, std::size_t len, off_t offset) {
        return awaited("read", cpp_detail::describe::read(fd, buf, len, offset));
    }

    /// Result: how many bytes were written, which may be fewer than `len`.
    template <Callback F>
    Request write(int fd, BufferRef buf, std::size_t len, off_t offset, F&& callback) {
        return begin("write", cpp_detail::describe::write(fd, buf, len, offset), std::forward<F>(callback));
    }
    auto async_write(int fd, BufferRef buf, std::size_t len, off_t offset) {
        return awaited("write", cpp_detail::describe::write(fd, buf, len, offset));
    }

    /// As read() and write(), with `count` buffers, 0 to 1024; the array, too, must live until the callback.
    template <Callback F>
    Request readv(int fd, const iovec* buffers, int count, off_t offset, F&& callback) {
        return begin("readv", cpp_detail::describe::readv(fd, buffers, count, offset),
                     std::forward<F>(callback));
    }
    auto async_readv(int fd, const iovec* buffers, int count, off_t offset) {
        return awaited("readv", cpp_detail::describe::readv(fd, buffers, count, offset));
    }
    template <Callback F>
    Request writev(int fd, const iovec* buffers, int count, off_t offset, F&& callback) {
        return begin("writev", cpp_detail::describe::writev(fd, buffers, count, offset),
                     std::forward<F>(callback));
    }
    auto async_writev(int fd, const iovec* buffers, int count, off_t offset) {
        return awaited("writev", cpp_detail::describe::writev(fd, buffers, count, offset));
    }

    /// What had been written when it was started is on the device. Result: 0.
    template <Callback F>
    Request fsync(int fd, F&& callback) {
        return begin("fsync", cpp_detail::describe::fsync(fd), std::forward<F>(callback));
    }
    auto async_fsync(int fd) { return awaited("fsync", cpp_detail::describe::fsync(fd)); }
    template <Callback F>
    Request fdatasync(int fd, F&& callback) {
        return begin("fdatasync", cpp_detail::describe::fdatasync(fd), std::forward<F>(callback));
    }
    auto async_fdatasync(int fd) { return awaited("fdatasync", cpp_detail::describe::fdatasync(fd)); }

    /// Result: the new descriptor. `directory` may be AT_FDCWD.
    template <Callback F>
    Request openat(int directory, const char* path, int flags, mode_t mode, F&& callback) {
        return begin("openat", cpp_detail::describe::openat(directory, path, flags, mode),
                     std::forward<F>(callback));
    }
    auto async_openat(int directory, const char* path, int flags, mode_t mode = 0) {
        return awaited("openat", cpp_detail::describe::openat(directory, path, flags, mode));
    }

    /// Result: 0. The descriptor is closed in any case, also when this is cancelled; see aura_close().
    template <Callback F>
    Request close(int fd, F&& callback) {
        return begin("close", cpp_detail::describe::close(fd), std::forward<F>(callback));
    }
    auto async_close(int fd) { return awaited("close", cpp_detail::describe::close(fd)); }

    /// Result: 0, and `*result` is filled.
    template <Callback F>
    Request statx(int directory, const char* path, int flags, unsigned mask, struct statx* result,
                  F&& callback) {
        return begin("statx", cpp_detail::describe::statx(directory, path, flags, mask, result),
                     std::forward<F>(callback));
    }
    auto async_statx(int directory, const char* path, int flags, unsigned mask, struct statx* result) {
        return awaited("statx", cpp_detail::describe::statx(directory, path, flags, mask, result));
    }

    /// Result: 0; `flags` are RENAME_*.
    template <Callback F>
    Request renameat(int old_directory, const char* old_path, int new_directory, const char* new_path,
                     unsigned flags, F&& callback) {
        return begin("renameat",
                     cpp_detail::describe::renameat(old_directory, old_path, new_directory, new_path, flags),
                     std::forward<F>(callback));
    }
    auto async_renameat(int old_directory, const char* old_path, int new_directory, const char* new_path,
                        unsigned flags = 0) {
        return awaited("renameat", cpp_detail::describe::renameat(old_directory, old_path, new_directory,
                                                                  new_path, flags));
    }

    /// Result: 0; `flags` is 0, or AT_REMOVEDIR.
    template <Callback F>
    Request unlinkat(int directory, const char* path, int flags, F&& callback) {
        return begin("unlinkat", cpp_detail::describe::unlinkat(directory, path, flags),
                     std::forward<F>(callback));
    }
    auto async_unlinkat(int directory, const char* path, int flags = 0) {
        return awaited("unlinkat", cpp_detail::describe::unlinkat(directory, path, flags));
    }

    /// Result: 0.
    template <Callback F>
    Request mkdirat(int directory, const char* path, mode_t mode, F&& callback) {
        return begin("mkdirat", cpp_detail::describe::mkdirat(directory, path, mode),
                     std::forward<F>(callback));
    }
    auto async_mkdirat(int directory, const char* path, mode_t mode) {
        return awaited("mkdirat", cpp_detail::describe::mkdirat(directory, path, mode));
    }

    /// Result: 0; `mode` is FALLOC_FL_*.
    template <Callback F>
    Request fallocate(int fd, int mode, off_t offset, off_t len, F&& callback) {
        return begin("fallocate", cpp_detail::describe::fallocate(fd, mode, offset, len),
                     std::forward<F>(callback));
    }
    auto async_fallocate(int fd, int mode, off_t offset, off_t len) {
        return awaited("fallocate", cpp_detail::describe::fallocate(fd, mode, offset, len));
    }

    /// Result: 0.
    template <Callback F>
    Request ftruncate(int fd, off_t length, F&& callback) {
        return begin("ftruncate", cpp_detail::describe::ftruncate(fd, length), std::forward<F>(callback));
    }
    auto async_ftruncate(int fd, off_t length) {
        return awaited("ftruncate", cpp_detail::describe::ftruncate(fd, length));
    }

    /// Result: 0; `len` is less than 4 GiB, `flags` are SYNC_FILE_RANGE_*.
    template <Callback F>
    Request sync_file_range(int fd, off_t offset, off_t len, unsigned flags, F&& callback) {
        return begin("sync_file_range", cpp_detail::describe::sync_file_range(fd, offset, len, flags),
                     std::forward<F>(callback));
    }
    auto async_sync_file_range(int fd, off_t offset, off_t len, unsigned flags) {
        return awaited("sync_file_range", cpp_detail::describe::sync_file_range(fd, offset, len, flags));
    }

protected:
    ~FileOperations() = default;
};

} // namespace aura

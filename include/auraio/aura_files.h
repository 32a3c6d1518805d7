/* aura_files.h: operations of the C library on files and paths. Part of auraio/aura.h,
 * whose conventions hold here.
 */
#ifndef AURAIO_AURA_FILES_H
#define AURAIO_AURA_FILES_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

struct statx;

/** An offset that means the file's own position, which the operation moves, as read(2) does. */
#define AURA_CURRENT_POSITION (-1)

/*
 * Each starts an operation and returns its handle. Common failures: NULL with errno EINVAL (engine, memory or
 * path NULL, a negative offset or count), EBADF (a negative descriptor), ENOMEM, ESHUTDOWN (the engine is
 * being destroyed), ECHILD (it is the parent's: see fork(2) above). Whatever the kernel says comes as the
 * callback's result.
 *
 * Reads, writes and syncs also take a registered file (AURA_FIXED_FILE | index, or aura_get_fixed_file()) where a
 * descriptor stands, and either with AURA_BACKGROUND (aura_storage.h). For the former, and for an
 * aura_buf_fixed(): ENOENT (none are registered; or it stands for a file of another table, as every index from
 * 2^20 on would), EBUSY (they are being unregistered), EINVAL (no such index), EOVERFLOW (`len` bytes reach
 * beyond the end of the buffer), EBADF (nothing is registered at that index). As a callback's
 * result: EBUSY or ENOENT when unregistering began at the same time; ENOMEM when the kernel lets the ring have
 * no table.
 *
 * A descriptor must stay open until its operations have completed. One that is O_NONBLOCK is waited for all
 * the same. All of these can be cancelled; one that a disk is working on completes first.
 */

/**
 * Reads up to `len` bytes at `offset`, which may be AURA_CURRENT_POSITION. Result: how many; 0 at the end of
 * the file. At most 2 GiB - 4096 at once, as read(2).
 */
AURA_API aura_request_t* aura_read(aura_engine_t* engine, int fd, aura_buf_t buf, size_t len, off_t offset,
                                   aura_callback_t callback, void* user_data);
/**
 * Writes up to `len` bytes at `offset`. Result: how many; at most 2 GiB - 4096 at once, as write(2). Beyond
 * RLIMIT_FSIZE -EFBIG, without the signal SIGXFSZ.
 */
AURA_API aura_request_t* aura_write(aura_engine_t* engine, int fd, aura_buf_t buf, size_t len, off_t offset,
                                    aura_callback_t callback, void* user_data);
/** As aura_read(), into several buffers; `count` is 0 to 1024 (IOV_MAX). */
AURA_API aura_request_t* aura_readv(aura_engine_t* engine, int fd, const struct iovec* buffers, int count,
                                    off_t offset, aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_writev(aura_engine_t* engine, int fd, const struct iovec* buffers, int count,
                                     off_t offset, aura_callback_t callback, void* user_data);

/** fsync(2), fdatasync(2): what had been written when it was started is on the device. Result: 0. */
AURA_API aura_request_t* aura_fsync(aura_engine_t* engine, int fd, aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_fdatasync(aura_engine_t* engine, int fd, aura_callback_t callback,
                                        void* user_data);

/**
 * openat(2); `directory` may be AT_FDCWD. Result: the new descriptor. A FIFO is opened at once, as with
 * O_NONBLOCK: for reading also without a writer; for writing only when it has a reader (-ENXIO).
 */
AURA_API aura_request_t* aura_openat(aura_engine_t* engine, int directory, const char* path, int flags,
                                     mode_t mode, aura_callback_t callback, void* user_data);
/**
 * close(2). Result: 0. No other operation on `fd` may be pending, except accepts, which end with -ECANCELED
 * unless they have a connection already; the port is free when the callback runs. Once started it cannot be
 * cancelled: the descriptor is closed in any case, also when the engine is destroyed first. One that a chain
 * does not reach (-ECANCELED), or that could not be started (NULL), leaves the descriptor to the program.
 */
AURA_API aura_request_t* aura_close(aura_engine_t* engine, int fd, aura_callback_t callback, void* user_data);
/** statx(2); `flags` are AT_*, `mask` STATX_*. Result: 0. */
AURA_API aura_request_t* aura_statx(aura_engine_t* engine, int directory, const char* path, int flags,
                                    unsigned mask, struct statx* result, aura_callback_t callback,
                                    void* user_data);
/** renameat2(2); each directory may be AT_FDCWD, `flags` are RENAME_*. Result: 0. */
AURA_API aura_request_t* aura_renameat(aura_engine_t* engine, int old_directory, const char* old_path,
                                       int new_directory, const char* new_path, unsigned flags,
                                       aura_callback_t callback, void* user_data);
/** unlinkat(2); `flags` is 0, or AT_REMOVEDIR for an empty directory. Result: 0. */
AURA_API aura_request_t* aura_unlinkat(aura_engine_t* engine, int directory, const char* path, int flags,
                                       aura_callback_t callback, void* user_data);
/** mkdirat(2). Result: 0. */
AURA_API aura_request_t* aura_mkdirat(aura_engine_t* engine, int directory, const char* path, mode_t mode,
                                      aura_callback_t callback, void* user_data);
/** fallocate(2); `mode` is FALLOC_FL_*. Result: 0. */
AURA_API aura_request_t* aura_fallocate(aura_engine_t* engine, int fd, int mode, off_t offset, off_t len,
                                        aura_callback_t callback, void* user_data);
/** ftruncate(2). Result: 0. */
AURA_API aura_request_t* aura_ftruncate(aura_engine_t* engine, int fd, off_t length, aura_callback_t callback,
                                        void* user_data);
/** sync_file_range(2); `len` < 4 GiB, 0: to the end of the file; `flags` are SYNC_FILE_RANGE_*. Result: 0. */
AURA_API aura_request_t* aura_sync_file_range(aura_engine_t* engine, int fd, off_t offset, off_t len,
                                              unsigned flags, aura_callback_t callback, void* user_data);

#ifdef __cplusplus
}
#endif

#endif

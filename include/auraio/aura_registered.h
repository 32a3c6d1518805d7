/* aura_registered.h: registered buffers and files of an engine of the C library. Part of auraio/aura.h,
 * whose conventions hold here.
 */
#ifndef AURAIO_AURA_REGISTERED_H
#define AURAIO_AURA_REGISTERED_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The kernel looks up and pins the memory of a registered buffer once, and a registered file once, instead of
 * for each operation. Each kind goes through its life on its own:
 *
 *     unregistered -> aura_register_...() -> registered -> aura_unregister() -> draining
 *                                                  -> what was started before has ended -> unregistered
 *
 * Other operations are unaffected throughout. doc/memory.md says when it pays.
 */

typedef enum aura_reg_type { AURA_REG_BUFFERS = 0, AURA_REG_FILES = 1 } aura_reg_type_t;

/**
 * `AURA_FIXED_FILE | index` stands for a registered file where a descriptor stands: in reads, writes and syncs,
 * also those of a chain. It is a negative number, so that no index is taken for a descriptor, nor the other way
 * round. Which table it is an index of is decided when the operation is started.
 */
#define AURA_FIXED_FILE INT32_MIN

/**
 * Registers `count` buffers, 1 to 16384, for aura_buf_fixed(index, offset). The array is copied. The memory
 * must stay mapped until they are unregistered; operations may use the same bytes as they may of any buffer.
 * A ring takes them over when it gets its first operation on one: that one takes longer.
 *
 * \return 0; -EINVAL (NULL, count out of range), -EBUSY (registered, or draining), -ESHUTDOWN, -EMFILE,
 * -ENFILE; as the kernel says: -EFAULT (not mapped, or larger than 1 GiB), -ENOMEM (beyond RLIMIT_MEMLOCK),
 * -EOPNOTSUPP (memory mapped from some file systems).
 */
AURA_API int aura_register_buffers(aura_engine_t* engine, const struct iovec* buffers, unsigned count);

/**
 * Registers `count` descriptors (or -1: an entry that is empty for now) for AURA_FIXED_FILE. The array is
 * copied. A descriptor must stay open until it is replaced or the files are unregistered, for a ring takes
 * them over when it gets its first operation on one. The kernel holds the open files meanwhile.
 *
 * Reads and writes that name such a descriptor by its number go by its entry as well: it is found without a
 * search and without a lock, and nothing is looked for where no files are registered. They are never refused for
 * it (by its number goes what finds the entry changed or the table ending), but what has begun holds the end
 * of the registration up. aura_close() makes a number be forgotten; close(2) cannot.
 *
 * \return 0; -EINVAL, -EBUSY, -ESHUTDOWN, -ENOMEM, -ENFILE as above; -EBADF (one is not open, or belongs to
 * an io_uring), -EMFILE (more than RLIMIT_NOFILE).
 */
AURA_API int aura_register_files(aura_engine_t* engine, const int* fds, unsigned count);

/**
 * What stands for entry `index` of the table that is registered now, and for nothing else: an operation on it is
 * refused with ENOENT when the table has ended, also when the engine, or another engine, has a table again by
 * then, in which the index would mean another file. Those of a table are consecutive: that of entry 0 plus the
 * index. (A number is given again when some 2^30 files have been registered.)
 *
 * \return A number of AURA_FIXED_FILE's kind; -1, which every operation refuses, with errno: EINVAL, ENOENT
 * (nothing is registered, or no such index).
 */
AURA_API int aura_get_fixed_file(const aura_engine_t* engine, int index);

/**
 * Replaces one registered file; `fd` -1 empties the entry. Operations started from now on, by this thread or
 * by one that knows of this call, refer to the new file. Those started before go on with the old one if the
 * kernel has them already, also when its descriptor is closed; those that still wait (for a thread in
 * aura_wait(), for their device's gate) end with -EBADF. A ring holds the old file until its next turn.
 *
 * \return 0; -EINVAL (engine NULL, no such index), -ENOENT (none are registered), -EBUSY (draining), -EBADF,
 * -ESHUTDOWN.
 */
AURA_API int aura_update_file(aura_engine_t* engine, int index, int fd);

/**
 * Ends a registration and waits for it, running callbacks as aura_wait() does: when it returns 0, what was
 * started before has ended, its callbacks have returned, and the kernel holds neither memory nor files. In a
 * callback of this engine it does not wait, but is aura_request_unregister().
 *
 * \return 0; -EINVAL, -ENOENT (nothing is registered), -ENOMEM, -ESHUTDOWN; an error of io_uring_enter(2).
 */
AURA_API int aura_unregister(aura_engine_t* engine, aura_reg_type_t type);

/**
 * Ends a registration without waiting: from now on operations on it are refused with EBUSY, and it has ended when
 * what was started before has. Until then it counts as pending: aura_drain() waits for it. While draining this
 * may be called again.
 *
 * \return As aura_unregister().
 */
AURA_API int aura_request_unregister(aura_engine_t* engine, aura_reg_type_t type);

/**
 * The same with a callback (result 0, an operation of type AURA_OP_UNREGISTER), which is called when
 * aura_unregister() would return, once for each call that returned 0.
 */
AURA_API int aura_unregister_async(aura_engine_t* engine, aura_reg_type_t type, aura_callback_t callback,
                                   void* user_data);

#ifdef __cplusplus
}
#endif

#endif

/* aura_linked.h: operations of the C library that run one after the other. Part of auraio/aura.h,
 * whose conventions hold here.
 */
#ifndef AURAIO_AURA_LINKED_H
#define AURAIO_AURA_LINKED_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An operation that is described and not yet started. Made by the functions below. */
typedef struct aura_op {
    size_t struct_size; /**< of each in an array the same */
    int type;           /**< an aura_op_type_t */
    int fd;             /**< what it works on: a descriptor, or AURA_FIXED_FILE | index */
    unsigned flags;     /**< 0 */
    int count;          /**< of `data.buffers` */
    union {
        aura_buf_t buf;              /**< of one buffer */
        const struct iovec* buffers; /**< of a vectored operation */
    } data;                          /**< which of them: as `type` says */
    size_t len;                      /**< in bytes, of `data.buf` */
    off_t offset;                    /**< in the file, in bytes; the new length where a file is cut */
    aura_callback_t callback;        /**< or NULL */
    void* user_data;                 /**< handed to `callback` */
} aura_op_t;

/**
 * Starts `count` operations that run one after the other: each begins when the one before has succeeded, and
 * read or written everything it was asked to. When one fails, is cancelled, or moves fewer bytes (a read at the
 * end of the file, a full disk), those after it complete with -ECANCELED and have done nothing: a close that was
 * not reached leaves its descriptor open. The short one itself says how many bytes it has moved.
 *
 *     aura_submit_linked(engine, (aura_op_t[]){aura_op_write(fd, aura_buf(data), len, 0, NULL, NULL),
 *                                              aura_op_fsync(fd, on_safe, NULL)}, 2, NULL);
 *
 * One on something registered counts as started when its turn comes: if that is being unregistered by then,
 * its result is -EBUSY. `operations` may be gone when this returns. `requests`, unless NULL, gets `count`
 * handles; each operation can be cancelled by its own. All or none are started.
 *
 * \return The handle of the last one; NULL with errno: as for each operation, and EINVAL for count 0.
 */
AURA_API aura_request_t* aura_submit_linked(aura_engine_t* engine, const aura_op_t* operations, size_t count,
                                            aura_request_t** requests);

/* `type` is an aura_op_type_t, whose signedness C leaves open. */
static inline aura_op_t aura_op_describe(int type, int fd, aura_callback_t callback, void* user_data) {
    aura_op_t op;
    op.struct_size = sizeof op;
    op.type = type;
    op.fd = fd;
    op.flags = 0;
    op.count = 0;
    op.data.buf = aura_buf(NULL); /* NOLINT(modernize-use-nullptr): C */
    op.len = 0;
    op.offset = 0;
    op.callback = callback;
    op.user_data = user_data;
    return op;
}

static inline aura_op_t aura_op_read(int fd, aura_buf_t buf, size_t len, off_t offset,
                                     aura_callback_t callback, void* user_data) {
    aura_op_t op = aura_op_describe(AURA_OP_READ, fd, callback, user_data);
    op.data.buf = buf;
    op.len = len;
    op.offset = offset;
    return op;
}

static inline aura_op_t aura_op_write(int fd, aura_buf_t buf, size_t len, off_t offset,
                                      aura_callback_t callback, void* user_data) {
    aura_op_t op = aura_op_read(fd, buf, len, offset, callback, user_data);
    op.type = AURA_OP_WRITE;
    return op;
}

static inline aura_op_t aura_op_readv(int fd, const struct iovec* buffers, int count, off_t offset,
                                      aura_callback_t callback, void* user_data) {
    aura_op_t op = aura_op_describe(AURA_OP_READV, fd, callback, user_data);
    op.data.buffers = buffers;
    op.count = count;
    op.offset = offset;
    return op;
}

static inline aura_op_t aura_op_writev(int fd, const struct iovec* buffers, int count, off_t offset,
                                       aura_callback_t callback, void* user_data) {
    aura_op_t op = aura_op_readv(fd, buffers, count, offset, callback, user_data);
    op.type = AURA_OP_WRITEV;
    return op;
}

static inline aura_op_t aura_op_fsync(int fd, aura_callback_t callback, void* user_data) {
    return aura_op_describe(AURA_OP_FSYNC, fd, callback, user_data);
}

static inline aura_op_t aura_op_fdatasync(int fd, aura_callback_t callback, void* user_data) {
    return aura_op_describe(AURA_OP_FDATASYNC, fd, callback, user_data);
}

static inline aura_op_t aura_op_ftruncate(int fd, off_t length, aura_callback_t callback, void* user_data) {
    aura_op_t op = aura_op_describe(AURA_OP_FTRUNCATE, fd, callback, user_data);
    op.offset = length;
    return op;
}

static inline aura_op_t aura_op_close(int fd, aura_callback_t callback, void* user_data) {
    return aura_op_describe(AURA_OP_CLOSE, fd, callback, user_data);
}

#ifdef __cplusplus
}
#endif

#endif

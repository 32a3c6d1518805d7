/* aura.h: the C library: asynchronous files, sockets and timers on io_uring, with one ring per processor.
 *
 * An engine is created once. Any thread starts operations on it; the callbacks of those that have completed
 * run inside aura_poll(), aura_wait(), aura_run() or aura_drain(), in the thread that calls it.
 *
 *     aura_engine_t *engine = aura_create();
 *     aura_read(engine, fd, aura_buf(data), sizeof data, 0, on_read, NULL);
 *     aura_wait(engine, -1);
 *
 * Results. A callback's `result` is what the system call of the same name would have returned, or a negated
 * errno; -ECANCELED only for an operation that was cancelled. Functions that return an int return a negated
 * errno on failure and also set errno; those that return a pointer return NULL and set errno.
 *
 * Threads. Unless a function says otherwise any thread may call it at any time, from a callback too. One
 * thread or several may poll, wait, run and drain at once; each drives a ring of its own, and callbacks of
 * one ring run one after the other. A callback may run in another thread than the one that started the
 * operation.
 *
 * Callbacks may call everything but aura_poll(), aura_wait(), aura_run(), aura_drain() and aura_destroy(),
 * which return -EDEADLK there and do nothing. A callback must not throw, and while it runs, the other
 * operations of its ring wait.
 *
 * Memory. What an operation names (buffer, path, address, iovec array) must live, unchanged, until its
 * callback is called: also when it is cancelled, since the kernel may be writing meanwhile.
 *
 * Submission. An operation started inside a callback is submitted before the function that runs the callback
 * returns or blocks. Elsewhere it is at once when a thread is waiting for its ring; else the next
 * aura_poll(), aura_wait(), aura_run(), aura_drain() or aura_flush() submits it, together with what was
 * started meanwhile.
 *
 * fork(2): an engine belongs to the process that made it, and goes on there. In a child everything that would
 * use it fails with ECHILD and does nothing; aura_stop() and aura_buffer_free() do nothing, and
 * aura_destroy() returns 0 and leaves all to the parent: no callback is called. A child may make an engine of
 * its own. One that was forked in a callback must not return from it, but call exec or _exit.
 */
#ifndef AURAIO_AURA_H
#define AURAIO_AURA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#define AURA_VERSION_MAJOR 0
#define AURA_VERSION_MINOR 1
#define AURA_VERSION_PATCH 0

#if defined(__GNUC__)
#define AURA_API __attribute__((visibility("default")))
#else
#define AURA_API
#endif

/* The function takes an address and looks at nothing there: GCC need not warn of memory without a value. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define AURA_ONLY_ADDRESS __attribute__((access(none, 1)))
#else
#define AURA_ONLY_ADDRESS
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct statx;

/* ---- types ----------------------------------------------------------------------------------------------
 */

/** An engine: its rings, and everything pending on them. */
typedef struct aura_engine aura_engine_t;

/**
 * A started operation. The value names it for ever: not an address, but a number that is never given to
 * another operation, so that using it after the operation has ended is harmless (-ENOENT, false, NULL).
 */
typedef struct aura_request aura_request_t;

/**
 * What is called when an operation has ended, once for each that was started.
 *
 * \param request   The operation. Introspection works in here; it can no longer be cancelled.
 * \param result    >= 0, or a negated errno.
 * \param user_data What was passed when it was started.
 *
 * NULL is allowed where a callback is asked for: nobody is told then.
 */
typedef void (*aura_callback_t)(aura_request_t* request, ssize_t result, void* user_data);

/** The kinds of operations, for aura_request_op_type(). */
typedef enum aura_op_type {
    AURA_OP_READ = 0,
    AURA_OP_WRITE = 1,
    AURA_OP_READV = 2,
    AURA_OP_WRITEV = 3,
    AURA_OP_FSYNC = 4,
    AURA_OP_FDATASYNC = 5,
    AURA_OP_OPENAT = 6,
    AURA_OP_CLOSE = 7,
    AURA_OP_STATX = 8,
    AURA_OP_FALLOCATE = 9,
    AURA_OP_FTRUNCATE = 10,
    AURA_OP_SYNC_FILE_RANGE = 11,
    AURA_OP_RECV = 12,
    AURA_OP_SEND = 13,
    AURA_OP_ACCEPT = 14,
    AURA_OP_CONNECT = 15,
    AURA_OP_TIMEOUT = 16,
    AURA_OP_UNREGISTER = 17 /* what the callback of aura_request_unregister() is about */
} aura_op_type_t;

/** Where data goes or comes from. Made by aura_buf() or aura_buf_fixed(). */
typedef struct aura_buf_t {
    union {
        void* pointer;
        const void* const_pointer;
        size_t offset; /* into the registered buffer `index` */
    } u;
    int index;    /* of a registered buffer; -1: memory at `pointer` */
    int reserved; /* 0 */
} aura_buf_t;

/** Memory of the caller, to be read into or written from. */
AURA_ONLY_ADDRESS static inline aura_buf_t aura_buf(const void* pointer) {
    aura_buf_t buf;
    buf.u.const_pointer = pointer;
    buf.index = -1;
    buf.reserved = 0;
    return buf;
}

/** Memory at `offset` of buffer `index` of aura_register_buffers(). */
static inline aura_buf_t aura_buf_fixed(int index, size_t offset) {
    aura_buf_t buf;
    buf.u.offset = offset;
    buf.index = index < 0 ? -2 : index; /* -2: refused with EINVAL */
    buf.reserved = 0;
    return buf;
}

/** In the flags of an operation: its `fd` is not a descriptor but an index into aura_register_files(). */
#define AURA_FIXED_FILE 1u

/** An offset that means the file's own position, which the operation moves, as read(2) does. */
#define AURA_CURRENT_POSITION (-1)

/* ---- engines --------------------------------------------------------------------------------------------
 */

/** How operations are spread over the rings. */
typedef enum aura_ring_select {
    /**
     * The ring of the caller's processor (in a callback: the one the callback runs on), unless that has
     * filled three quarters of its completion queue and holds more than twice the average of the others: then
     * the lighter of two others. The default.
     */
    AURA_SELECT_ADAPTIVE = 0,
    /** The ring of the caller's processor, looked up every 32 operations. */
    AURA_SELECT_CPU_LOCAL = 1,
    /** One after the other: spreads the operations of a single thread over all rings. */
    AURA_SELECT_ROUND_ROBIN = 2,
    /** The ring a thread is given at its first operation, for as long as it lives. */
    AURA_SELECT_THREAD_LOCAL = 3
} aura_ring_select_t;

/** What carries operations out. */
typedef enum aura_backend {
    AURA_BACKEND_AUTO = 0, /**< the best this machine allows */
    AURA_BACKEND_URING = 1 /**< io_uring, or an error */
} aura_backend_t;

/**
 * How an engine is made. Always initialised by aura_options_init(); 0 in a field means its default. Defaults
 * come from the environment where that has AURAIO_BACKEND, AURAIO_SQ_ENTRIES, AURAIO_CQ_ENTRIES, AURAIO_WAKE
 * or AURAIO_TASK_RUN, unless the program runs with other rights than whoever started it (secure_getenv(3)).
 */
typedef struct aura_options {
    /** sizeof(aura_options_t) of the header the program was compiled with. */
    size_t struct_size;
    /**
     * At most so many rings, 1 to 512. Default: the processors this process may use (affinity mask and cgroup
     * quota). A ring is made when it is first needed. Threads that wait beyond that number wait for a ring.
     */
    int ring_count;
    /** Submission queue entries of each ring, 1 to 32768. Default 256. More operations than this may be
     *  pending. */
    int queue_depth;
    /** Completion queue entries of each ring, queue_depth to 65536. Default 4096, or 2 x queue_depth. */
    int completion_depth;
    int ring_select; /**< an aura_ring_select_t */
    int backend;     /**< an aura_backend_t */
} aura_options_t;

/** Sets struct_size, and every other field to 0. */
AURA_API void aura_options_init(aura_options_t* options);

/**
 * Makes an engine. aura_create() takes the defaults.
 *
 * \return NULL with errno: EINVAL (a field or environment variable out of its range; struct_size too small),
 * ENOMEM, EMFILE, or why io_uring cannot be used here: EPERM, ENOSYS. The log handler gets the explanation.
 */
AURA_API aura_engine_t* aura_create(void);
AURA_API aura_engine_t* aura_create_with_options(const aura_options_t* options);

/**
 * Ends an engine. What is pending is cancelled and waited for, as long as a device holds a buffer; every
 * callback is called (mostly with -ECANCELED), in this thread. Operations that those start fail with
 * ESHUTDOWN. No other thread may use the engine meanwhile or later.
 *
 * \return 0, also for NULL, and in a child of fork(2), where nothing happens; -EDEADLK in a callback; -EBUSY
 * while a thread polls, waits, runs or drains. In both cases nothing has happened.
 */
AURA_API int aura_destroy(aura_engine_t* engine);

/** How many rings there may be; 0 for NULL. */
AURA_API int aura_get_ring_count(const aura_engine_t* engine);

/** Why this backend was chosen, for people; lives as long as the engine. NULL for NULL. */
AURA_API const char* aura_backend_reason(const aura_engine_t* engine);

/* ---- files ----------------------------------------------------------------------------------------------
 */

/*
 * Each starts an operation and returns its handle. Common failures: NULL with errno EINVAL (engine, memory or
 * path NULL, a negative offset or count), EBADF (a negative descriptor), ENOMEM, ESHUTDOWN (the engine is
 * being destroyed), ECHILD (it is the parent's: see fork(2) above). Whatever the kernel says comes as the
 * callback's result.
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

/*
 * The same with `flags`: 0, AURA_FIXED_FILE or aura_fixed_file_flags(). Beyond the common failures EINVAL (an
 * unknown flag), and, as for every operation with an aura_buf_fixed(), those of registered buffers and files:
 * ENOENT (none are registered), EBUSY (they are being unregistered), EINVAL (no such index), EOVERFLOW (`len`
 * bytes reach beyond the end of the buffer), EBADF (nothing is registered at that index). As a callback's
 * result: EBUSY or ENOENT when unregistering began at the same time; ENOMEM when the kernel lets the ring
 * have no table.
 */
AURA_API aura_request_t* aura_read_ex(aura_engine_t* engine, int fd, aura_buf_t buf, size_t len, off_t offset,
                                      unsigned flags, aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_write_ex(aura_engine_t* engine, int fd, aura_buf_t buf, size_t len,
                                       off_t offset, unsigned flags, aura_callback_t callback,
                                       void* user_data);
AURA_API aura_request_t* aura_readv_ex(aura_engine_t* engine, int fd, const struct iovec* buffers, int count,
                                       off_t offset, unsigned flags, aura_callback_t callback,
                                       void* user_data);
AURA_API aura_request_t* aura_writev_ex(aura_engine_t* engine, int fd, const struct iovec* buffers, int count,
                                        off_t offset, unsigned flags, aura_callback_t callback,
                                        void* user_data);
AURA_API aura_request_t* aura_fsync_ex(aura_engine_t* engine, int fd, unsigned flags,
                                       aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_fdatasync_ex(aura_engine_t* engine, int fd, unsigned flags,
                                           aura_callback_t callback, void* user_data);

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
/** fallocate(2); `mode` is FALLOC_FL_*. Result: 0. */
AURA_API aura_request_t* aura_fallocate(aura_engine_t* engine, int fd, int mode, off_t offset, off_t len,
                                        aura_callback_t callback, void* user_data);
/** ftruncate(2). Result: 0. */
AURA_API aura_request_t* aura_ftruncate(aura_engine_t* engine, int fd, off_t length, aura_callback_t callback,
                                        void* user_data);
/** sync_file_range(2); `len` < 4 GiB, 0: to the end of the file; `flags` are SYNC_FILE_RANGE_*. Result: 0. */
AURA_API aura_request_t* aura_sync_file_range(aura_engine_t* engine, int fd, off_t offset, off_t len,
                                              unsigned flags, aura_callback_t callback, void* user_data);

/* ---- sockets and timers: failures as for files ----------------------------------------------------------
 */

/**
 * recv(2), send(2): `flags` are MSG_*. With MSG_TRUNC the result may be more than `len`. MSG_WAITALL waits
 * for all of `len`, on a socket that is O_NONBLOCK too; what had come when it is cancelled is the result.
 * Send with MSG_NOSIGNAL, or ignore SIGPIPE. Result: how many bytes. One at a time on a stream in each
 * direction: of several that wait for it the kernel serves any first, in fact the youngest.
 */
AURA_API aura_request_t* aura_recv(aura_engine_t* engine, int fd, void* data, size_t len, int flags,
                                   aura_callback_t callback, void* user_data);
AURA_API aura_request_t* aura_send(aura_engine_t* engine, int fd, const void* data, size_t len, int flags,
                                   aura_callback_t callback, void* user_data);
/**
 * accept4(2): `address` and `address_len` may both be NULL; `flags` are SOCK_*. Result: the new descriptor.
 * Any number may be pending on a socket; those on one ring are served in their order. They do not hold the
 * socket, and take a connection only when they return it: others wait in the backlog for whoever shares it.
 * Each ring that waits has a descriptor for it, until the socket is closed. Close it with aura_close(), which
 * ends what is pending, or when nothing is; accepts whose number was closed behind them wait until they are
 * cancelled, or until somebody accepts on another socket that has the number now.
 */
AURA_API aura_request_t* aura_accept(aura_engine_t* engine, int fd, struct sockaddr* address,
                                     socklen_t* address_len, int flags, aura_callback_t callback,
                                     void* user_data);
/** connect(2). Result: 0. */
AURA_API aura_request_t* aura_connect(aura_engine_t* engine, int fd, const struct sockaddr* address,
                                      socklen_t address_len, aura_callback_t callback, void* user_data);
/** Waits `nanoseconds` on the monotonic clock. Result: 0 when they have passed, never earlier. */
AURA_API aura_request_t* aura_timeout(aura_engine_t* engine, uint64_t nanoseconds, aura_callback_t callback,
                                      void* user_data);

/* ---- one after the other --------------------------------------------------------------------------------
 */

/** An operation that is described and not yet started. Made by the functions below. */
typedef struct aura_op {
    int type; /* an aura_op_type_t */
    int fd;
    unsigned flags; /* 0; AURA_FIXED_FILE or aura_fixed_file_flags() for reads, writes and syncs */
    int count;
    union {
        aura_buf_t buf;
        const struct iovec* buffers;
    } data;
    size_t len;
    off_t offset;
    aura_callback_t callback;
    void* user_data;
} aura_op_t;

/**
 * Starts `count` operations that run one after the other: each begins when the one before has succeeded, and
 * read or written everything it was asked to. When one fails, those after it complete with -ECANCELED.
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

/* ---- requests -------------------------------------------------------------------------------------------
 */

/**
 * Asks for an operation to end early. Its callback is called all the same: with -ECANCELED, or with its
 * result when that came first. Needs memory only when the same operation is cancelled twice in a row.
 *
 * \return 0: asked for; -ENOENT: the operation has ended, or its callback has begun; -EINVAL: an argument is
 * NULL, or the request belongs to another engine; -ENOMEM.
 */
AURA_API int aura_cancel(aura_engine_t* engine, aura_request_t* request);

/** Whether the operation's callback has not begun yet. */
AURA_API bool aura_request_pending(const aura_request_t* request);
/** Its descriptor, or the index of its registered file; -1 for an operation without one, and after its
 * callback has returned. */
AURA_API int aura_request_fd(const aura_request_t* request);
/** Its user_data; NULL after its callback has returned. */
AURA_API void* aura_request_user_data(const aura_request_t* request);
/** Its aura_op_type_t; -1 after its callback has returned. */
AURA_API int aura_request_op_type(const aura_request_t* request);

/* ---- running callbacks ----------------------------------------------------------------------------------
 */

/**
 * Runs the callbacks of what has completed, without blocking: one turn of each ring that is free.
 * \return How many ran; -EINVAL, -EDEADLK, or why the engine cannot go on: an error of io_uring_enter(2), or
 * of io_uring_setup(2), since a ring is made when it is needed first (-EMFILE, -ENOMEM). What is pending
 * stays so.
 */
AURA_API int aura_poll(aura_engine_t* engine);

/**
 * As aura_poll(), but waits until something has completed, for at most `timeout_ms` milliseconds (-1: without
 * limit).
 *
 * \return How many callbacks ran, >= 1; 0: nothing is pending (at once when timeout_ms is -1, else after the
 * time, in which another thread may start something); -ETIMEDOUT: something is still pending; else as
 * aura_poll().
 */
AURA_API int aura_wait(aura_engine_t* engine, int timeout_ms);

/**
 * Runs callbacks, whether something is pending or not, until aura_stop(). This is the fastest way to drive an
 * engine. May be called again.
 * \return 0 after aura_stop(); else as aura_poll().
 */
AURA_API int aura_run(aura_engine_t* engine);

/**
 * Ends aura_run() in every thread that is in it, after the callback each is in; when none is, the next
 * aura_run() returns at once. What is pending stays pending. NULL is ignored.
 */
AURA_API void aura_stop(aura_engine_t* engine);

/**
 * Runs callbacks until nothing is pending, for at most `timeout_ms` milliseconds (-1: without limit).
 * \return How many this thread ran; -ETIMEDOUT: something is still pending; else as aura_poll().
 */
AURA_API int aura_drain(aura_engine_t* engine, int timeout_ms);

/** Submits what has been started. \return 0; -EINVAL, or an error of io_uring_enter(2). */
AURA_API int aura_flush(aura_engine_t* engine);

/**
 * A descriptor for epoll(7) or poll(2) that is readable when aura_poll() has something to do: a completion, a
 * timeout, an operation that was started and is not yet submitted. Level-triggered. Belongs to the engine,
 * and costs nothing until it is asked for.
 *
 * A wait for it may end with EINTR when a completion arrives: it is then readable. (The kernel finishes
 * requests in the thread that submitted them.)
 *
 * \return The descriptor; -EINVAL, -EMFILE, -ENFILE, -ENOMEM.
 */
AURA_API int aura_get_poll_fd(aura_engine_t* engine);

/** Whether the calling thread is in a callback, of any engine. */
AURA_API bool aura_in_callback_context(void);

/* ---- buffers ---------------------------------------------------------------------------------------------
 */

/**
 * A buffer of at least `size` bytes, aligned to 4096 as direct I/O wants it, from a cache of the calling
 * thread where possible. Its contents are undefined.
 *
 * \return The buffer; NULL with errno EINVAL (engine NULL, size 0), ENOMEM.
 */
AURA_API void* aura_buffer_alloc(aura_engine_t* engine, size_t size);

/**
 * Gives a buffer back, in any thread; NULL is ignored. Every buffer must have been given back when
 * aura_destroy() returns; no operation may be using it.
 */
AURA_API void aura_buffer_free(aura_engine_t* engine, void* buffer);

/** What the buffers of an engine take, in bytes, and counts since it was made. */
typedef struct aura_buffer_stats {
    size_t struct_size;    /**< set by the caller: sizeof(aura_buffer_stats_t) */
    uint64_t in_use_bytes; /**< held by the program */
    uint64_t cached_bytes; /**< kept by threads for later */
    uint64_t total_bytes;  /**< both, and what is kept for all threads */
    uint64_t allocations;
    uint64_t deallocations;
    uint64_t failures;
} aura_buffer_stats_t;

/** Fills `stats`, as far as struct_size says there is room. \return 0; -EINVAL; -ENOMEM. */
AURA_API int aura_get_buffer_stats(const aura_engine_t* engine, aura_buffer_stats_t* stats);

/* ---- registered buffers and files
 * --------------------------------------------------------------------------
 *
 * The kernel looks up and pins the memory of a registered buffer once, and a registered file once, instead of
 * for each operation. Each kind goes through its life on its own:
 *
 *     unregistered -> aura_register_...() -> registered -> aura_[request_]unregister() -> draining
 *                                                  -> what was started before has ended -> unregistered
 *
 * Other operations are unaffected throughout. doc/memory.md says when it pays.
 */

typedef enum aura_reg_type { AURA_REG_BUFFERS = 0, AURA_REG_FILES = 1 } aura_reg_type_t;

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
 * \return 0; -EINVAL, -EBUSY, -ESHUTDOWN, -ENOMEM, -ENFILE as above; -EBADF (one is not open, or belongs to
 * an io_uring), -EMFILE (more than RLIMIT_NOFILE).
 */
AURA_API int aura_register_files(aura_engine_t* engine, const int* fds, unsigned count);

/**
 * The files that are registered now, for the flags of operations: AURA_FIXED_FILE, with the name of the
 * table. An operation with these flags is refused with ENOENT when the table has ended, also when the engine,
 * or another engine, has a table again by then, in which the index would mean another file. With
 * AURA_FIXED_FILE alone an index is one of whatever is registered when the operation is started.
 *
 * \return The flags; 0 when no files are registered, and for NULL.
 */
AURA_API unsigned aura_fixed_file_flags(const aura_engine_t* engine);

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
 * callback of this engine it does not wait, but is aura_request_unregister() without a callback.
 *
 * \return 0; -EINVAL, -ENOENT (nothing is registered), -ENOMEM, -ESHUTDOWN; an error of io_uring_enter(2).
 */
AURA_API int aura_unregister(aura_engine_t* engine, aura_reg_type_t type);

/**
 * Ends a registration: from now on operations on it are refused with EBUSY. `callback` (result 0, an
 * operation of type AURA_OP_UNREGISTER) is called when aura_unregister() would return. Until then it counts
 * as pending: aura_drain() waits for it. While draining this may be called again, and each callback is
 * called.
 *
 * \return As aura_unregister(). The callback is called only after 0.
 */
AURA_API int aura_request_unregister(aura_engine_t* engine, aura_reg_type_t type, aura_callback_t callback,
                                     void* user_data);

/* ---- version and log ------------------------------------------------------------------------------------
 */

/** "major.minor.patch" of the library that is running. */
AURA_API const char* aura_version(void);
/** The same as a number: major x 10000 + minor x 100 + patch. */
AURA_API int aura_version_int(void);

/** Levels of the log, those of syslog(3). */
typedef enum aura_log_level { AURA_LOG_ERR = 3, AURA_LOG_WARNING = 4, AURA_LOG_INFO = 6 } aura_log_level_t;

typedef void (*aura_log_handler_t)(aura_log_level_t level, const char* message, void* user_data);

/**
 * Sets the process-wide receiver of what the library has to say: why an engine could not be made, which
 * backend was chosen, calls that a callback must not make. NULL, as at the start: nobody. The handler may be
 * called by any thread, by one at a time, and has returned for the last time when a call that replaces it
 * returns. It may call everything here; what the library has to say meanwhile in its thread is lost, and
 * other threads with something to say wait for it. A handler that replaces itself still returns once.
 */
AURA_API void aura_set_log_handler(aura_log_handler_t handler, void* user_data);

#ifdef __cplusplus
}
#endif

#include <auraio/aura_stats.h>

#endif

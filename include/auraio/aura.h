/* aura.h: the C library: asynchronous files, sockets and timers on io_uring, with one ring per processor.
 *
 * This header has engines, the running of callbacks, and what is the same for all operations; it includes the
 * others: aura_files.h, aura_sockets.h, aura_linked.h, aura_buffers.h, aura_registered.h, aura_storage.h,
 * aura_stats.h, aura_log.h.
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
 * thread or several may poll, wait, run and drain at once; each drives a ring of its own. A callback may run in
 * another thread than the one that started the operation.
 *
 * Callbacks may call everything but aura_poll(), aura_wait(), aura_run(), aura_drain() and aura_destroy(),
 * which return -EDEADLK there and do nothing. A callback must not throw. There is no order between the callbacks of
 * different operations, except in a chain.
 *
 * While a callback runs, the other operations of its ring wait; when it has taken long (takeover_after in
 * aura_options_t) and another thread that waits, runs or drains has nothing to do, that one goes on with them, so that
 * a callback may wait for what another one does, and callbacks of one ring may run at the same time. Waited for are
 * callbacks of operations that others of a chain follow, and of those on registered buffers and files.
 *
 * Memory. What an operation names (buffer, path, address, iovec array) must live, unchanged, until its
 * callback is called: also when it is cancelled, since the kernel may be writing meanwhile.
 *
 * Submission. An operation started inside a callback is submitted before the function that runs the callback
 * returns or blocks. Elsewhere it is at once when a thread is waiting for its ring; else the next
 * aura_poll(), aura_wait(), aura_run(), aura_drain() or aura_flush() submits it, together with what was
 * started meanwhile.
 *
 * Structs begin with their size, struct_size, and grow at their end. A program passes the size it was compiled
 * with; libraries of other versions, older or newer, go by it. What an older struct does not have is as the
 * struct's init function leaves it, or is not told. A newer struct is taken unless something is set in it that
 * this library does not know (EINVAL); what a library cannot tell is left as it was, and struct_size is then
 * as far as it has told. A size that nobody has set is EINVAL. (aura_buf_t is a value and stays as it is.)
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
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The version of all of auraio; test/versions.sh holds what has to repeat it. */
#define AURA_VERSION_MAJOR 0
#define AURA_VERSION_MINOR 2
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
    AURA_OP_UNREGISTER = 17, /* what the callback of aura_unregister_async() is about */
    AURA_OP_RENAMEAT = 18,
    AURA_OP_UNLINKAT = 19,
    AURA_OP_MKDIRAT = 20,
    AURA_OP_RECVMSG = 21,
    AURA_OP_SENDMSG = 22,
    AURA_OP_POLL = 23
} aura_op_type_t;

/** Where data goes or comes from. Made by aura_buf() or aura_buf_fixed(). */
typedef struct aura_buf_t {
    union {
        void* pointer;             /**< memory of the caller, where `index` is -1 */
        const void* const_pointer; /**< the same, only read */
        size_t offset;             /**< into the registered buffer `index` */
    } u;                           /**< which of them: as `index` says */
    int index;                     /**< of a registered buffer; -1: memory at `pointer` */
    int reserved;                  /**< 0 */
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
    /** The best this machine allows: io_uring, and where something forbids that, epoll. A shortage is an error. */
    AURA_BACKEND_AUTO = 0,
    AURA_BACKEND_URING = 1, /**< io_uring, or an error */
    AURA_BACKEND_EPOLL = 2  /**< readiness, and a pool of threads for files, or an error */
} aura_backend_t;

/**
 * How an engine is made. Always initialised by aura_options_init(); 0 in a field means its default. Defaults
 * come from the environment where that has AURAIO_BACKEND, AURAIO_SQ_ENTRIES, AURAIO_CQ_ENTRIES,
 * AURAIO_POOL_THREADS, AURAIO_WAKE, AURAIO_TASK_RUN, AURAIO_WORKER_LIMIT, AURAIO_RESTRICT_RINGS,
 * AURAIO_KEEP_RING, AURAIO_PACK_RINGS or AURAIO_TAKEOVER_AFTER (0: never; see engine_options.hpp), unless the
 * program runs with other rights than whoever started it (secure_getenv(3)).
 */
typedef struct aura_options {
    size_t struct_size; /**< set by aura_options_init() */
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
    /** Latency that 99 of 100 reads and writes of files shall stay below, in milliseconds, on every storage
     *  device. Default: no bound. aura_set_storage() says it later, for one device, and more. */
    double max_p99_latency_ms;
    /** After so many microseconds in one callback its ring is given to another thread, if one has nothing to do.
     *  Default 1000. -1: never, so that callbacks of one ring run one after the other. */
    int takeover_after;
} aura_options_t;

/** Sets struct_size, and every other field to 0. NULL is ignored. */
static inline void aura_options_init(aura_options_t* options) {
    if (!options)
        return;
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
}

/**
 * Makes an engine. aura_create() takes the defaults.
 *
 * \return NULL with errno: EINVAL (a field or environment variable out of its range),
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

/**
 * AURA_BACKEND_URING or AURA_BACKEND_EPOLL; -EINVAL for NULL. It changes once at most: when the first ring is
 * made, and something forbids io_uring that did not when the engine was.
 */
AURA_API int aura_get_backend(const aura_engine_t* engine);
/**
 * Why this backend was chosen, and what would have to be allowed for a better one, for people; lives as long as
 * the engine. NULL for NULL.
 */
AURA_API const char* aura_get_backend_reason(const aura_engine_t* engine);

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
 * limit). Where nothing is pending, or another thread runs the last callback, it returns at once: a thread that is
 * to wait for what others will start calls aura_run().
 *
 * \return How many callbacks ran, >= 1; 0: nothing is pending; -ETIMEDOUT: something still is; else as
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
 * Operations started in callbacks are submitted when all callbacks of the turn have run; with a threshold,
 * each time that many wait. 0, as at first: none; 1: each at once. For callbacks that compute for long.
 * \return 0; -EINVAL.
 */
AURA_API int aura_set_batch_threshold(aura_engine_t* engine, unsigned requests);

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

#ifdef __cplusplus
}
#endif

#include <auraio/aura_buffers.h>
#include <auraio/aura_files.h>
#include <auraio/aura_linked.h>
#include <auraio/aura_log.h>
#include <auraio/aura_registered.h>
#include <auraio/aura_sockets.h>
#include <auraio/aura_stats.h>
#include <auraio/aura_storage.h>

#endif

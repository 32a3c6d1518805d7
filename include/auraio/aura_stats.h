/* aura_stats.h: what an engine of the C library has counted. Part of auraio/aura.h, whose conventions hold
 * here.
 */
#ifndef AURAIO_AURA_STATS_H
#define AURAIO_AURA_STATS_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- statistics -----------------------------------------------------------------------------------------
 */

/** What happened since the engine was made, and what is pending. */
typedef struct aura_stats {
    size_t struct_size;  /**< set by the caller: sizeof(aura_stats_t) */
    uint64_t rings;      /**< that have been used; of one ring: 1 */
    uint64_t submitted;  /**< requests given to the kernel; wakes, timeouts and cancellations not included */
    uint64_t completed;  /**< of `submitted` */
    uint64_t in_flight;  /**< of those, when the last turn of the loop ended */
    uint64_t handlers;   /**< callbacks, and what the library runs by itself */
    uint64_t turns;      /**< of the loop: handlers / turns tells how much is batched */
    uint64_t enters;     /**< calls of io_uring_enter(2) */
    uint64_t wakes_sent; /**< by callbacks, to rings that slept */
    uint64_t wakes_received;    /**< from any thread */
    uint64_t cq_overflows;      /**< how often completions did not fit: raise completion_depth */
    uint64_t adaptive_spills;   /**< operations that went to another ring because theirs was crowded */
    uint64_t loop_delay_max_ns; /**< the longest turn, in ticks of 1 to 10 ms: a callback that blocks shows */
    uint64_t long_turns;        /**< how many took 10 ms or more */
    /** How often no ring could be made for want of descriptors or memory: threads then share those there are.
     * Of the engine; of one ring: 0. */
    uint64_t ring_shortages;
    uint64_t gate_waits; /**< reads and writes that had to wait for their device */
    uint64_t operations; /**< pending when the last turn ended, timers included */
    uint64_t
        takeovers; /**< of rings whose thread was in a callback for long: aura_options_t::takeover_after */
    uint64_t takeovers_computing; /**< of those, from threads that were computing; the others slept */
    uint64_t stranded; /**< callbacks that were ready on a ring when it was taken, and would have waited */
    uint64_t busy_ns;  /**< its threads in callbacks and what the loop does for them; right over seconds */
    uint64_t idle_ns;  /**< its threads in the call that submits and waits */
    /** Its threads in the kernel: what that of its thread has grown by between looks that found the same thread. Never
     *  falls; what a thread did between two looks of which it served the ring only in part may be left out. */
    uint64_t system_ns;
    uint64_t handed_over; /**< callbacks expected to take long, called with their ring given to others */
} aura_stats_t;

/**
 * Fills `stats`; of all rings together. Disturbs no ring: figures
 * that depend on each other may be off by what happened meanwhile.
 * \return 0; -EINVAL; -ENOMEM.
 */
AURA_API int aura_get_stats(const aura_engine_t* engine, aura_stats_t* stats);

/**
 * The same of one ring, 0 to aura_get_ring_count() - 1. Rings are numbered in the order of their first use;
 * one that has not been used has 0 in all fields.
 */
AURA_API int aura_get_ring_stats(const aura_engine_t* engine, int ring, aura_stats_t* stats);

/** In the place of a ring's number: all of them together. */
#define AURA_ALL_RINGS (-1)
/** Of aura_histogram_t. */
#define AURA_HISTOGRAM_BUCKETS 1152

/**
 * How long something took: reads or writes, from submission to completion, of which about one of 64 is measured; what
 * the loops measure, see aura_get_loop_histogram(). Every power of two nanoseconds has 32 buckets of equal width;
 * below 64 ns each nanosecond has one.
 */
typedef struct aura_histogram {
    size_t struct_size;                       /**< set by the caller: sizeof(aura_histogram_t) */
    uint64_t count;                           /**< of latencies: the sum of `buckets` */
    uint64_t sum_ns;                          /**< of all of them */
    uint64_t buckets[AURA_HISTOGRAM_BUCKETS]; /**< histograms may be added and subtracted bucket by bucket */
} aura_histogram_t;

/**
 * Fills `histogram`. `ring` is AURA_ALL_RINGS or as in aura_get_ring_stats(), `type` AURA_OP_READ or
 * AURA_OP_WRITE, vectored ones included.
 * \return 0; -EINVAL; -ENOMEM.
 */
AURA_API int aura_get_histogram(const aura_engine_t* engine, int ring, aura_op_type_t type,
                                aura_histogram_t* histogram);

/** What a ring's loop measures of one callback in 61. */
typedef enum aura_loop_time {
    AURA_LOOP_QUEUE_DELAY = 0, /**< from when the loop knew that it was to be called to when it was */
    AURA_LOOP_HANDLER_TIME = 1 /**< how long it took */
} aura_loop_time_t;

/**
 * Fills `histogram`. `ring` is AURA_ALL_RINGS or as in aura_get_ring_stats().
 * \return 0; -EINVAL; -ENOMEM.
 */
AURA_API int aura_get_loop_histogram(const aura_engine_t* engine, int ring, aura_loop_time_t which,
                                     aura_histogram_t* histogram);

/**
 * The smallest latency in nanoseconds such that at least `fraction` (0 to 1) of all are no longer, at most
 * 3.1 % too long: 0.99 gives the P99. 0 when nothing was measured, or not all buckets are there.
 */
AURA_API uint64_t aura_histogram_percentile(const aura_histogram_t* histogram, double fraction);

/* ---- buffers ---------------------------------------------------------------------------------------------
 */

/** What the buffers of an engine take, in bytes, and counts since it was made. */
typedef struct aura_buffer_stats {
    size_t struct_size;     /**< set by the caller: sizeof(aura_buffer_stats_t) */
    uint64_t in_use_bytes;  /**< held by the program */
    uint64_t cached_bytes;  /**< kept by threads for later */
    uint64_t total_bytes;   /**< both, and what is kept for all threads */
    uint64_t allocations;   /**< buffers taken */
    uint64_t deallocations; /**< buffers given back */
    uint64_t failures;      /**< allocations that failed */
} aura_buffer_stats_t;

/** Fills `stats`. \return 0; -EINVAL; -ENOMEM. */
AURA_API int aura_get_buffer_stats(const aura_engine_t* engine, aura_buffer_stats_t* stats);

/* ---- storage devices ------------------------------------------------------------------------------------
 */

/** What the controller of a device is doing. */
typedef enum aura_phase {
    AURA_PHASE_PASSTHROUGH = 0, /**< the gate is open; watching whether a queue builds up in the device */
    AURA_PHASE_BASELINE = 1,    /**< the gate is open; measuring the rate with everything in flight */
    AURA_PHASE_PROBING = 2,     /**< searching for the smallest depth that keeps the best rate */
    AURA_PHASE_STEADY = 3,      /**< there; trying a little more and a little less now and then */
    AURA_PHASE_BACKOFF = 4,     /**< latency has left its guard: the limit was cut */
    AURA_PHASE_SETTLING = 5,    /**< waiting for what was started under the former limit */
    AURA_PHASE_CONVERGED = 6    /**< steady, without a change of the limit for a while */
} aura_phase_t;

/** "passthrough" and so on, in static memory; NULL when there is no such phase. */
AURA_API const char* aura_phase_name(int phase);

/**
 * A storage device. Counters are of all engines of the process that are not exempt (`adaptive`), since the
 * first of them used it.
 */
typedef struct aura_device_stats {
    size_t struct_size;     /**< set by the caller: sizeof(aura_device_stats_t) */
    char name[32];          /**< as the kernel has it ("sda", "nvme0n1"), else "major:minor" */
    unsigned major;         /**< its numbers, as stat(2) has them */
    unsigned minor;         /**< see `major` */
    int phase;              /**< an aura_phase_t */
    unsigned rings;         /**< that use it */
    const char* reason;     /**< why the phase was entered, in static memory; "" when it is still the first */
    uint64_t phase_changes; /**< so far */
    uint64_t limit;         /**< so many may be in flight; UINT64_MAX: the gate is open */
    uint64_t in_flight;     /**< now */
    uint64_t waiting;       /**< held back now */
    uint64_t submitted;     /**< let through or held back */
    uint64_t completed;     /**< of `submitted` */
    uint64_t delayed;       /**< of `submitted`: held back */
    uint64_t bytes;         /**< moved */
    double throughput;      /**< requests per second, over the last 200 ms or more under load; 0 at rest */
    uint64_t p99_latency_ns;     /**< of recent samples, as of the controller's last look */
    uint64_t latency_samples;    /**< how many */
    uint64_t background_waiting; /**< of AURA_BACKGROUND, held back now: they yield, or wait for the gate */
    uint64_t background_delayed; /**< how many have been */
} aura_device_stats_t;

/**
 * Fills `stats`, with the engine's device number `device`: from 0
 * on, in the order of first use.
 * \return 0; -ENOENT: the engine has used no more devices; -EINVAL; -ENOMEM.
 */
AURA_API int aura_get_device_stats(const aura_engine_t* engine, int device, aura_device_stats_t* stats);

/* ---- what is pending --------------------------------------------------------------------------------------
 */

/**
 * Writes to `fd` what is pending, on which descriptor, with which callback, and what it waits for; what the
 * thread of each ring does; timers and devices: for the question why nothing happens. Any thread, callbacks
 * included. Of a ring whose thread does not come back to its loop it says so after a quarter of a second, and
 * for how long that has been the case. The text is for people and may change.
 * \return 0; -EINVAL; -ENOMEM; what write(2) said, when part of it may have been written.
 */
AURA_API int aura_dump(aura_engine_t* engine, int fd);

/**
 * Serves statistics while the program runs, from a thread of its own, which answers also while callbacks block:
 * on a UNIX socket at `path`, which only this user may open, each connection gets one snapshot, a line of JSON, at
 * once, and another for each line it sends. In the place of what was served before; ends with the engine, or
 * when `path` is NULL. A socket that a process left behind is replaced, nothing else is.
 * \param prometheus_port  serve http://127.0.0.1:port/metrics as well, to every user of the machine; 0: a free
 *                         port; negative: do not
 * \return the port, or 0 without one; -EINVAL; -ENOMEM; -ENAMETOOLONG; -EADDRINUSE; what a system call said.
 */
AURA_API int aura_serve_statistics(aura_engine_t* engine, const char* path, int prometheus_port);

#ifdef __cplusplus
}
#endif

#endif

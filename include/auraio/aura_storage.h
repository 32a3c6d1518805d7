/* aura_storage.h: what an engine of the C library asks of storage devices. Part of auraio/aura.h,
 * whose conventions hold here.
 */
#ifndef AURAIO_AURA_STORAGE_H
#define AURAIO_AURA_STORAGE_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads and writes of files pass a gate, which lets all of them through unless it finds that fewer in flight
 * on their device would do; what it holds back waits, oldest first for each file, and can be cancelled. All
 * engines of the process share what is known of a device. A file's device is looked at again after a few
 * milliseconds of use, since nobody says when a descriptor comes to mean another file.
 */

/** What an engine asks of the gate. -1 in a field: it stays as it is. */
typedef struct aura_storage {
    size_t struct_size;         /**< set by aura_storage_init() */
    int64_t max_p99_latency_ns; /**< latency to stay below, however much throughput that costs; 0, as at
                                   first: none */
    int min_in_flight;          /**< so many may always be in flight; 1, as at first, is the least */
    int max_in_flight;          /**< never more, also where the gate is open; 0, as at first: no bound */
    int adaptive;               /**< 0: this engine's requests are never held back. 1, as at first */
} aura_storage_t;

/** Sets struct_size, and all else to -1. NULL is ignored. */
static inline void aura_storage_init(aura_storage_t* storage) {
    if (!storage)
        return;
    memset(storage, -1, sizeof *storage);
    storage->struct_size = sizeof *storage;
}

/**
 * Changes what the engine asks of the device that the file, directory or block device `path` lies on, or,
 * with NULL, of all devices, those used later included; what was set for one device wins over that. Where
 * engines differ, the strictest counts. At any time; with a path this blocks as stat(2) does.
 * \return 0; -EINVAL: a value out of range, or no struct_size; what stat(2) says, -ENOENT for example; -ENOMEM;
 * -EMFILE, -ENFILE: which disk that is cannot be read just now.
 */
AURA_API int aura_set_storage(aura_engine_t* engine, const char* path, const aura_storage_t* storage);

/**
 * `AURA_BACKGROUND | fd`, and `AURA_BACKGROUND | AURA_FIXED_FILE | index` or any other number of a registered file,
 * stand for the file in reads and writes that nobody waits for, as of a scrub or a compaction; also in those of a
 * chain. They yield to all others of the process on the same storage device: while those wait at its gate none of
 * them is let through (but one in 100 ms), while there were any in the last 10 ms an eighth of what those have
 * there (but one at a time for each ring at least), else as many as the gate lets through. Syncs take such a number
 * too, and are as any other. What makes no storage device busy, a pipe or a socket, is not held back.
 */
#define AURA_BACKGROUND 0x40000000

#ifdef __cplusplus
}
#endif

#endif

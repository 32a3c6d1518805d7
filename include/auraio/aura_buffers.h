/* aura_buffers.h: the pool of buffers of an engine of the C library. Part of auraio/aura.h, whose
 * conventions hold here.
 */
#ifndef AURAIO_AURA_BUFFERS_H
#define AURAIO_AURA_BUFFERS_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif

#endif

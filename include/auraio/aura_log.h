/* aura_log.h: which version of the C library is running, and what it has to say. Part of auraio/aura.h,
 * whose conventions hold here.
 */
#ifndef AURAIO_AURA_LOG_H
#define AURAIO_AURA_LOG_H

#include <auraio/aura.h>

#ifdef __cplusplus
extern "C" {
#endif

/** "major.minor.patch" of the library that is running. */
AURA_API const char* aura_version(void);
/** The same as a number: major x 10000 + minor x 100 + patch. */
AURA_API int aura_version_int(void);

/** Levels of the log, those of syslog(3). */
typedef enum aura_log_level { AURA_LOG_ERR = 3, AURA_LOG_WARNING = 4, AURA_LOG_INFO = 6 } aura_log_level_t;

typedef void (*aura_log_handler_t)(aura_log_level_t level, const char* message, void* user_data);

/**
 * Sets the process-wide receiver of what the library has to say: why an engine could not be made, which
 * backend was chosen and why, calls that a callback must not make. NULL: nobody. Until it is called, two
 * warnings go to standard error, and nothing else anywhere: that something forbids io_uring (once in a
 * process), and that threads have to do without a ring of their own (once for each engine). The handler may be
 * called by any thread, by one at a time, and has returned for the last time when a call that replaces it
 * returns. It may call everything here; what the library has to say meanwhile in its thread is lost, and
 * other threads with something to say wait for it. A handler that replaces itself still returns once.
 */
AURA_API void aura_set_log_handler(aura_log_handler_t handler, void* user_data);

/**
 * From now on a callback that has not returned after so many milliseconds is reported to the log handler while
 * it still runs: ring, thread, for how long, and where possible its stack, as a warning; once, and again when it
 * has lasted ten times as long; one report a second at most. 0: never. Until this is called it is 100, of engines that
 * two threads or more run whose callbacks may be taken over (see aura_options_t::takeover_after): a thread watches
 * those anyway. Once this asks for reports all engines are watched, by a thread of the library's. Process-wide. Any
 * thread.
 */
AURA_API void aura_set_stall_report(unsigned milliseconds);

#ifdef __cplusplus
}
#endif

#endif

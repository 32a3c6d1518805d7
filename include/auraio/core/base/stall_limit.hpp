// stall_limit: after how long a handler that does not return is reported.
#pragma once

namespace aura::core {

/// After how many milliseconds a handler that has not returned is reported to the log handler, if there is one
/// (set_log_handler()), while it still runs: ring, thread, for how long, and its stack, as a warning; once, and again
/// when it has lasted ten times as long; one report a second at most. A line in the place of the stack says why there
/// is none: a thread in a system call that a signal might cut short is left alone, as is one that blocks the signal.
/// Where it may be several handlers without a pause that line is missing, too. 0: never. Process-wide. Any thread.
/// Where nothing was set it is 100, and is so for contexts that a thread watches anyway: those with two threads or more
/// in run() whose rings may be taken over. Once it is set all contexts are watched, those of one thread as well, by a
/// thread of the process that is there as long.
void set_stall_report(unsigned milliseconds) noexcept;

/// What was set.
unsigned stall_report_after() noexcept;

} // namespace aura::core

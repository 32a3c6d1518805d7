// log: what the library has to say to whoever runs the program, and who hears it.
#pragma once

#include <cstdint>

namespace aura::core {

/// Levels of the log, those of syslog(3).
enum class log_level : std::uint8_t { error = 3, warning = 4, info = 6 };

using log_handler = void (*)(log_level level, const char* message, void* user_data);

/// Sets the process-wide receiver of what the library has to say: which backend was chosen and why (info, for
/// each context), that this is not io_uring because something forbids it (warning, once in a process), that
/// threads have to do without a ring of their own (warning, once for each context). Until it is called,
/// warnings of those kinds go to standard error and nothing else goes anywhere; after set_log_handler(nullptr)
/// nothing does.
///
/// The handler may be called by any thread, by one at a time, and has returned for the last time when a call
/// that replaces it returns. It must not throw. It may use the library; what that has to say meanwhile in its
/// thread is lost, and other threads with something to say wait for it.
void set_log_handler(log_handler handler, void* user_data = nullptr);

} // namespace aura::core

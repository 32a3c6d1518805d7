// log: saying something to whoever listens; see auraio/core/base/log.hpp.
#pragma once

#include "auraio/core/base/log.hpp"

namespace aura::core {

/// Whether log_message() reaches anybody: for messages that are put together only then. A hint.
bool log_has_handler() noexcept;

/// Tells the handler, if there is one. In no critical section: the handler may call everything.
void log_message(log_level level, const char* message) noexcept;

/// The same for what should be heard also where nobody has said who listens: then it goes to standard error.
void announce(log_level level, const char* message) noexcept;

/// As set_log_handler(), and calls `meanwhile(argument)` where no handler runs and none can be set.
void change_log_handler(log_handler handler, void* user_data, void (*meanwhile)(void*), void* argument);

} // namespace aura::core

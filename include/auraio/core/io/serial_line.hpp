// serial_line: the system calls of serial ports, with results as the engine has them (-errno).
#pragma once

#include <termios.h>

namespace aura::core {

// Each returns >= 0, or a negated errno; none but the break is interrupted by signals (EINTR is retried).

/// Opens a device as Asio does: without waiting for a carrier and not as the controlling terminal, O_NONBLOCK,
/// raw, eight bits, no parity, whatever the modem's lines say. Closed on exec.
int open_serial_line(const char* device) noexcept;

int get_line_settings(int fd, termios& settings) noexcept;
int set_line_settings(int fd, const termios& settings) noexcept;

/// Takes a quarter of a second to half of one. EINTR for a signal meanwhile, as Asio has it: sent again each
/// time, the break would not end beside a timer of the process that is faster.
int send_break(int fd) noexcept;

} // namespace aura::core

// allowance: who forbids io_uring here, and what would allow it, in words for who runs the program.
#pragma once

#include <string>

namespace aura::core::uring {

/// What the machine says of itself: what an explanation goes by. Passed in, so that it can be tested.
struct surroundings {
    int io_uring_disabled = -1; ///< kernel.io_uring_disabled; -1: this kernel has no such setting
    bool filtered = false;      ///< a seccomp filter is on this thread
    bool enterprise = false;    ///< a relative of Red Hat Enterprise Linux
};

/// Of this thread, now.
surroundings look_around() noexcept;

/// "CALL: error (who forbids it: what to change)"; "io_uring_setup" and the like for `call`.
std::string explain_refusal(const char* call, int error, const surroundings& here);

} // namespace aura::core::uring

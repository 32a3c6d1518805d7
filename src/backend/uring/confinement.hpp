// confinement: what a ring of ours is held to before its first request: which operations, how many workers.
#pragma once

#include "auraio/core/loop/engine_options.hpp"

namespace aura::core::uring {

struct features;

/// Of a ring that was set up with IORING_SETUP_R_DISABLED: it can do what this library does and nothing else,
/// whoever gets hold of it or of the memory it shares with the kernel; then it is enabled. 0 or a negated
/// errno.
int restrict_and_enable(int ring_fd, const features& f) noexcept;

/// The same of a ring that has tables of buffers and files, and never a request: there is no other thing it can do.
int restrict_to_tables_and_enable(int ring_fd) noexcept;

/// Of any ring: at most so many kernel threads work for each thread that uses it. Kernels before 5.15 know no
/// such bound, and sandboxes may forbid to set it: then the kernel's own holds.
void limit_workers(int ring_fd, const engine_options& options) noexcept;

} // namespace aura::core::uring

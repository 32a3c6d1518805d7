// system_calls: how each kind of request is carried out by a system call, for backends and threads without a
// ring.
#pragma once

#include "auraio/core/io/io_operation.hpp"

namespace aura::core {

/// Carries out the request of `op` by its system call: >= 0 or a negated errno. It blocks for as long as the
/// call takes; a connect does not. Not for what waits for others and not for this machine (messages, accepts,
/// polls): EINVAL. The file is meant by its number.
int carry_out(const io_operation& op) noexcept;

/// Does at once what needs nothing but the page cache. -EAGAIN: it would have to wait, or this kernel or file
/// system cannot tell; then it is to be done whole by carry_out(), although some of it may have been read.
/// Only of reads and writes.
int carry_out_from_cache(const io_operation& op) noexcept;

/// Whether a write that was not to wait has ended after `moved` bytes of more. Of storage it has been broken off then:
/// file systems do so where pages are short or writers are slowed down. The kernel's own requests write the rest, and
/// what is linked behind a write fails when it is short.
bool is_broken_off(const io_operation& op, int moved) noexcept;

/// Goes on behind those bytes, and may block. All that has been written.
int carry_out_rest(const io_operation& op, int moved) noexcept;

} // namespace aura::core

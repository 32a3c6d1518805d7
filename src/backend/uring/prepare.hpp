// prepare: an io_request as a submission queue entry.
#pragma once

#include "auraio/core/io_request.hpp"

#include <liburing.h>

namespace aura::core::uring {

/// Fills a zeroed entry; user_data is left to the caller.
void prepare(io_uring_sqe& sqe, const io_request& r) noexcept;

/// Fills a zeroed entry with a one-shot poll(2) for `events` of the file that `r` is about.
void prepare_poll(io_uring_sqe& sqe, const io_request& r, std::uint32_t events) noexcept;

/// True for requests the kernel has no opcode for (features says which).
bool needs_own_thread(const io_request& r) noexcept;

/// Carries such a request out by its system call. Blocks for as long as that takes: metadata operations only.
int run_in_this_thread(const io_request& r) noexcept;

} // namespace aura::core::uring

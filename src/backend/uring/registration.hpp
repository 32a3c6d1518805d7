// registration: tables of buffers and files of one io_uring, by its descriptor.
#pragma once

#include "auraio/core/io/backend.hpp"

#include <memory>
#include <span>

namespace aura::core::uring {

/// Takes the buffers over from `source`, which is null or one of make_source(), where this kernel can; else
/// registers them. 0 or -errno, as for the others.
int register_buffers(int ring_fd, std::span<const iovec> buffers, registration_source* source) noexcept;
int register_files(int ring_fd, std::span<const int> fds) noexcept;
int update_files(int ring_fd, unsigned first, std::span<const int> fds) noexcept;
void unregister(int ring_fd, registration_kind kind) noexcept;

/// Throws engine_error when there is no ring for it.
std::unique_ptr<registration_source> make_source();

} // namespace aura::core::uring

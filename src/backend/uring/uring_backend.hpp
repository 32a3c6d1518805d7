// uring_backend: carries out io_requests with one io_uring.
#pragma once

#include "auraio/core/io/backend.hpp"
#include "auraio/core/loop/engine_options.hpp"

#include <memory>

namespace aura::core::uring {

/// Throws engine_error when a ring cannot be set up.
std::unique_ptr<backend> make_backend(const engine_options& options);

} // namespace aura::core::uring

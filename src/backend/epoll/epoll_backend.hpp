// epoll_backend: carries out io_requests by trying them, and by epoll(7) where they have to wait.
#pragma once

#include "auraio/core/io/backend.hpp"
#include "auraio/core/loop/engine_options.hpp"

#include <memory>
#include <string>

namespace aura::core::epoll {

/// Why epoll is used; throws engine_error where there is none.
std::string check_available(bool named);

/// Throws engine_error when no set can be had.
std::unique_ptr<backend> make_backend(const engine_options& options);

} // namespace aura::core::epoll

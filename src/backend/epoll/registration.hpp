// registration: what of a table of buffers or files a kernel that kept it would refuse.
#pragma once

#include "auraio/core/io/backend.hpp"

#include <memory>

namespace aura::core::epoll {

/// Of no kernel's: it only looks whether the tables are such that one would take them.
std::unique_ptr<registration_source> make_source();

} // namespace aura::core::epoll

// backends: which there are. A new one is a folder beside this file, a row in the table, and a backend_kind.
#pragma once

#include "auraio/core/io/backend.hpp"
#include "auraio/core/loop/engine_options.hpp"

#include <memory>
#include <span>
#include <string>

namespace aura::core {

/// One way to carry out requests.
struct backend_entry {
    backend_kind kind;
    const char* name; ///< as AURAIO_BACKEND calls it

    /// Why it can be used here; throws engine_error, with the reason, when this machine does not allow it.
    std::string (*probe)();
    /// Throws engine_error when it cannot be set up.
    std::unique_ptr<backend> (*make)(const engine_options& options);
    /// May be null where tables are nothing that can be had before a shard has them. Throws engine_error.
    std::unique_ptr<registration_source> (*make_source)();
};

/// All of them, in the order in which the automatic choice tries them.
std::span<const backend_entry> all_backends() noexcept;

/// The row of a kind; for backend_kind::automatic the first one.
const backend_entry& backend_of(backend_kind kind) noexcept;

} // namespace aura::core

// backends: which there are. A new one is a folder beside this file, a row in the table, and a backend_kind.
#pragma once

#include "auraio/core/base/engine_error.hpp"
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
    /// `named`: it was asked for, and is to work as well as it can; else there are others to be preferred to
    /// one that works badly.
    std::string (*probe)(bool named);
    /// Throws engine_error when it cannot be set up.
    std::unique_ptr<backend> (*make)(const engine_options& options);
    /// May be null where tables are nothing that can be had before a shard has them. Throws engine_error.
    std::unique_ptr<registration_source> (*make_source)();
};

/// All of them, in the order in which the automatic choice tries them.
std::span<const backend_entry> all_backends() noexcept;

/// What a context uses.
struct backend_choice {
    const backend_entry* entry;
    std::string reason; ///< why this one, and why not those before it
    bool fell_back;     ///< it is not the first of the table, and nobody has named it
};

/// The row of a kind; for backend_kind::automatic the first that this machine allows. What is refused for want
/// of descriptors or memory is not forbidden: that error is thrown, and the next attempt may find it possible.
/// Throws engine_error, that of the first row where none is allowed.
backend_choice choose_backend(backend_kind kind, std::span<const backend_entry> table = all_backends());

/// The choice anew, where something has forbidden `refused` since: one of the rows behind it. Rethrows `error`
/// where there is none.
backend_choice choose_after(const backend_entry& refused, const engine_error& error,
                            std::span<const backend_entry> table = all_backends());

} // namespace aura::core

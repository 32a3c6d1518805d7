// backends: the table.
#include "backend/backends.hpp"

#include "backend/uring/registration.hpp"
#include "backend/uring/uring_backend.hpp"

namespace aura::core {

namespace {

constexpr backend_entry table[] = {
    {backend_kind::uring, "uring", &uring::check_available, &uring::make_backend, &uring::make_source},
};

} // namespace

std::span<const backend_entry> all_backends() noexcept {
    return table;
}

const backend_entry& backend_of(backend_kind kind) noexcept {
    for (const backend_entry& b : table)
        if (b.kind == kind)
            return b;
    return table[0];
}

} // namespace aura::core

// backends: the table.
#include "backend/backends.hpp"

#include "auraio/core/loop/ring_supply.hpp"
#include "backend/epoll/epoll_backend.hpp"
#include "backend/epoll/registration.hpp"
#include "backend/uring/features.hpp"
#include "backend/uring/registration.hpp"
#include "backend/uring/uring_backend.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

namespace aura::core {

namespace {

constexpr backend_entry table[] = {
    {backend_kind::uring, "uring", &uring::check_available, &uring::make_backend, &uring::make_source},
    {backend_kind::epoll, "epoll", &epoll::check_available, &epoll::make_backend, &epoll::make_source},
};

} // namespace

std::span<const backend_entry> all_backends() noexcept {
    return table;
}

namespace {

std::string_view without_prefix(std::string_view message) {
    for (const std::string_view prefix : {"auraio: ", "no backend: "})
        if (message.starts_with(prefix))
            message.remove_prefix(prefix.size());
    return message;
}

/// The first of `rows` that is allowed. `refusals`: of those before them.
backend_choice first_allowed(std::span<const backend_entry> rows, const engine_error& first_refusal,
                             std::string refusals) {
    for (const backend_entry& b : rows)
        try {
            std::string reason = b.probe(false);
            return {&b, std::move(reason) + ", because of " + refusals, true};
        } catch (const engine_error& e) {
            if (ring_supply::is_shortage(e.error()))
                throw;
            refusals += "; ";
            refusals += without_prefix(e.what());
        }
    throw first_refusal;
}

} // namespace

backend_choice choose_backend(backend_kind kind, std::span<const backend_entry> among) {
    if (kind != backend_kind::automatic) {
        for (const backend_entry& b : among)
            if (b.kind == kind)
                return {&b, b.probe(true), false};
        throw engine_error(ENOSYS, "auraio: this build of the library has no backend of that name");
    }
    const backend_entry& best = among.front();
    try {
        return {&best, best.probe(among.size() == 1), false};
    } catch (const engine_error& e) {
        return choose_after(best, e, among);
    }
}

backend_choice choose_after(const backend_entry& refused, const engine_error& error,
                            std::span<const backend_entry> among) {
    if (ring_supply::is_shortage(error.error()))
        throw error;
    const auto others = among.subspan(static_cast<std::size_t>(&refused - among.data()) + 1);
    return first_allowed(others, error, std::string(without_prefix(error.what())));
}

} // namespace aura::core

// ring_of: the ring that an executor leads to, also when its type has been erased.
#pragma once

#include "auraio/detail/initiate.hpp"
#include "auraio/error.hpp"

#include AURAIO_ASIO(any_io_executor.hpp)
#include AURAIO_ASIO(strand.hpp)

#include <optional>

AURAIO_OPEN

class any_io_executor;

namespace detail {

/// The engine of an execution_context that is an aura::io_context; null for any other. Defined with
/// io_context.
core::engine* find_engine(net::execution_context& c);

/// What is inside a type-erased executor, as seen through strands.
inline std::optional<placement> find_placement(const net::any_io_executor& e) {
    if (const auto* ours = target_of<executor>(e))
        return ours->query(ring_t{});
    if (const auto* strand = target_of<net::strand<executor>>(e))
        return strand->get_inner_executor().query(ring_t{});
    if (const auto* strand = target_of<net::strand<net::any_io_executor>>(e)) {
        const net::any_io_executor inner = strand->get_inner_executor();
        return find_placement(inner);
    }
    if (!e)
        return std::nullopt;
    // An executor of a type unknown here, a wrapper of the user's perhaps: its context decides.
    if (core::engine* engine = find_engine(net::query(e, net::execution::context)))
        return placement{engine, nullptr};
    return std::nullopt;
}

[[noreturn]] inline void throw_no_ring() {
    throw system_error(error_code(EOPNOTSUPP, system_category()),
                       "auraio: this object needs an executor of an aura::io_context (or a strand of one)");
}

inline placement placement_of(const net::any_io_executor& e) {
    if (const auto p = find_placement(e))
        return *p;
    throw_no_ring();
}

/// See any_io_executor's conversion.
inline executor plain_executor_of(const net::any_io_executor& e) {
    if (const auto* ours = target_of<executor>(e))
        return *ours;
    if (const auto* strand = target_of<net::strand<executor>>(e))
        if (const executor inner = strand->get_inner_executor(); inner.is_ring_bound())
            return inner;
    throw_no_ring();
}

template <ring_executor E>
core::shard& ring_of(const E& e) {
    return shard_for(e);
}

inline core::shard& ring_of(const net::any_io_executor& e) {
    return placement_of(e).choose();
}

template <ring_executor E>
core::home_choice home_of(const E& e) {
    return home_for(e);
}

inline core::home_choice home_of(const net::any_io_executor& e) {
    return placement_of(e).choose_home();
}

} // namespace detail
AURAIO_CLOSE

// callers: what a thread remembers of the engines it has used.
#pragma once

#include "core/loop/ring_selector.hpp"

#include <cstdint>

namespace aura::capi {

struct known_engine {
    std::uint64_t engine = 0; // 0: none
    core::ring_selector::caller caller{};
};

/// Operations are started by any thread at any time: also by the destructors that run when a thread ends, of
/// its thread_local objects and of its pthread keys. What is looked at here is therefore never destroyed.
class callers {
public:
    /// What the calling thread remembers of the engine with this number (not 0). Throws bad_alloc.
    static core::ring_selector::caller& of(std::uint64_t engine) {
        if (last_.engine == engine) [[likely]]
            return last_.caller;
        return change_to(engine);
    }

private:
    using entry = known_engine;
    class others;

    static core::ring_selector::caller& change_to(std::uint64_t engine);

    static inline thread_local constinit entry last_{}; // the engine that was used last
    static inline thread_local constinit bool others_are_gone_ = false;
};

} // namespace aura::capi

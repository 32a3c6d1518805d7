// clock: what is asked of the kernel once.
#include "auraio/core/base/clock.hpp"

#include "core/base/first_use.hpp"

namespace aura::core {

nanoseconds_t coarse_resolution() noexcept {
    static constinit first_use<nanoseconds_t> resolution;
    return resolution.get([] {
        timespec t{};
        ::clock_getres(CLOCK_MONOTONIC_COARSE, &t);
        return nanoseconds_of(t);
    });
}

} // namespace aura::core

// clock: what is asked of the kernel once.
#include "auraio/core/base/clock.hpp"

namespace aura::core {

nanoseconds_t coarse_resolution() noexcept {
    static const nanoseconds_t resolution = [] {
        timespec t{};
        ::clock_getres(CLOCK_MONOTONIC_COARSE, &t);
        return nanoseconds_of(t);
    }();
    return resolution;
}

} // namespace aura::core

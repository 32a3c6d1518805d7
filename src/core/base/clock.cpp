// clock: the monotonic clock, as every deadline of the engine counts it.
#include "auraio/core/base/clock.hpp"

namespace aura::core {

nanoseconds_t monotonic_now() noexcept {
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return nanoseconds_of(t);
}

nanoseconds_t coarse_now() noexcept {
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return nanoseconds_of(t);
}

nanoseconds_t coarse_resolution() noexcept {
    static const nanoseconds_t resolution = [] {
        timespec t{};
        ::clock_getres(CLOCK_MONOTONIC_COARSE, &t);
        return nanoseconds_of(t);
    }();
    return resolution;
}

} // namespace aura::core

// ring_supply: keeping descriptors, and pauses that grow.
#include "auraio/core/loop/ring_supply.hpp"

#include "core/io/inert_descriptor.hpp"

#include <algorithm>
#include <cerrno>

namespace aura::core {

namespace {

// Nobody tells when a descriptor becomes free. So those who wait look, soon at first, and once a second when
// the shortage lasts.
constexpr nanoseconds_t first_pause = 10'000'000;

} // namespace

bool ring_supply::is_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

void ring_supply::reserve() noexcept {
    if (expected_.exchange(true, std::memory_order_relaxed))
        return;
    for (std::atomic<int>& place : kept_) {
        const int number = keep_number();
        if (number < 0) { // what has failed is tried for the next object
            expected_.store(false, std::memory_order_relaxed);
            return;
        }
        if (const int before = place.exchange(number, std::memory_order_relaxed); before >= 0)
            give_number_back(before);
    }
}

bool ring_supply::release() noexcept {
    bool any = false;
    for (std::atomic<int>& place : kept_)
        if (const int number = place.exchange(-1, std::memory_order_relaxed); number >= 0) {
            give_number_back(number);
            any = true;
        }
    return any;
}

void ring_supply::was_refused(int error) noexcept {
    last_error_.store(error, std::memory_order_relaxed);
    refusals_.fetch_add(1, std::memory_order_relaxed);
    const nanoseconds_t pause =
        std::clamp(2 * pause_.load(std::memory_order_relaxed), first_pause, longest_pause);
    pause_.store(pause, std::memory_order_relaxed);
    next_attempt_.store(monotonic_now() + pause, std::memory_order_relaxed);
}

void ring_supply::was_made() noexcept {
    expect_nothing();
    release();
    pause_.store(0, std::memory_order_relaxed);
    next_attempt_.store(never, std::memory_order_relaxed);
}

} // namespace aura::core

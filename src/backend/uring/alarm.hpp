// alarm: a request that completes at the earliest deadline.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "ring.hpp"
#include "user_data.hpp"

#include <cstdint>

namespace aura::core::uring {

/// Functions return how many completions of the backend's own are to be expected for what they have queued.
class alarm {
public:
    /// From how far away a deadline is worth an alarm: a wait that ends before it costs 30 ns for the clock,
    /// 40 for the extended argument of io_uring_enter(2) and the kernel's setting and taking back of a timer;
    /// an alarm costs a request, but serves every wait until it fires.
    static constexpr nanoseconds_t nearest = 1'000'000;

    /// Of the one that the thread which drives the ring has set; never: it has none.
    nanoseconds_t at() const noexcept { return at_; }

    unsigned set(ring& r, nanoseconds_t deadline);

    /// One that another thread has set may end with that thread, or wait until it enters the kernel.
    unsigned take_back(ring& r);

    /// Another thread drives the ring.
    void leave() noexcept { at_ = never; }

    /// The ring is gone.
    void forget() noexcept {
        pending_ = false;
        at_ = never;
    }

    /// For a completion with the tag of an alarm.
    void fired(std::uint64_t data) noexcept {
        if (data == own_tag())
            forget();
    }

private:
    std::uint64_t own_tag() const noexcept { return tag(internal::alarm, number_); }

    nanoseconds_t at_ = never;
    bool pending_ = false;
    std::uint32_t number_ = 0;
    __kernel_timespec time_{};
};

} // namespace aura::core::uring

// doorbell: how other threads end the wait of the thread that drives a ring.
#pragma once

#include "auraio/core/loop/engine_options.hpp"

#include <atomic>
#include <cstdint>
#include <liburing.h>

namespace aura::core::uring {

/// By a message to the ring, where the kernel sends one without a ring of the sender's (Linux 6.13); else by
/// an eventfd that the ring polls.
///
/// A message may be refused although it was not when the features were probed: a sandbox was put up since, or
/// there is no memory. A sleeper that is not woken sleeps for ever, so a request waits in the ring of each
/// sleeper that a call which nobody refuses completes: futex(2), which takes no descriptor. It is armed once
/// for each thread that comes to drive the ring, and goes with the next submission.
class doorbell {
public:
    /// Throws engine_error.
    explicit doorbell(wake_mechanism which);
    ~doorbell();
    doorbell(const doorbell&) = delete;

    /// Any thread: ends the present wait of the ring's driver, or the next. `message` is what its ring is
    /// sent.
    void strike(int ring_fd, std::uint64_t message) noexcept;

    /// Completes every request that prepare() has made.
    void strike_requests() noexcept;

    /// Whether there is a request to be made; the driver, as all that follows.
    bool needs_request() const noexcept { return usable_; }

    /// Fills a zeroed entry. It completes when the bell is struck, or was since the last heard().
    void prepare(io_uring_sqe& sqe) const noexcept;

    /// A request has completed with `result`.
    void heard(int result) noexcept;

    /// Messages show at a ring's descriptor without a request.
    bool sends_messages() const noexcept { return event_fd_ < 0; }

private:
    int event_fd_ = -1;
    bool usable_ = true; // false: the kernel does not know the request after all
    std::uint32_t heard_ = 0;

    // How often the bell was struck otherwise than by a message. Release when it is struck: what the striker
    // has published before is seen by the driver whose acquire finds the new value. The kernel compares it
    // with heard_ when it takes the request, and after that futex(2) finds the request: no stroke falls
    // between.
    std::atomic<std::uint32_t> strokes_{0};
};

} // namespace aura::core::uring

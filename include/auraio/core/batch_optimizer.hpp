// batch_optimizer: how many requests to queue before submitting them in the middle of a turn.
#pragma once

#include <cstdint>

namespace aura::core {

/// A shard submits once, at the end of a turn. That is the cheapest, and right while handlers are short.
/// Where they compute for long, requests that were queued first wait for all of them. Submitting in between
/// costs one more system call, which all handlers yet to run wait for.
///
/// With a fixed cost of `c` per submission and handlers that take `g` for each request they queue, `n` queued
/// requests gain `n * g` for each handler still to run and lose `c`: more than `c / g` of them are worth a
/// submission for latency. For throughput the cost has to stay a small `share` of the work: `c / (g *
/// share)`, which is the threshold. A turn that queues fewer submits at its end, as without an optimiser.
///
/// Pure: times come in as arguments, in nanoseconds. Belongs to a shard's thread. Per request it costs a
/// comparison; turn() and submitted() may be given every n-th turn only, to save readings of the clock.
class batch_optimizer {
public:
    struct options {
        /// Of the time of handlers that additional submissions may take.
        double share = 0.05;
        unsigned threshold_min = 8;
        /// Never more than the submission queue holds. Also the threshold while nothing is known.
        unsigned threshold_max = 256;
    };

    explicit batch_optimizer(const options& o) noexcept
        : options_(o)
        , threshold_(o.threshold_max) {}

    /// Whether to submit now, with this many requests queued.
    bool should_submit(unsigned queued) const noexcept { return queued >= threshold_; }
    unsigned threshold() const noexcept { return threshold_; }

    /// A system call submitted `count` requests in this time.
    void submitted(unsigned count, std::uint64_t duration) noexcept;

    /// A turn's handlers took this time, submissions not included, and queued `count` requests.
    void turn(unsigned count, std::uint64_t duration) noexcept;

    /// Fixed cost of a submission, and time of handlers for each request; 0 while unknown.
    double submission_cost() const noexcept;
    double time_per_request() const noexcept { return time_per_request_; }

private:
    void update() noexcept;

    options options_;
    unsigned threshold_;
    // Weighted means over the latest submissions, of count, duration, and their products.
    double n_ = 0;
    double d_ = 0;
    double nn_ = 0;
    double nd_ = 0;
    double weight_ = 0;
    double time_per_request_ = 0;
};

} // namespace aura::core

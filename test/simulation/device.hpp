// device: a storage device as a queueing model.
#pragma once

#include "event_queue.hpp"
#include "random.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace simulation {

enum class distribution : std::uint8_t { fixed, exponential, log_normal, bimodal };

/// A request passes, in this order: a throttle (token bucket), a server (flash channel, disk arm), the
/// interface (bandwidth shared by all), and a latency in which nothing is busy (network, bus). Every part can
/// be absent.
struct device_spec {
    // servers
    unsigned servers = 32;
    /// Each request belongs to one server (by its address), and queues there: the knee is soft. Otherwise
    /// they take requests from one queue, and the knee is sharp.
    bool hashed = false;
    distribution service = distribution::exponential;
    double service_us = 200; ///< mean
    /// Log-normal: standard deviation of the logarithm. Bimodal: share of slow requests, which take
    /// `slow_factor` times what the others do.
    double spread = 0.5;
    double slow_factor = 10;
    /// A disk that sorts its queue: service takes 1 / (1 + gain * log2(depth)) of its time, up to a depth
    /// of 32.
    double elevator_gain = 0;

    double base_latency_us = 0; ///< added to each request, occupying nothing
    double bandwidth = 0;       ///< bytes per second of the interface; 0: no limit

    // token bucket: a cloud volume, or with writes_only and a penalty the write buffer of a flash drive
    double tokens_per_second = 0; ///< 0: none
    double token_burst = 0;
    bool tokens_for_writes_only = false;
    double exhausted_factor = 1; ///< of the refill rate, from exhaustion until half full
    bool starts_exhausted = false;

    // garbage collection: nothing is served meanwhile
    double pause_every_ms = 0; ///< mean distance (exponential); 0: none
    double pause_ms = 0;

    /// Completions are told at multiples of this: a host that gathers them for one interrupt; 0: at once.
    double interrupt_us = 0;

    // a device that others share: its speed wanders, by this standard deviation of the logarithm, about as
    // long as this in one direction (an Ornstein-Uhlenbeck process)
    double wander = 0;
    double wander_ms = 0;

    // another user of the device, with this many requests in flight while it is there
    unsigned neighbour_depth = 0;
    double neighbour_on_ms = 0; ///< mean (exponential); 0: always there
    double neighbour_off_ms = 0;
};

struct request {
    time_ns admitted = 0;
    std::uint32_t bytes = 0;
    std::uint32_t owner = 0; ///< client, or `neighbour`
    std::uint32_t server = 0;
    bool write = false;
};
inline constexpr std::uint32_t neighbour = ~std::uint32_t{0};

/// The model. Requests are indices into a table the caller shares with it.
class device {
public:
    device(const device_spec& spec, std::vector<request>& requests, event_queue& events, std::uint64_t seed);

    /// Becomes another device; what is in it stays.
    void change(const device_spec& spec, time_ns now);

    void arrive(std::uint32_t index, time_ns now);
    /// An event of kind granted or served.
    void handle(const event& e);
    const device_spec& spec() const { return spec_; }

private:
    struct channel {
        std::deque<std::uint32_t> queue;
        unsigned busy = 0;
    };
    void to_server(std::uint32_t index, time_ns now);
    void start(std::uint32_t server, time_ns now);
    void served(std::uint32_t index, time_ns now);
    time_ns through_pauses(time_ns now, time_ns work);
    double draw_service(time_ns now);
    double wandered(time_ns now);
    time_ns grant_time(time_ns now);

    device_spec spec_;
    std::vector<request>& requests_;
    event_queue& events_;
    random random_;
    random wander_random_;
    std::vector<channel> channels_;
    unsigned depth_ = 0;
    time_ns interface_free_ = 0;
    double tokens_;
    bool exhausted_;
    time_ns tokens_at_ = 0;
    time_ns pause_begin_ = 0;
    time_ns pause_end_ = 0;
    double wandered_ = 0; // logarithm of the time a service takes now, as a share of its mean
    time_ns wandered_at_ = 0;
};

} // namespace simulation

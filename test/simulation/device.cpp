// device: the queueing model.
#include "device.hpp"

#include <algorithm>
#include <bit>

namespace simulation {

namespace {
time_ns from_us(double us) {
    return static_cast<time_ns>(us * 1e3);
}
} // namespace

device::device(const device_spec& spec, std::vector<request>& requests, event_queue& events,
               std::uint64_t seed)
    : spec_(spec)
    , requests_(requests)
    , events_(events)
    , random_(seed)
    , wander_random_(seed + 1)
    , tokens_(spec.starts_exhausted ? 0 : spec.token_burst)
    , exhausted_(spec.starts_exhausted) {
    change(spec, 0);
}

void device::change(const device_spec& spec, time_ns now) {
    spec_ = spec;
    const std::size_t channels = spec.hashed ? spec.servers : 1;
    while (channels_.size() < channels)
        channels_.emplace_back();
    if (spec.pause_every_ms > 0 && pause_end_ <= now) {
        pause_begin_ = now + from_us(spec.pause_every_ms * 1e3 * random_.exponential());
        pause_end_ = pause_begin_ + from_us(spec.pause_ms * 1e3);
    }
    for (std::uint32_t i = 0; i < channels; ++i)
        start(i, now);
}

void device::arrive(std::uint32_t index, time_ns now) {
    ++depth_;
    if (spec_.tokens_per_second > 0 && (requests_[index].write || !spec_.tokens_for_writes_only)) {
        const time_ns granted = grant_time(now);
        if (granted > now) {
            events_.at(granted, event_kind::granted, index);
            return;
        }
    }
    to_server(index, now);
}

// Tokens may become negative: those are the requests that wait for one, in order.
time_ns device::grant_time(time_ns now) {
    const double refill = spec_.tokens_per_second * (exhausted_ ? spec_.exhausted_factor : 1);
    tokens_ = std::min(spec_.token_burst, tokens_ + refill * static_cast<double>(now - tokens_at_) / 1e9);
    tokens_at_ = now;
    if (tokens_ >= spec_.token_burst / 2)
        exhausted_ = false;
    tokens_ -= 1;
    if (tokens_ >= 0)
        return now;
    exhausted_ = true;
    return now + static_cast<time_ns>(-tokens_ / (spec_.tokens_per_second * spec_.exhausted_factor) * 1e9);
}

void device::to_server(std::uint32_t index, time_ns now) {
    const std::uint32_t server = spec_.hashed ? random_.below(spec_.servers) : 0;
    requests_[index].server = server;
    channels_[server].queue.push_back(index);
    start(server, now);
}

void device::start(std::uint32_t server, time_ns now) {
    channel& c = channels_[server];
    const unsigned servers = spec_.hashed ? 1 : spec_.servers;
    while (c.busy < servers && !c.queue.empty()) {
        const std::uint32_t index = c.queue.front();
        c.queue.pop_front();
        ++c.busy;
        events_.at(through_pauses(now, from_us(draw_service(now))), event_kind::served, index);
    }
}

double device::draw_service(time_ns now) {
    double us = spec_.service_us;
    switch (spec_.service) {
    case distribution::fixed:
        break;
    case distribution::exponential:
        us *= random_.exponential();
        break;
    case distribution::log_normal:
        us *= std::exp(spec_.spread * random_.normal() - spec_.spread * spec_.spread / 2);
        break;
    case distribution::bimodal: {
        const double fast = spec_.service_us / (1 + spec_.spread * (spec_.slow_factor - 1));
        us = random_.uniform() < spec_.spread ? fast * spec_.slow_factor : fast;
        break;
    }
    }
    if (spec_.elevator_gain > 0)
        us /= 1 + spec_.elevator_gain * std::log2(static_cast<double>(std::clamp(depth_, 1u, 32u)));
    if (spec_.wander > 0)
        us *= wandered(now);
    return us;
}

/// The same at the same time in every run with this seed, so that depths are compared on one device.
double device::wandered(time_ns now) {
    constexpr time_ns step = 2'000'000; // it does not change noticeably within this
    const double kept = std::exp(-static_cast<double>(step) / (spec_.wander_ms * 1e6));
    for (; wandered_at_ + step <= now; wandered_at_ += step)
        wandered_ = kept * wandered_ + spec_.wander * std::sqrt(1 - kept * kept) * wander_random_.normal();
    return std::exp(wandered_);
}

// When work that starts now is done, if nothing is done during pauses.
time_ns device::through_pauses(time_ns now, time_ns work) {
    if (spec_.pause_every_ms <= 0)
        return now + work;
    while (pause_end_ <= now) {
        pause_begin_ = pause_end_ + from_us(spec_.pause_every_ms * 1e3 * random_.exponential());
        pause_end_ = pause_begin_ + from_us(spec_.pause_ms * 1e3);
    }
    if (now >= pause_begin_)
        return pause_end_ + work;
    return now + work <= pause_begin_ ? now + work : now + work + (pause_end_ - pause_begin_);
}

void device::handle(const event& e) {
    if (e.kind == event_kind::granted)
        to_server(e.index, e.time);
    else
        served(e.index, e.time);
}

void device::served(std::uint32_t index, time_ns now) {
    const std::uint32_t server = requests_[index].server;
    --channels_[server].busy;
    --depth_;
    start(server, now);
    time_ns done = now;
    if (spec_.bandwidth > 0) {
        interface_free_ = std::max(interface_free_, now) +
                          static_cast<time_ns>(requests_[index].bytes / spec_.bandwidth * 1e9);
        done = interface_free_;
    }
    done += from_us(spec_.base_latency_us);
    if (const time_ns interrupt = from_us(spec_.interrupt_us); interrupt > 0)
        done = (done + interrupt - 1) / interrupt * interrupt;
    events_.at(done, event_kind::done, index);
}

} // namespace simulation

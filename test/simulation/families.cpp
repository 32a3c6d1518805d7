// families: devices drawn at random, so that no set of numbers can be tuned for.
#include "catalogue.hpp"

#include <algorithm>
#include <cmath>

namespace simulation {

namespace {

constexpr double rate_max = 150'000; // what a simulation can afford

// Servers and service times over four decades.
device_spec any_servers(random& r, double rate_min = 2'000) {
    device_spec d;
    do {
        d.servers = static_cast<unsigned>(std::lround(r.log_between(1, 256)));
        d.service_us = r.log_between(20, 8'000);
    } while (d.servers / d.service_us * 1e6 > rate_max || d.servers / d.service_us * 1e6 < rate_min);
    d.service = static_cast<distribution>(r.below(4));
    d.spread = d.service == distribution::bimodal ? r.log_between(0.01, 0.2) : r.between(0.2, 1.2);
    d.slow_factor = r.log_between(3, 20);
    return d;
}

double rate_of(const device_spec& d) {
    return d.servers / d.service_us * 1e6;
}
double knee_of(const device_spec& d) {
    return d.servers * (1 + d.base_latency_us / d.service_us);
}

entry around(purpose what, const char* name, std::uint64_t seed, const device_spec& d, random& r,
             double load_min, double load_max) {
    entry e{what, {}};
    e.run.name = std::string(name) + " #" + std::to_string(seed);
    e.run.segments = {{0, d}};
    double depth = knee_of(d) * r.log_between(load_min, load_max);
    // Less than this never engages, by design: 16 operations of 250 us, or fewer that take longer.
    if (what != purpose::open_gate)
        depth = std::max({depth, 1.2 * std::sqrt(4e-3 * rate_of(d)), 300e-6 * rate_of(d)});
    e.run.load.closed_depth = static_cast<unsigned>(std::clamp(std::lround(depth), 1l, 1024l));
    e.run.load.rings = std::min(1 + r.below(6), e.run.load.closed_depth);
    e.run.duration_s = std::clamp(600'000 / rate_of(d), 12.0, 120.0);
    return e;
}

entry sharp(std::uint64_t seed) {
    random r(seed * 31 + 1);
    const device_spec d = any_servers(r);
    return around(purpose::knee, "sharp knee", seed, d, r, 2, 16);
}

entry soft(std::uint64_t seed) {
    random r(seed * 31 + 2);
    device_spec d = any_servers(r);
    d.servers = std::min(d.servers, 64u);
    d.hashed = true;
    entry e = around(purpose::knee, "soft knee", seed, d, r, 8, 24);
    return e;
}

entry wandering(std::uint64_t seed) {
    random r(seed * 31 + 11);
    device_spec d = any_servers(r, 10'000);
    d.hashed = r.below(2) == 0;
    d.servers = std::min(d.servers, 64u);
    d.wander = r.between(0.05, 0.25);
    d.wander_ms = r.log_between(30, 1'000);
    entry e = around(purpose::knee, "wandering", seed, d, r, 8, 24);
    e.run.duration_s = std::max(e.run.duration_s, 30.0);
    return e;
}

entry remote(std::uint64_t seed) {
    random r(seed * 31 + 3);
    device_spec d = any_servers(r);
    d.base_latency_us = d.service_us * r.log_between(0.3, 4);
    if (r.below(2) == 0)
        d.bandwidth = 4096 * rate_of(d) * r.between(0.4, 1.2);
    return around(purpose::knee, "remote, bandwidth", seed, d, r, 2, 8);
}

entry disturbed(std::uint64_t seed) {
    random r(seed * 31 + 4);
    device_spec d = any_servers(r, 10'000);
    if (r.below(2) == 0) {
        d.pause_every_ms = r.log_between(100, 1000);
        d.pause_ms = std::min(d.pause_every_ms / 8, r.log_between(2, 50));
    } else {
        d.neighbour_depth = std::max(1u, static_cast<unsigned>(d.servers * r.between(0.1, 0.6)));
        d.neighbour_on_ms = r.log_between(30, 300);
        d.neighbour_off_ms = r.log_between(30, 300);
    }
    entry e = around(purpose::knee, "disturbed", seed, d, r, 2, 8);
    e.run.duration_s = std::max(e.run.duration_s, 30.0);
    return e;
}

entry throttled(std::uint64_t seed) {
    random r(seed * 31 + 5);
    device_spec d = any_servers(r, 10'000);
    d.tokens_per_second = rate_of(d) * r.between(0.2, 0.8);
    d.token_burst = d.tokens_per_second * r.log_between(0.01, 2);
    entry e = around(purpose::knee, "token bucket", seed, d, r, 2, 8);
    e.run.load.write_share = r.below(2) == 0 ? 1 : 0;
    d.tokens_for_writes_only = e.run.load.write_share > 0;
    e.run.segments[0].device = d;
    e.run.duration_s = std::max(e.run.duration_s, 25.0);
    return e;
}

entry slow(std::uint64_t seed) {
    random r(seed * 31 + 6);
    device_spec d;
    d.servers = 1 + r.below(3);
    d.service_us = r.between(4'000, 12'000) * d.servers;
    d.service = distribution::log_normal;
    d.spread = r.between(0.2, 0.8);
    d.elevator_gain = r.below(2) == 0 ? 0 : r.between(0.05, 0.3);
    entry e = around(purpose::knee, "slow disk", seed, d, r, 8, 64);
    e.run.duration_s = 200;
    return e;
}

entry mixture(std::uint64_t seed) {
    random r(seed * 31 + 7);
    device_spec d = any_servers(r, 5'000);
    entry e = around(purpose::knee, "mixture", seed, d, r, 2, 8);
    e.run.load.write_share = r.between(0.05, 0.6);
    e.run.load.large_share = r.between(0.02, 0.3);
    e.run.load.large_bytes = 16384u << r.below(5);
    const double mean = 4096 + e.run.load.large_share * e.run.load.large_bytes;
    e.run.segments[0].device.bandwidth = mean * rate_of(d) * r.between(0.5, 2);
    return e;
}

entry absorbed(std::uint64_t seed) {
    random r(seed * 31 + 8);
    const device_spec d = any_servers(r);
    entry e = around(purpose::open_gate, "absorbed", seed, d, r, 0.2, 0.9);
    if (r.below(2) == 0) {
        e.run.load.closed_depth = 0;
        e.run.load.open_rate = rate_of(d) * r.between(0.2, 0.8);
    }
    e.run.duration_s = std::max(e.run.duration_s, 30.0);
    return e;
}

entry changing(std::uint64_t seed) {
    random r(seed * 31 + 9);
    const device_spec d = any_servers(r, 20'000);
    device_spec less = d;
    if (r.below(2) == 0)
        less.servers = std::max(1u, static_cast<unsigned>(d.servers * r.between(0.2, 0.6)));
    else
        less.service_us = d.service_us * r.between(1.6, 4);
    entry e = around(purpose::change, "changing", seed, d, r, 2.5, 8);
    e.run.segments.push_back({12, less});
    e.run.segments.push_back({24, d});
    e.run.duration_s = 36;
    return e;
}

entry ceiling(std::uint64_t seed) {
    random r(seed * 31 + 10);
    device_spec d = any_servers(r, 10'000);
    d.hashed = r.below(2) == 0 && d.servers <= 64;
    if (d.hashed)
        d.service = distribution::exponential;
    entry e = around(purpose::ceiling, "ceiling", seed, d, r, 4, 16);
    // Below what the whole depth gives and above what a single operation takes.
    const interval alone = run_static(e.run, std::max(1u, d.servers / 4), {{0.2, 2}}, seed).intervals[0];
    e.run.options.max_p99 =
        static_cast<aura::core::nanoseconds_t>(alone.p99_us() * r.log_between(1.3, 4) * 1e3);
    e.run.duration_s = std::max(e.run.duration_s, 25.0);
    return e;
}

} // namespace

const std::vector<family>& families() {
    static const std::vector<family> all = {
        {"sharp", sharp},         {"soft", soft},       {"remote", remote},       {"disturbed", disturbed},
        {"throttled", throttled}, {"slow", slow},       {"mixture", mixture},     {"absorbed", absorbed},
        {"changing", changing},   {"ceiling", ceiling}, {"wandering", wandering},
    };
    return all;
}

} // namespace simulation

// catalogue: devices by hand.
#include "catalogue.hpp"

#include <utility>

namespace simulation {

namespace {

device_spec servers(unsigned count, double us, distribution d = distribution::exponential) {
    device_spec spec;
    spec.servers = count;
    spec.service_us = us;
    spec.service = d;
    return spec;
}

load_spec closed(unsigned depth, unsigned rings = 1) {
    load_spec load;
    load.closed_depth = depth;
    load.rings = rings;
    return load;
}

load_spec poisson(double rate, unsigned rings = 1) {
    load_spec load;
    load.open_rate = rate;
    load.rings = rings;
    return load;
}

load_spec bursts(unsigned size, double every_ms) {
    load_spec load;
    load.burst = size;
    load.burst_every_ms = every_ms;
    return load;
}

entry one(purpose what, std::string name, const device_spec& device, const load_spec& load,
          double duration_s) {
    scenario s;
    s.name = std::move(name);
    s.segments = {{0, device}};
    s.load = load;
    s.duration_s = duration_s;
    return {what, s};
}

void knees(std::vector<entry>& all) {
    using enum distribution;
    const auto add = [&](std::string name, const device_spec& d, const load_spec& l, double s) {
        all.push_back(one(purpose::knee, std::move(name), d, l, s));
    };
    add("fixed 32 x 500 us", servers(32, 500, fixed), closed(256), 20);
    add("fixed 8 x 5 ms", servers(8, 5000, fixed), closed(128), 40);
    add("exponential 32 x 500 us", servers(32, 500), closed(256), 20);
    add("exponential 100 x 1 ms", servers(100, 1000), closed(512), 20);
    add("exponential 4 x 80 us", servers(4, 80), closed(64), 20);
    add("log-normal 24 x 300 us", servers(24, 300, log_normal), closed(256), 20);
    device_spec bimodal_drive = servers(32, 400, bimodal);
    bimodal_drive.spread = 0.05;
    add("bimodal 32 x 400 us, 5 % slow", bimodal_drive, closed(256), 20);
    add("one server 100 us", servers(1, 100), closed(64), 20);

    device_spec hashed = servers(16, 150);
    hashed.hashed = true;
    add("hashed 16 x 150 us", hashed, closed(256), 20);
    device_spec virtual_disk = servers(8, 140);
    virtual_disk.hashed = true;
    virtual_disk.wander = 0.15;
    virtual_disk.wander_ms = 150;
    add("shared disk: hashed 8 x 140 us, its speed wanders", virtual_disk, closed(1024), 30);
    device_spec remote = servers(16, 200, log_normal);
    remote.base_latency_us = 600;
    add("remote 16 x 200 us + 600 us", remote, closed(256), 20);

    device_spec collector = servers(32, 400);
    collector.pause_every_ms = 300;
    collector.pause_ms = 15;
    add("pauses of 15 ms", collector, closed(256), 30);

    device_spec narrow = servers(64, 200);
    narrow.bandwidth = 400e6;
    add("bandwidth 400 MB/s, 4 KiB", narrow, closed(512), 20);
    load_spec mixed = closed(256);
    mixed.large_share = 0.1;
    add(
        "bandwidth 1.2 GB/s, mixed sizes",
        [] {
            device_spec d = servers(64, 200);
            d.bandwidth = 1.2e9;
            return d;
        }(),
        mixed, 30);

    device_spec disk = servers(1, 6667, log_normal);
    add("disk 150 IOPS", disk, closed(64), 240);
    disk.elevator_gain = 0.2;
    add("disk that sorts", disk, closed(64), 240);

    device_spec cloud = servers(64, 600, log_normal);
    cloud.tokens_per_second = 16'000;
    cloud.token_burst = 20'000;
    add("cloud volume 16 kIOPS", cloud, closed(256), 40);

    device_spec buffered = servers(16, 100);
    buffered.tokens_for_writes_only = true;
    buffered.tokens_per_second = 40'000;
    buffered.token_burst = 50'000;
    load_spec writes = closed(128);
    writes.write_share = 1;
    add("write buffer, 40 k/s behind it", buffered, writes, 30);
    writes.write_share = 0.5;
    add("write buffer, half reads", buffered, writes, 30);
    buffered.exhausted_factor = 0.6;
    writes.write_share = 1;
    add("write buffer that collapses", buffered, writes, 30);

    device_spec shared = servers(32, 400);
    shared.neighbour_depth = 16;
    add("steady neighbour", shared, closed(256), 20);
    shared.neighbour_on_ms = 100;
    shared.neighbour_off_ms = 150;
    add("flickering neighbour", shared, closed(256), 40);

    add("8 rings, exponential 32 x 500 us", servers(32, 500), closed(256, 8), 20);
    add("16 rings, 6 servers", servers(6, 300), closed(256, 16), 20);
    add("open loop, overloaded", servers(32, 500), poisson(80'000, 2), 10);
    load_spec read_write = closed(256, 2);
    read_write.write_share = 0.3;
    add("reads and writes", servers(48, 500), read_write, 20);
}

void open_gates(std::vector<entry>& all) {
    const auto add = [&](std::string name, const device_spec& d, const load_spec& l, double s) {
        all.push_back(one(purpose::open_gate, std::move(name), d, l, s));
    };
    add("page cache, depth 64", servers(2, 2, distribution::fixed), closed(64), 3);
    add("page cache, depth 128, 4 rings", servers(4, 4), closed(128, 4), 3);
    add("below the knee: 32 on 64 servers", servers(64, 500), closed(32), 30);
    add("at 60 %: open loop on 64 servers", servers(64, 500), poisson(76'800), 20);
    add("at 85 %: open loop on 64 servers", servers(64, 500), poisson(108'800, 4), 20);
    add("bursts of 200 every 50 ms", servers(32, 300), bursts(200, 50), 30);
    add("bursts of 1000 every second", servers(32, 300), bursts(1000, 1000), 60);
    add("single operations on a disk", servers(1, 6667, distribution::log_normal), closed(1), 120);
}

// A virtual disk on fast flash as it was recorded, with O_DIRECT reads of 4 KiB: 13 000/s at depth 1, 111 000 at 16,
// 206 000 at 64, 265 000 from 128 on. Its host gathers completions, and each submission is an exit to it.
void recorded(std::vector<entry>& all) {
    device_spec disk = servers(28, 90);
    disk.hashed = true;
    disk.bandwidth = 265'000.0 * 4096;
    disk.interrupt_us = 100;
    disk.wander = 0.15;
    disk.wander_ms = 150;
    for (const unsigned depth : {32u, 128u}) {
        load_spec load = closed(depth);
        load.turn_us = 20;
        load.handler_us = 1.1;
        all.push_back(
            one(purpose::open_gate, "recorded disk, " + std::to_string(depth) + " reads", disk, load, 30));
    }
}

entry changing(std::string name, const device_spec& before, const device_spec& after, const load_spec& load,
               double half_s) {
    entry e = one(purpose::change, std::move(name), before, load, 3 * half_s);
    e.run.segments.push_back({half_s, after});
    e.run.segments.push_back({2 * half_s, before});
    return e;
}

void changes(std::vector<entry>& all) {
    all.push_back(
        changing("half the servers, and back", servers(64, 600), servers(32, 600), closed(256), 15));
    all.push_back(changing("3 x slower, and back", servers(32, 400), servers(32, 1200), closed(256), 15));
    all.push_back(changing("a quarter of the servers, fixed", servers(64, 500, distribution::fixed),
                           servers(16, 500, distribution::fixed), closed(256), 15));
    device_spec busy = servers(48, 500);
    busy.neighbour_depth = 48;
    all.push_back(changing("neighbour comes and goes", servers(48, 500), busy, closed(256), 15));
    device_spec throttled = servers(32, 500);
    throttled.tokens_per_second = 6000;
    throttled.token_burst = 100;
    all.push_back(changing("throttled and released", servers(32, 500), throttled, closed(256), 15));
}

void ceilings(std::vector<entry>& all) {
    const auto add = [&](std::string name, const device_spec& d, const load_spec& l, double ms) {
        entry e = one(purpose::ceiling, std::move(name), d, l, 30);
        e.run.options.max_p99 = static_cast<aura::core::nanoseconds_t>(ms * 1e6);
        all.push_back(e);
    };
    device_spec hashed = servers(32, 200);
    hashed.hashed = true;
    add("ceiling 2 ms, hashed 32 x 200 us", hashed, closed(512), 2);
    add("ceiling 1.2 ms, hashed 32 x 200 us", hashed, closed(512), 1.2);
    add("ceiling 5 ms that the knee keeps", servers(32, 500), closed(256), 5);
    add("ceiling 2 ms, half of it queueing", servers(16, 300, distribution::log_normal), closed(256), 2);
    device_spec pausing = hashed;
    pausing.pause_every_ms = 500;
    pausing.pause_ms = 4;
    add("ceiling 2 ms with pauses of 4 ms", pausing, closed(512), 2);
}

} // namespace

std::vector<entry> fixed_scenarios() {
    std::vector<entry> all;
    knees(all);
    open_gates(all);
    recorded(all);
    changes(all);
    ceilings(all);
    return all;
}

} // namespace simulation

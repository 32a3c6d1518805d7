// score: sweep and comparison.
#include "score.hpp"

#include <algorithm>
#include <cmath>

namespace simulation {

namespace {

constexpr double operations_per_point = 30'000;

bool slow_dynamics(const device_spec& d) {
    return d.hashed || d.pause_every_ms > 0 || d.neighbour_on_ms > 0 || d.tokens_per_second > 0;
}

class sweeper {
public:
    sweeper(const scenario& s, std::size_t segment, std::uint64_t seed)
        : alone_(s)
        , seed_(seed) {
        alone_.segments = {{0, s.segments[segment].device}};
        alone_.segments[0].device.starts_exhausted = true; // as the controller's run leaves it
        const double rate = measure(0, 0, 0.5).rate;
        length_ = std::clamp(operations_per_point / std::max(rate, 1.0), 0.3, 240.0);
        warm_up_ = std::max(0.1, 0.2 * length_);
        const device_spec& d = alone_.segments[0].device;
        if (slow_dynamics(d)) {
            length_ = std::max({length_, 4.0, 20 * (d.neighbour_on_ms + d.neighbour_off_ms) / 1e3,
                                20 * d.pause_every_ms / 1e3});
        }
    }

    /// On a device whose speed wanders: the time in which the controlled run is judged, for the same path.
    void measure_from_to(double from, double to) {
        warm_up_ = from;
        length_ = to - from;
    }

    const static_point& at(unsigned depth) {
        const auto known = std::find_if(points_.begin(), points_.end(),
                                        [&](const static_point& p) { return p.depth >= depth; });
        if (known != points_.end() && known->depth == depth)
            return *known;
        return *points_.insert(known, measure(depth, warm_up_, length_));
    }

    double highest_rate() const {
        double highest = 0;
        for (const static_point& p : points_)
            highest = std::max(highest, p.rate);
        return highest;
    }

    std::vector<static_point>& points() { return points_; }

private:
    static_point measure(unsigned depth, double from, double length) {
        const outcome run = run_static(alone_, depth, {{from, from + length}}, seed_);
        const interval& in = run.intervals[0];
        return {depth, in.rate(), in.p99_us(), in.cost_us(alone_.load)};
    }

    scenario alone_;
    std::uint64_t seed_;
    double length_ = 1;
    double warm_up_ = 0.1;
    std::vector<static_point> points_;
};

// The best of what has been measured.
static_point best_of(const std::vector<static_point>& points, double highest, double ceiling_us) {
    static_point best;
    for (const static_point& p : points) {
        if (ceiling_us > 0) {
            if (p.p99_us <= ceiling_us && p.rate > best.rate)
                best = p;
        } else if (p.rate >= full_rate * highest) {
            return p;
        }
    }
    return best.depth != 0 ? best : points.front();
}

} // namespace

sweep_result sweep(const scenario& s, std::size_t segment, std::uint64_t seed) {
    sweeper sweep(s, segment, seed);
    if (s.segments[segment].device.wander > 0)
        sweep.measure_from_to(s.duration_s / 2, s.duration_s);
    const unsigned deepest = s.load.closed_depth != 0 ? s.load.closed_depth : 512;
    for (double depth = 1; depth < deepest; depth = std::max(depth + 1, std::floor(depth * 1.5)))
        sweep.at(static_cast<unsigned>(depth));
    sweep.at(deepest);

    // Closer, around the best so far.
    const double ceiling_us = static_cast<double>(s.options.max_p99) / 1e3;
    for (int round = 0; round < 4; ++round) {
        const double highest = sweep.highest_rate();
        const unsigned best = best_of(sweep.points(), highest, ceiling_us).depth;
        unsigned below = 0;
        unsigned above = 0;
        for (const static_point& p : sweep.points()) {
            if (p.depth < best)
                below = p.depth;
            if (p.depth > best && above == 0)
                above = p.depth;
        }
        if (best - below > 1 && best > 1.03 * below)
            sweep.at((best + below) / 2);
        if (ceiling_us > 0 && above > best + 1)
            sweep.at((best + above) / 2);
    }
    return {best_of(sweep.points(), sweep.highest_rate(), ceiling_us), sweep.points()};
}

namespace {

constexpr unsigned open = aura::core::adaptive_controller::unlimited;

double jain(const std::vector<std::uint64_t>& completed) {
    double sum = 0;
    double squares = 0;
    for (const std::uint64_t c : completed) {
        sum += static_cast<double>(c);
        squares += static_cast<double>(c) * static_cast<double>(c);
    }
    return squares > 0 ? sum * sum / (static_cast<double>(completed.size()) * squares) : 1;
}

bool at_rest(aura::core::controller_phase phase) {
    using enum aura::core::controller_phase;
    return phase == steady || phase == converged || phase == settling || phase == passthrough;
}

void judge_limit(segment_score& result, const std::vector<tick_sample>& ticks, double from, double to) {
    std::vector<double> limits;
    std::size_t in_half = 0;
    for (const tick_sample& t : ticks) {
        if (t.time_s < (from + to) / 2 || t.time_s >= to)
            continue;
        ++in_half;
        if (t.limit != open)
            limits.push_back(t.limit);
    }
    double median = open;
    if (2 * limits.size() > in_half) {
        std::sort(limits.begin(), limits.end());
        median = limits[limits.size() / 2];
        result.limit = median;
        result.variation = (limits[limits.size() * 95 / 100] - limits[limits.size() * 5 / 100]) / median;
    }
    const double tolerance = std::max(0.25 * median, 1.0);
    result.converged_s = -1;
    for (const tick_sample& t : ticks) {
        if (t.time_s >= from && t.time_s < to && at_rest(t.phase) &&
            std::abs(static_cast<double>(t.limit) - median) <= tolerance) {
            result.converged_s = t.time_s - from;
            break;
        }
    }
}

} // namespace

namespace {

// What no gate at all gives, for loads that need none.
static_point ungated(const scenario& s, std::uint64_t seed) {
    const interval in = run_static(s, 0, {{s.duration_s / 2, s.duration_s}}, seed).intervals[0];
    return {0, in.rate(), in.p99_us(), in.cost_us(s.load)};
}

} // namespace

score evaluate(const scenario& s, bool against_no_gate, std::uint64_t seed) {
    intervals_wanted wanted;
    std::vector<double> ends;
    for (std::size_t i = 0; i < s.segments.size(); ++i) {
        const double from = s.segments[i].from_s;
        const double to = i + 1 < s.segments.size() ? s.segments[i + 1].from_s : s.duration_s;
        ends.push_back(to);
        wanted.emplace_back(from, (from + to) / 2);
        wanted.emplace_back((from + to) / 2, to);
    }
    score result{s.name, {}, run_adaptive(s, wanted, seed)};
    for (std::size_t i = 0; i < s.segments.size(); ++i) {
        segment_score segment;
        // Another run, but of a device that wanders on the same path.
        const std::uint64_t others = s.segments[i].device.wander > 0 ? seed : seed + 1;
        segment.best = against_no_gate ? ungated(s, others) : sweep(s, i, others).best;
        const interval& first = result.run.intervals[2 * i];
        const interval& second = result.run.intervals[2 * i + 1];
        segment.rate = second.rate();
        segment.p99_us = second.p99_us();
        segment.cost_us = second.cost_us(s.load);
        segment.shut_share = (first.shut_s + second.shut_s) / (first.seconds() + second.seconds());
        segment.fairness = jain(second.completed_by_ring);
        judge_limit(segment, result.run.ticks, s.segments[i].from_s, ends[i]);
        result.segments.push_back(segment);
    }
    return result;
}

} // namespace simulation

// requirements: the comparison.
#include "requirements.hpp"

#include <algorithm>
#include <cstdio>

namespace simulation {

namespace {

class checklist {
public:
    void at_least(const char* what, double value, double bound) {
        if (!(value >= bound))
            add(what, value, "<", bound);
    }
    void at_most(const char* what, double value, double bound) {
        if (!(value <= bound))
            add(what, value, ">", bound);
    }
    void part(std::size_t i) { part_ = i; }
    std::vector<std::string> take() { return std::move(lines_); }

private:
    void add(const char* what, double value, const char* sign, double bound) {
        char line[128];
        std::snprintf(line, sizeof line, "part %zu: %s %.3f %s %.3f", part_ + 1, what, value, sign, bound);
        lines_.emplace_back(line);
    }
    std::vector<std::string> lines_;
    std::size_t part_ = 0;
};

} // namespace

double convergence_max_s(const scenario& s, std::size_t segment, double rate) {
    const device_spec& d = s.segments[segment].device;
    const bool disturbed = d.neighbour_depth != 0 || d.pause_every_ms > 0 || d.tokens_per_second > 0 ||
                           d.hashed || d.wander > 0 || s.load.large_share > 0 || s.load.open_rate > 0;
    if (rate >= 50'000 && !disturbed)
        return 1;
    return std::max(3.0, 60 * 150 / std::max(rate, 1.0));
}

std::vector<std::string> misses(const entry& e, const score& s, const requirements& required) {
    checklist list;
    for (std::size_t i = 0; i < s.segments.size(); ++i) {
        const segment_score& g = s.segments[i];
        list.part(i);
        if (e.what == purpose::open_gate) {
            list.at_least("throughput", g.throughput(), required.open_throughput);
            list.at_most("P99", g.latency(), required.open_latency);
            list.at_most("CPU", g.cost(), required.open_cost);
            list.at_most("gate shut", g.shut_share, required.open_shut);
            continue;
        }
        list.at_least("fairness", g.fairness, required.fairness);
        if (e.what == purpose::ceiling) {
            list.at_least("throughput", g.throughput(), required.ceiling_throughput);
            list.at_most("P99 / ceiling", g.p99_us * 1e3 / static_cast<double>(e.run.options.max_p99),
                         required.ceiling_latency);
            continue;
        }
        const bool open = g.limit <= 0;
        list.at_least("throughput", g.throughput(),
                      open ? required.open_knee_throughput : required.throughput);
        list.at_most("P99", g.latency(), open ? required.open_knee_latency : required.latency);
        if (!open) // one operation more or less is always allowed
            list.at_most("variation of the depth", g.variation, std::max(required.variation, 1.01 / g.limit));
        if (i == 0)
            list.at_most("seconds to converge", g.converged_s < 0 ? 1e9 : g.converged_s,
                         required.convergence * convergence_max_s(e.run, i, g.best.rate));
        else
            list.at_most("seconds to react", g.converged_s < 0 ? 1e9 : g.converged_s,
                         g.best.rate < s.segments[i - 1].best.rate ? required.reaction_lost_s
                                                                   : required.reaction_regained_s);
    }
    return list.take();
}

} // namespace simulation

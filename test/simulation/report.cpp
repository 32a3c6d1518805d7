// auraio_simulation_report: one row per simulated device, the controller against the best static depth.
#include "catalogue.hpp"
#include "requirements.hpp"
#include "score.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using namespace simulation;

void print_usage() {
    std::puts(
        "auraio_simulation_report [--trace] [--seeds N] [--first N] [NAME]...\n"
        "  One row per device and segment: the controller against the best static depth of a sweep.\n"
        "  NAME       part of the name of a device, or of a family with random parameters; none: all "
        "devices\n"
        "             of the catalogue\n"
        "  --seeds N  so many devices of each family named (default 1), and N runs of each fixed device\n"
        "  --first N  the first seed (default 1)\n"
        "  --trace    the limit at every change, and the phases");
}

void print_header() {
    std::puts("| device | best depth | best rate/s | limit | rate | P99 | converged s | varies | shut | Jain "
              "| CPU |\n"
              "|---|---|---|---|---|---|---|---|---|---|---|");
}

void print_row(const score& s) {
    for (std::size_t i = 0; i < s.segments.size(); ++i) {
        const segment_score& g = s.segments[i];
        const std::string part = s.segments.size() > 1 ? ", part " + std::to_string(i + 1) : "";
        std::printf("| %s%s | %u | %.0f | %s | %.3f | %.2f | %.2f | %.2f | %.3f | %.2f | %.3f |\n",
                    s.name.c_str(), part.c_str(), g.best.depth, g.best.rate,
                    g.limit > 0 ? std::to_string(static_cast<int>(g.limit)).c_str() : "open", g.throughput(),
                    g.latency(), g.converged_s, g.variation, g.shut_share, g.fairness, g.cost());
    }
    std::fflush(stdout);
}

void print_trace(const score& s) {
    for (const auto& e : s.run.events)
        std::printf("    %8.3f %-11s -> %-11s %-20s %d\n", static_cast<double>(e.time) / 1e9, name(e.from),
                    name(e.to), name(e.reason), static_cast<int>(e.limit));
    unsigned last = 0;
    int column = 0;
    for (const auto& t : s.run.ticks) {
        if (t.limit == last)
            continue;
        last = t.limit;
        std::printf("%9.2f:%-5d%s", t.time_s, static_cast<int>(t.limit), ++column % 8 == 0 ? "\n" : "");
    }
    std::puts("");
    for (const std::uint64_t c : s.run.intervals.back().completed_by_ring)
        std::printf(" %llu", static_cast<unsigned long long>(c));
    std::puts(" operations by ring");
}

} // namespace

int main(int argc, char** argv) {
    bool trace = false;
    std::uint64_t seeds = 1;
    std::uint64_t first = 1;
    std::vector<std::string> names;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--help") {
            print_usage();
            return 0;
        }
        if (argument == "--trace")
            trace = true;
        else if (argument == "--seeds" && i + 1 < argc)
            seeds = std::strtoull(argv[++i], nullptr, 10);
        else if (argument == "--first" && i + 1 < argc)
            first = std::strtoull(argv[++i], nullptr, 10);
        else
            names.push_back(argument);
    }
    const auto wanted = [&](const std::string& name) {
        for (const std::string& n : names) {
            if (name.find(n) != std::string::npos)
                return true;
        }
        return names.empty();
    };
    print_header();
    unsigned total = 0;
    unsigned met = 0;
    std::vector<std::string> missed_lines;
    const auto show = [&](const entry& e, std::uint64_t seed) {
        const score result = evaluate(e.run, e.what == purpose::open_gate, seed);
        print_row(result);
        ++total;
        const auto missed = misses(e, result);
        met += missed.empty();
        for (const std::string& line : missed)
            missed_lines.push_back(result.name + ": " + line);
        if (trace)
            print_trace(result);
    };
    for (const entry& e : fixed_scenarios()) {
        if (!wanted(e.run.name))
            continue;
        for (std::uint64_t seed = first; seed < first + seeds; ++seed)
            show(e, seed);
    }
    for (const family& f : families()) {
        if (names.empty() || !wanted(f.name))
            continue;
        for (std::uint64_t seed = first; seed < first + seeds; ++seed)
            show(f.make(seed), seed);
    }
    std::printf("\n%u of %u devices meet every requirement.\n", met, total);
    for (const std::string& line : missed_lines)
        std::printf("- %s\n", line.c_str());
}

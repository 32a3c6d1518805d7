// prometheus: one table of metrics for rings, one for pools, and how a sample is written.
#include "auraio/core/report/prometheus.hpp"

#include "auraio/core/stats/handler_kinds.hpp"

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <type_traits>
#include <variant>

namespace aura::core {

namespace {

struct label {
    std::string_view name;
    std::string_view value;
};

class writer {
public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        append({"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"});
    }

    void sample(std::string_view name, std::initializer_list<label> labels, double value) {
        out_ += name;
        char separator = '{';
        for (const label& l : labels) {
            out_ += separator;
            append({l.name, "=\""});
            escaped(l.value);
            out_ += '"';
            separator = ',';
        }
        out_ += separator == ',' ? "} " : " ";
        number(value);
        out_ += '\n';
    }

    std::string take() { return std::move(out_); }

private:
    void append(std::initializer_list<std::string_view> parts) {
        for (const std::string_view p : parts)
            out_ += p;
    }
    void escaped(std::string_view value) {
        for (const char c : value) {
            if (c == '\\' || c == '"')
                out_ += '\\';
            if (c == '\n')
                out_ += "\\n";
            else
                out_ += c;
        }
    }
    void number(double value) {
        if (value == std::numeric_limits<double>::infinity()) {
            out_ += "+Inf";
            return;
        }
        char text[32];
        const auto end = std::to_chars(text, text + sizeof text, value).ptr;
        out_.append(text, end);
    }

    std::string out_;
};

constexpr double per_second = 1e9; // dividing rounds once: 1000 ns are 1e-06 s, not 1.0000000000000002e-06

/// What a ring is, beside what it has counted.
struct ring_metric {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    double (*value)(const ring_stats&);
};

constexpr ring_metric ring_metrics[] = {
    {"auraio_operations_pending", "gauge",
     "Operations of any kind that were pending when the last turn ended.",
     [](const ring_stats& r) { return double(r.operations); }},
    {"auraio_ring_driven", "gauge", "Whether a thread in run() drives the ring.",
     [](const ring_stats& r) { return r.driven ? 1.0 : 0.0; }},
};

struct context_metric {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    double (*value)(const engine_stats&);
};

constexpr context_metric context_metrics[] = {
    {"auraio_ring_shortages_total", "counter",
     "How often no ring could be made for want of descriptors or memory.",
     [](const engine_stats& c) { return double(c.ring_shortages); }},
    {"auraio_spare_threads", "gauge", "Threads in run() for which there is no ring.",
     [](const engine_stats& c) { return double(c.spare_threads); }},
    {"auraio_reserve_threads", "gauge", "Threads in run() that wait while one drives all rings.",
     [](const engine_stats& c) { return double(c.reserve_threads); }},
};

double value_of(const device_statistic& row, const device_stats& d) {
    return std::visit(
        [&](auto member) {
            const auto value = d.*member;
            if constexpr (std::is_same_v<decltype(member), unsigned device_stats::*>) {
                if (member == &device_stats::limit && value == no_limit)
                    return std::numeric_limits<double>::infinity();
            }
            return double(value) / row.unit;
        },
        row.member);
}

constexpr controller_phase all_phases[] = {
    controller_phase::passthrough, controller_phase::baseline, controller_phase::probing,
    controller_phase::steady,      controller_phase::backoff,  controller_phase::settling,
    controller_phase::converged,
};

struct pool_metric {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    double (*value)(const buffer_pool_stats&);
};

constexpr pool_metric pool_metrics[] = {
    {"auraio_pool_in_use_bytes", "gauge", "Buffers held by the program.",
     [](const buffer_pool_stats& p) { return double(p.in_use_bytes); }},
    {"auraio_pool_cached_bytes", "gauge", "Buffers kept by threads for their own use.",
     [](const buffer_pool_stats& p) { return double(p.cached_bytes); }},
    {"auraio_pool_allocated_bytes", "gauge", "All buffers there are: what counts against the limit.",
     [](const buffer_pool_stats& p) { return double(p.total_bytes); }},
    {"auraio_pool_mapped_bytes", "gauge", "Address space of the pool.",
     [](const buffer_pool_stats& p) { return double(p.mapped_bytes); }},
    {"auraio_pool_refills_total", "counter", "How often a thread's cache was empty.",
     [](const buffer_pool_stats& p) { return double(p.refills); }},
    {"auraio_pool_flushes_total", "counter", "How often a thread's cache was full.",
     [](const buffer_pool_stats& p) { return double(p.flushes); }},
    {"auraio_pool_failures_total", "counter", "Allocations that failed.",
     [](const buffer_pool_stats& p) { return double(p.failures); }},
};

/// 1, 2, 5, 10, ... microseconds to 10 s. A limit counts what lies in its bucket of the histogram: up to 3.1
/// % more.
void histogram(writer& out, const std::string& name, label context, label ring, const latency_snapshot& l) {
    const std::string bucket = name + "_bucket";
    for (std::uint64_t decade = 1'000; decade <= 10'000'000'000; decade *= 10) {
        for (const std::uint64_t factor : {1u, 2u, 5u}) {
            const std::uint64_t limit = decade * factor;
            if (limit > 10'000'000'000)
                break;
            char text[32];
            const auto end = std::to_chars(text, text + sizeof text, double(limit) / per_second).ptr;
            out.sample(bucket, {context, ring, {"le", std::string_view(text, end)}},
                       double(l.count_at_most(limit)));
        }
    }
    out.sample(bucket, {context, ring, {"le", "+Inf"}}, double(l.count()));
    out.sample(name + "_sum", {context, ring}, double(l.sum()) / per_second);
    out.sample(name + "_count", {context, ring}, double(l.count()));
}

template <class F>
void for_each_device(const std::vector<named_stats<engine_stats>>& contexts, F f) {
    for (const auto& [name, stats] : contexts)
        for (const device_stats& d : stats.devices)
            f(label{"context", name}, label{"device", d.name}, d);
}

void devices(writer& out, const std::vector<named_stats<engine_stats>>& contexts) {
    bool any = false;
    for_each_device(contexts, [&](label, label, const device_stats&) { any = true; });
    if (!any)
        return;
    for (const device_statistic& row : device_statistics) {
        out.family(row.name, row.type, row.help);
        for_each_device(contexts, [&](label context, label device, const device_stats& d) {
            out.sample(row.name, {context, device}, value_of(row, d));
        });
    }
    constexpr std::string_view phase = "auraio_device_phase";
    out.family(phase, "gauge", "1 for the phase the controller is in.");
    for_each_device(contexts, [&](label context, label device, const device_stats& d) {
        for (const controller_phase p : all_phases)
            out.sample(phase, {context, device, {"phase", name(p)}}, d.phase == p ? 1 : 0);
    });
}

struct kind_metric {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    double (*value)(const handler_kind_stats&);
};

constexpr kind_metric kind_metrics[] = {
    {"auraio_handler_kind_calls_total", "counter",
     "Handlers of the process that have returned, by what they were for.",
     [](const handler_kind_stats& k) { return double(k.calls); }},
    {"auraio_handler_kind_seconds_total", "counter", "How long they took together.",
     [](const handler_kind_stats& k) { return double(k.total_time) / per_second; }},
    {"auraio_handler_kind_longest_seconds", "gauge", "How long the longest of them took.",
     [](const handler_kind_stats& k) { return double(k.longest) / per_second; }},
};

/// None but where handlers are tracked.
void handlers(writer& out) {
    const std::vector<handler_kind_stats> kinds = handler_kind::all();
    if (kinds.empty())
        return;
    for (const kind_metric& m : kind_metrics) {
        out.family(m.name, m.type, m.help);
        for (const handler_kind_stats& k : kinds)
            out.sample(m.name, {{"object", k.object}, {"function", k.function}}, m.value(k));
    }
}

template <class F>
void for_each_class(const buffer_pool_stats& p, F f) {
    for (const auto& c : p.classes)
        if (c.size != 0 && c.allocations != 0)
            f(std::to_string(c.size), c);
}

} // namespace

std::string prometheus_text::str() const {
    writer out;
    if (!contexts_.empty()) {
        const auto of_rings = [&](std::string_view metric, auto value) {
            for (const auto& [name, stats] : contexts_)
                for (const ring_stats& r : stats.rings)
                    out.sample(metric, {{"context", name}, {"ring", std::to_string(r.index)}}, value(r));
        };
        for (const ring_statistic& s : ring_statistics) {
            out.family(s.name, s.type, s.help);
            of_rings(s.name, [&](const ring_stats& r) { return double(r.*s.member) / s.unit; });
        }
        for (const ring_metric& m : ring_metrics) {
            out.family(m.name, m.type, m.help);
            of_rings(m.name, m.value);
        }
        for (const ring_histogram& m : ring_histograms) {
            out.family(m.name, "histogram", m.help);
            for (const auto& [name, stats] : contexts_)
                for (const ring_stats& r : stats.rings)
                    histogram(out, std::string(m.name), {"context", name}, {"ring", std::to_string(r.index)},
                              r.*m.member);
        }
        for (const context_metric& m : context_metrics) {
            out.family(m.name, m.type, m.help);
            for (const auto& [name, stats] : contexts_)
                out.sample(m.name, {{"context", name}}, m.value(stats));
        }
        out.family("auraio_backend_info", "gauge", "1, with what carries out I/O, and why that was chosen.");
        for (const auto& [name, stats] : contexts_)
            out.sample("auraio_backend_info",
                       {{"context", name}, {"backend", stats.backend}, {"reason", stats.backend_reason}}, 1);
        devices(out, contexts_);
        handlers(out);
    }
    if (!pools_.empty()) {
        for (const pool_metric& m : pool_metrics) {
            out.family(m.name, m.type, m.help);
            for (const auto& [name, stats] : pools_)
                out.sample(m.name, {{"pool", name}}, m.value(stats));
        }
        out.family("auraio_pool_allocations_total", "counter",
                   "Allocations, by the size of the buffer in bytes.");
        for (const auto& [name, stats] : pools_)
            for_each_class(stats, [&, &n = name](const std::string& size, const auto& c) {
                out.sample("auraio_pool_allocations_total", {{"pool", n}, {"size", size}},
                           double(c.allocations));
            });
        out.family("auraio_pool_deallocations_total", "counter",
                   "Deallocations, by the size of the buffer in bytes.");
        for (const auto& [name, stats] : pools_)
            for_each_class(stats, [&, &n = name](const std::string& size, const auto& c) {
                out.sample("auraio_pool_deallocations_total", {{"pool", n}, {"size", size}},
                           double(c.deallocations));
            });
    }
    return out.take();
}

} // namespace aura::core

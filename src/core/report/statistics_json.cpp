// statistics_json: a snapshot as one line of JSON, from the same rows as the text for Prometheus.
#include "auraio/core/report/statistics_server.hpp"

#include "auraio/core/base/clock.hpp"

#include <charconv>
#include <cmath>
#include <string_view>
#include <type_traits>
#include <unistd.h>
#include <variant>

namespace aura::core {

namespace {

class json_writer {
public:
    void open(char bracket) {
        separate();
        out_ += bracket;
        is_first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        is_first_ = false;
    }
    void key(std::string_view name) {
        string(name);
        out_ += ':';
        is_first_ = true; // its value follows: no comma
    }
    void string(std::string_view text) {
        separate();
        out_ += '"';
        for (const char c : text) {
            if (c == '"' || c == '\\')
                out_ += '\\';
            if (static_cast<unsigned char>(c) < 0x20)
                out_ += ' '; // names of programs and devices have none
            else
                out_ += c;
        }
        out_ += '"';
    }
    void literal(std::string_view text) {
        separate();
        out_ += text;
    }
    template <class Number>
    void number(Number value) {
        separate();
        if constexpr (std::is_floating_point_v<Number>) {
            if (!std::isfinite(value)) {
                out_ += "null";
                return;
            }
        }
        char text[32];
        out_.append(text, std::to_chars(text, text + sizeof text, value).ptr);
    }
    template <class Number>
    void member(std::string_view name, Number value) {
        key(name);
        number(value);
    }

    std::string take() { return std::move(out_); }

private:
    void separate() {
        if (!is_first_)
            out_ += ',';
        is_first_ = false;
    }

    std::string out_;
    bool is_first_ = true;
};

/// "auraio_device_requests_submitted_total" is "requests_submitted" in a device.
std::string_view short_name(std::string_view metric, std::string_view prefix) {
    metric.remove_prefix(prefix.size());
    constexpr std::string_view total = "_total";
    if (metric.ends_with(total))
        metric.remove_suffix(total.size());
    return metric;
}

/// A count stays one: doubles have 53 bits.
void figure(json_writer& out, std::string_view name, std::uint64_t value, double unit) {
    if (unit == 1)
        out.member(name, value);
    else
        out.member(name, static_cast<double>(value) / unit);
}

void latency(json_writer& out, std::string_view name, const latency_snapshot& l) {
    constexpr double second = 1e9;
    out.key(name);
    out.open('{');
    out.member("count", l.count());
    out.member("sum", static_cast<double>(l.sum()) / second);
    out.member("p50", static_cast<double>(l.percentile(0.5)) / second);
    out.member("p99", static_cast<double>(l.percentile(0.99)) / second);
    out.member("max", static_cast<double>(l.max()) / second);
    out.close('}');
}

void ring(json_writer& out, const ring_stats& r) {
    out.open('{');
    out.member("ring", r.index);
    out.key("driven");
    out.literal(r.driven ? "true" : "false");
    out.member("operations_pending", r.operations);
    for (const ring_statistic& s : ring_statistics)
        figure(out, short_name(s.name, "auraio_"), r.*s.member, s.unit);
    for (const ring_histogram& h : ring_histograms)
        latency(out, short_name(h.name, "auraio_"), r.*h.member);
    out.close('}');
}

void device(json_writer& out, const device_stats& d) {
    out.open('{');
    out.key("device");
    out.string(d.name);
    out.key("phase");
    out.string(name(d.phase));
    for (const device_statistic& s : device_statistics) {
        const std::string_view key = short_name(s.name, "auraio_device_");
        std::visit(
            [&](auto member) {
                const auto value = d.*member;
                if constexpr (std::is_same_v<decltype(value), const double>) {
                    out.member(key, value / s.unit);
                } else {
                    if constexpr (std::is_same_v<decltype(value), const unsigned>) {
                        if (member == &device_stats::limit && value == no_limit) {
                            out.key(key);
                            out.literal("null");
                            return;
                        }
                    }
                    figure(out, key, value, s.unit);
                }
            },
            s.member);
    }
    out.close('}');
}

} // namespace

std::string to_json(const engine_stats& stats, const std::string& name) {
    json_writer out;
    out.open('{');
    out.key("context");
    out.string(name);
    out.member("process", static_cast<long>(::getpid()));
    out.member("time_seconds", static_cast<double>(monotonic_now()) / 1e9);
    out.key("backend");
    out.string(stats.backend);
    out.key("backend_reason");
    out.string(stats.backend_reason);
    out.member("ring_shortages", stats.ring_shortages);
    out.member("spare_threads", stats.spare_threads);
    out.member("reserve_threads", stats.reserve_threads);
    out.key("rings");
    out.open('[');
    for (const ring_stats& r : stats.rings)
        ring(out, r);
    out.close(']');
    out.key("devices");
    out.open('[');
    for (const device_stats& d : stats.devices)
        device(out, d);
    out.close(']');
    out.close('}');
    return out.take();
}

} // namespace aura::core

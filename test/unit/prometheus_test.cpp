// core::prometheus_text: what it writes, and that a parser other than ours accepts it.
#include "auraio/core/report/prometheus.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace {

using aura::core::engine_stats;
using aura::core::latency_histogram;
using aura::core::prometheus_text;
using aura::core::ring_stats;

engine_stats two_rings() {
    engine_stats s;
    s.rings.resize(2);
    s.ring_shortages = 3;
    s.backend = "epoll";
    s.backend_reason = "a \"filter\"";
    s.rings[0].submitted = 12;
    s.rings[0].completed = 10;
    s.rings[0].in_flight = 2;
    s.rings[1].index = 1;
    s.rings[1].loop_delay_max = 12'000'000;
    auto h = std::make_unique<latency_histogram>();
    for (const unsigned v : {900u, 1'500u, 90'000u, 3'000'000u})
        h->record(v);
    s.rings[1].read_latency = h->snapshot();
    return s;
}

std::string example() {
    aura::core::buffer_pool pool;
    aura::core::buffer_pool::deallocate(pool.allocate(4096));
    prometheus_text text;
    text.add("main", two_rings());
    text.add("second \"context\"\\\n", two_rings());
    text.add("buffers", pool.stats());
    return text.str();
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Prometheus, WritesSamplesWithTheirLabels) {
    const std::string text = example();
    EXPECT_TRUE(has_line(text, R"(auraio_requests_submitted_total{context="main",ring="0"} 12)"));
    EXPECT_TRUE(has_line(text, R"(auraio_requests_in_flight{context="main",ring="0"} 2)"));
    EXPECT_TRUE(has_line(text, R"(auraio_ring_shortages_total{context="main"} 3)"));
    EXPECT_TRUE(
        has_line(text, R"(auraio_backend_info{context="main",backend="epoll",reason="a \"filter\""} 1)"));
    EXPECT_TRUE(has_line(text, R"(auraio_loop_delay_max_seconds{context="main",ring="1"} 0.012)"));
    EXPECT_TRUE(has_line(text, R"(auraio_pool_allocations_total{pool="buffers",size="4096"} 1)"));
    EXPECT_TRUE(has_line(text, R"(auraio_turns_total{context="second \"context\"\\\n",ring="1"} 0)"));
}

TEST(Prometheus, WritesFiguresOfDevicesInTheUnitsOfTheirNames) {
    aura::core::device_stats device;
    device.name = "vda";
    device.rings = 2;
    device.delayed = 7;
    device.throughput = 1234.5;
    device.p99_latency = 2'500'000;
    device.latency_samples = 400;
    engine_stats stats;
    stats.devices.push_back(device);
    prometheus_text open;
    open.add("main", stats);
    const std::string labels = R"({context="main",device="vda"} )";
    for (const char* const line : {"requests_delayed_total 7", "rings 2", "throughput 1234.5",
                                   "latency_samples 400", "p99_latency_seconds 0.0025", "limit +Inf"}) {
        const std::string_view figure = line;
        const std::size_t gap = figure.find(' ');
        EXPECT_TRUE(has_line(open.str(), "auraio_device_" + std::string(figure.substr(0, gap)) + labels +
                                             std::string(figure.substr(gap + 1))))
            << line;
    }
    stats.devices[0].limit = 16;
    prometheus_text shut;
    shut.add("main", stats);
    EXPECT_TRUE(has_line(shut.str(), "auraio_device_limit" + labels + "16"));
}

TEST(Prometheus, WritesHistogramsCumulatively) {
    const std::string text = example();
    const std::string name = R"(auraio_read_latency_seconds_bucket{context="main",ring="1",le=")";
    EXPECT_TRUE(has_line(text, name + "1e-06\"} 1"));
    EXPECT_TRUE(has_line(text, name + "2e-06\"} 2"));
    EXPECT_TRUE(has_line(text, name + "1e-04\"} 3"));
    EXPECT_TRUE(has_line(text, name + "+Inf\"} 4"));
    EXPECT_TRUE(has_line(text, R"(auraio_read_latency_seconds_count{context="main",ring="1"} 4)"));
}

TEST(Prometheus, DescribesEveryMetricOnce) {
    std::istringstream lines(example());
    std::set<std::string> described;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("# TYPE ", 0) == 0) {
            EXPECT_TRUE(described.insert(line).second) << line;
        }
    }
    EXPECT_GT(described.size(), 20u);
}

TEST(Prometheus, OfNothingIsNothing) {
    EXPECT_EQ(prometheus_text().str(), "");
}

TEST(Prometheus, HasWhatTheDashboardAsksFor) {
    std::ifstream file(AURAIO_DASHBOARD);
    const std::string dashboard{std::istreambuf_iterator<char>(file), {}};
    engine_stats stats = two_rings();
    stats.devices.emplace_back().name = "vda";
    aura::core::buffer_pool pool; // sizes that nobody has used are not written
    aura::core::buffer_pool::deallocate(pool.allocate(4096));
    prometheus_text text;
    text.add("main", stats);
    text.add("buffers", pool.stats());
    const std::string written = "\n" + text.str();
    const std::regex name("auraio_[a-z0-9_]+");
    std::set<std::string> asked;
    for (std::sregex_iterator i(dashboard.begin(), dashboard.end(), name), end; i != end; ++i)
        asked.insert(i->str());
    EXPECT_GT(asked.size(), 20u);
    for (const std::string& metric : asked)
        EXPECT_NE(written.find("\n" + metric + "{"), std::string::npos) << metric;
}

TEST(Prometheus, PromtoolAcceptsIt) {
    if (std::system("promtool --version >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
    std::FILE* promtool = ::popen("promtool check metrics 2>&1", "w");
    ASSERT_NE(promtool, nullptr);
    const std::string text = example();
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
    EXPECT_EQ(::pclose(promtool), 0); // it also fails for what its linter does not like
}

} // namespace

// statistics: what the counters say after known operations, and requests that make no sense.
#include "support.hpp"

#include "support/scratch_file.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

aura_stats_t stats_of(const engine_ptr& e) {
    aura_stats_t s{};
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_get_stats(e.get(), &s), 0);
    return s;
}

aura_stats_t ring_stats_of(const engine_ptr& e, int ring) {
    aura_stats_t s{};
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_get_ring_stats(e.get(), ring, &s), 0);
    return s;
}

std::unique_ptr<aura_histogram_t> histogram_of(const engine_ptr& e, int ring, aura_op_type_t type) {
    auto h = std::make_unique<aura_histogram_t>();
    h->struct_size = sizeof *h;
    EXPECT_EQ(aura_get_histogram(e.get(), ring, type, h.get()), 0);
    return h;
}

void read_some(const engine_ptr& e, int fd, int times) {
    char data[64];
    for (int i = 0; i < times; ++i) {
        ended x;
        ASSERT_NE(aura_read(e.get(), fd, aura_buf(data), sizeof data, 0, ended::note, &x), nullptr);
        EXPECT_EQ(finish(e, x), 64);
    }
}

} // namespace

TEST(CStatistics, CountWhatWasDone) {
    const engine_ptr e = make_engine(1);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    const aura_stats_t before = stats_of(e);
    EXPECT_EQ(before.submitted, 0u);
    read_some(e, fd.get(), 200);
    const aura_stats_t after = stats_of(e);
    EXPECT_EQ(after.rings, 1u);
    EXPECT_EQ(after.submitted, 200u);
    EXPECT_EQ(after.completed, 200u);
    EXPECT_EQ(after.in_flight, 0u);
    EXPECT_GE(after.handlers, 200u);
    EXPECT_GE(after.turns, 200u);
    EXPECT_GE(after.enters, 200u); // one after the other: nothing to batch
    EXPECT_EQ(after.cq_overflows, 0u);
    EXPECT_EQ(after.adaptive_spills, 0u);
    EXPECT_EQ(after.gate_waits, 0u);
    EXPECT_EQ(after.operations, 0u);
}

TEST(CStatistics, RingsAddUp) {
    const engine_ptr e = make_engine(3, AURA_SELECT_ROUND_ROBIN);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    read_some(e, fd.get(), 2);
    EXPECT_EQ(stats_of(e).rings, 2u);
    EXPECT_EQ(ring_stats_of(e, 0).rings, 1u);
    EXPECT_EQ(ring_stats_of(e, 2).rings, 0u);
    EXPECT_EQ(ring_stats_of(e, 2).submitted, 0u);
    read_some(e, fd.get(), 7);
    std::uint64_t submitted = 0;
    for (int ring = 0; ring < 3; ++ring) {
        const aura_stats_t s = ring_stats_of(e, ring);
        EXPECT_EQ(s.submitted, 3u);
        submitted += s.submitted;
    }
    EXPECT_EQ(stats_of(e).submitted, submitted);
}

TEST(CStatistics, CrowdedRingsSpill) {
    // 2 rings of 64 completions: what one thread starts without waiting leaves its ring at three quarters.
    aura_options_t options;
    aura_options_init(&options);
    options.ring_count = 2;
    options.queue_depth = 32;
    options.completion_depth = 64;
    const engine_ptr e(aura_create_with_options(&options));
    ASSERT_NE(e, nullptr);
    pipe_ends pipe;
    std::vector<ended> all(200);
    std::vector<char> data(all.size());
    std::vector<aura_request_t*> requests;
    for (std::size_t i = 0; i < all.size(); ++i) {
        requests.push_back(aura_read(e.get(), pipe.read_end, aura_buf(&data[i]), 1, 0, ended::note, &all[i]));
        ASSERT_NE(requests.back(), nullptr);
        EXPECT_GE(aura_poll(e.get()), 0); // the load is known after a turn
    }
    const aura_stats_t s = stats_of(e);
    EXPECT_EQ(s.rings, 2u);
    EXPECT_GT(s.adaptive_spills, 0u);
    EXPECT_EQ(s.in_flight, all.size());
    for (aura_request_t* r : requests)
        EXPECT_EQ(aura_cancel(e.get(), r), 0);
    EXPECT_EQ(aura_drain(e.get(), -1), static_cast<int>(all.size()));
}

TEST(CHistogram, HoldsAtLeastOneLatencyOf64) {
    const engine_ptr e = make_engine(1);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    read_some(e, fd.get(), 640);
    const auto h = histogram_of(e, AURA_ALL_RINGS, AURA_OP_READ);
    EXPECT_GE(h->count, 10u);
    EXPECT_LE(h->count, 640u); // all, where the device is slow, or the machine busy with other things
    EXPECT_GT(h->sum_ns, 0u);
    std::uint64_t sum = 0;
    for (const std::uint64_t n : h->buckets)
        sum += n;
    EXPECT_EQ(sum, h->count);
    const std::uint64_t p50 = aura_histogram_percentile(h.get(), 0.5);
    const std::uint64_t p99 = aura_histogram_percentile(h.get(), 0.99);
    EXPECT_GT(p50, 0u);
    EXPECT_LE(p50, p99);
    const std::uint64_t longest = aura_histogram_percentile(h.get(), 1.0);
    EXPECT_LE(p99, longest);
    EXPECT_GE(longest * h->count, h->sum_ns);
    EXPECT_EQ(histogram_of(e, 0, AURA_OP_READ)->count, h->count);
    EXPECT_EQ(histogram_of(e, 0, AURA_OP_WRITE)->count, 0u);
    EXPECT_EQ(aura_histogram_percentile(histogram_of(e, 0, AURA_OP_WRITE).get(), 0.5), 0u);
}

TEST(CHistogram, BucketsMayBeAddedByTheProgram) {
    auto h = std::make_unique<aura_histogram_t>();
    h->struct_size = sizeof *h;
    h->buckets[10] = 99; // 10 ns
    h->buckets[40] = 1;  // 40 ns
    EXPECT_EQ(aura_histogram_percentile(h.get(), 0.99), 10u);
    EXPECT_EQ(aura_histogram_percentile(h.get(), 1.0), 40u);
    EXPECT_EQ(aura_histogram_percentile(nullptr, 1.0), 0u);
}

TEST(CStatistics, RefuseWhatMakesNoSense) {
    const engine_ptr e = make_engine(2);
    aura_stats_t s{};
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_get_stats(nullptr, &s), -EINVAL);
    EXPECT_EQ(aura_get_stats(e.get(), nullptr), -EINVAL);
    EXPECT_EQ(aura_get_ring_stats(e.get(), -1, &s), -EINVAL);
    EXPECT_EQ(aura_get_ring_stats(e.get(), 2, &s), -EINVAL);
    s.struct_size = 4;
    EXPECT_EQ(aura_get_stats(e.get(), &s), -EINVAL);
    s.struct_size = offsetof(aura_stats_t, enters); // of an older program
    s.enters = 77;
    EXPECT_EQ(aura_get_stats(e.get(), &s), 0);
    EXPECT_EQ(s.enters, 77u);
    auto h = std::make_unique<aura_histogram_t>();
    EXPECT_EQ(aura_get_histogram(e.get(), 0, AURA_OP_READ, h.get()), -EINVAL);
    h->struct_size = sizeof *h;
    EXPECT_EQ(aura_get_histogram(e.get(), 0, AURA_OP_FSYNC, h.get()), -EINVAL);
    EXPECT_EQ(aura_get_histogram(e.get(), 2, AURA_OP_READ, h.get()), -EINVAL);
    EXPECT_EQ(aura_get_histogram(nullptr, 0, AURA_OP_READ, h.get()), -EINVAL);
    EXPECT_EQ(aura_get_histogram(e.get(), 0, AURA_OP_READ, nullptr), -EINVAL);
}

TEST(CServeStatistics, ALineOfJsonUntilItIsEnded) {
    const engine_ptr e = make_engine(1);
    const std::string path = "/tmp/auraio-c-statistics-" + std::to_string(::getpid());
    EXPECT_EQ(aura_serve_statistics(nullptr, path.c_str(), -1), -EINVAL);
    EXPECT_EQ(aura_serve_statistics(e.get(), path.c_str(), 65536), -EINVAL);
    EXPECT_EQ(aura_serve_statistics(e.get(), std::string(200, 'x').c_str(), -1), -ENAMETOOLONG);
    EXPECT_EQ(aura_serve_statistics(e.get(), path.c_str(), -1), 0);
    EXPECT_GT(aura_serve_statistics(e.get(), path.c_str(), 0), 0) << "in the place of the first";

    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what connect(2) takes
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    std::string line;
    char text[4096];
    for (ssize_t n; !line.ends_with('\n') && (n = ::recv(fd, text, sizeof text, 0)) > 0;)
        line.append(text, static_cast<std::size_t>(n));
    EXPECT_TRUE(line.starts_with("{\"context\":\"main\"")) << line;
    EXPECT_EQ(aura_serve_statistics(e.get(), nullptr, -1), 0);
    EXPECT_EQ(::recv(fd, text, sizeof text, 0), 0) << "closed";
    ::close(fd);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(CDump, TellsWhatIsPendingAndWithWhichCallback) {
    const engine_ptr e = make_engine(1);
    const pipe_ends pipe;
    ended x;
    aura_request_t* const timeout = aura_timeout(e.get(), 3'600'000'000'000, ended::note, &x);
    ASSERT_NE(timeout, nullptr);
    char text[8192] = {};
    EXPECT_EQ(aura_dump(e.get(), pipe.write_end), 0);
    ASSERT_GT(::read(pipe.read_end, text, sizeof text - 1), 0);
    EXPECT_NE(std::strstr(text, "1 operations of other threads wait"), nullptr) << text;
    EXPECT_EQ(aura_poll(e.get()), 0);
    EXPECT_EQ(aura_dump(e.get(), pipe.write_end), 0);
    std::memset(text, 0, sizeof text);
    ASSERT_GT(::read(pipe.read_end, text, sizeof text - 1), 0);
    EXPECT_NE(std::strstr(text, "timer due in 3"), nullptr) << text;
    EXPECT_NE(std::strstr(text, "ended::note"), nullptr) << "this program is not stripped: " << text;
    EXPECT_EQ(aura_dump(nullptr, pipe.write_end), -EINVAL);
    EXPECT_EQ(aura_dump(e.get(), -1), -EINVAL);
    EXPECT_EQ(aura_dump(e.get(), pipe.read_end), -EBADF) << "the end that cannot be written to";
    EXPECT_EQ(aura_cancel(e.get(), timeout), 0);
    EXPECT_EQ(finish(e, x), -ECANCELED);
}

TEST(CStatistics, MeasureOneCallbackInSixtyOne) {
    const engine_ptr e = make_engine(1);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    read_some(e, fd.get(), 200);
    auto h = std::make_unique<aura_histogram_t>();
    for (const aura_loop_time_t which : {AURA_LOOP_QUEUE_DELAY, AURA_LOOP_HANDLER_TIME}) {
        h->struct_size = sizeof *h;
        EXPECT_EQ(aura_get_loop_histogram(e.get(), AURA_ALL_RINGS, which, h.get()), 0);
        EXPECT_GE(h->count, 1u);
        EXPECT_LE(h->count, stats_of(e).handlers / 61);
        EXPECT_EQ(aura_get_loop_histogram(e.get(), 1, which, h.get()), -EINVAL) << "there is no such ring";
    }
    EXPECT_EQ(aura_get_loop_histogram(nullptr, 0, AURA_LOOP_QUEUE_DELAY, h.get()), -EINVAL);
}

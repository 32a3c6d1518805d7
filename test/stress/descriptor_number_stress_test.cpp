// descriptor_number_stress: connections are closed while requests that name them are on their way, and their
// numbers used again at once, in a process without memory for requests or without descriptors; no byte of one
// connection reaches another. AURAIO_SOAK_SECONDS makes it as long as one likes.
#include "support/descriptor_famine.hpp"
#include "support/injected_faults.hpp"

#include <auraio/auraio.hpp>

#include <asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <memory>
#include <optional>
#include <poll.h>
#include <random>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using stream = aura::local::stream_protocol;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr unsigned rings = 2;

std::chrono::milliseconds length() {
    if (const char* seconds = std::getenv("AURAIO_SOAK_SECONDS"))
        return std::chrono::seconds(std::strtoul(seconds, nullptr, 10));
    return 300ms;
}

/// Relaxed in effect: read when the threads have been joined.
struct tally {
    std::atomic<std::uint64_t> connections{0}, without_descriptor{0}, started{0}, called{0};
    std::atomic<std::uint64_t> bytes{0}, crossed{0}, ends_missed{0}, unexpected{0}, kept{0};
};

/// A socket on a ring and the raw descriptor of its peer. All that is sent in either direction is its tag.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(tally& t, aura::executor e, int fd, int peer, unsigned char tag)
        : counts_(t)
        , socket_(std::in_place, e, stream(), fd)
        , peer_(peer)
        , tag_(tag) {
        std::memset(outgoing_, tag, sizeof outgoing_);
        [[maybe_unused]] const auto written = ::write(peer_, outgoing_, sizeof outgoing_);
    }
    ~connection() {
        if (peer_ >= 0)
            ::close(peer_);
    }

    aura::executor executor() { return socket_->get_executor(); }

    void start(unsigned random) {
        if ((random & 1) != 0)
            receive(incoming_[0]);
        if ((random & 2) != 0)
            send();
        if ((random & 4) != 0)
            receive(incoming_[1]);
        if ((random & 8) != 0)
            send();
    }

    void close(unsigned how) {
        aura::error_code ec;
        if (how == 0)
            socket_->close(ec);
        else if (how == 1)
            socket_->cancel(ec);
        if (how == 2) {
            const int fd = socket_->release(ec);
            if (ec)
                ++counts_.kept;
            else
                ::close(fd);
        }
        socket_.reset();
    }

    /// Everything that was sent, and the end.
    void look_at_peer() {
        unsigned char some[256];
        for (;;) {
            pollfd p{peer_, POLLIN, 0};
            if (::poll(&p, 1, 20'000) != 1) {
                ++counts_.ends_missed;
                return;
            }
            const auto n = ::recv(peer_, some, sizeof some, MSG_DONTWAIT);
            if (n <= 0) {
                ::close(std::exchange(peer_, -1));
                return;
            }
            judge(some, static_cast<std::size_t>(n));
        }
    }

    std::atomic<int> stage{0}; // 1: its handler has started what it starts, 2: it has been closed

private:
    void receive(unsigned char (&into)[64]) {
        ++counts_.started;
        socket_->async_receive(net::buffer(into), [self = shared_from_this(), &into](auto ec, std::size_t n) {
            ++self->counts_.called;
            self->judge(into, n);
            self->judge(ec);
        });
    }
    void send() {
        ++counts_.started;
        socket_->async_send(net::buffer(outgoing_, 8), [self = shared_from_this()](auto ec, std::size_t) {
            ++self->counts_.called;
            self->judge(ec);
        });
    }
    void judge(const unsigned char* data, std::size_t size) {
        counts_.bytes += size;
        for (std::size_t i = 0; i < size; ++i)
            if (data[i] != tag_)
                ++counts_.crossed;
    }
    void judge(const aura::error_code& ec) {
        if (ec && ec != net::error::operation_aborted && ec != net::error::eof &&
            ec != net::error::connection_reset && ec != net::error::broken_pipe)
            ++counts_.unexpected;
    }

    tally& counts_;
    std::optional<stream::socket> socket_;
    int peer_;
    const unsigned char tag_;
    unsigned char outgoing_[32];
    unsigned char incoming_[2][64];
};

/// Opens, starts, closes, looks, again and again; the numbers go round.
void work(aura::io_context& context, tally& counts, std::uint32_t seed, clock_type::time_point until) {
    std::minstd_rand random(seed);
    while (clock_type::now() < until) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            ++counts.without_descriptor;
            std::this_thread::yield();
            continue;
        }
        ++counts.connections;
        auto c = std::make_shared<connection>(counts, context.ring_executor(random() % rings), ends[0],
                                              ends[1], static_cast<unsigned char>(1 + random() % 255));
        const auto what = static_cast<unsigned>(random());
        const unsigned how = what / 64 % 4;
        const bool by_handler = (what & 16) != 0;
        if ((what & 32) != 0)
            c->start(what);
        net::post(c->executor(), [c, what, how, by_handler] {
            if ((what & 32) == 0)
                c->start(what);
            if (by_handler) {
                c->close(how);
                c->stage = 2;
                return;
            }
            c->stage = 1;
            for (int i = 0; i < 50 && c->stage != 2; ++i) // what it has started is queued meanwhile
                std::this_thread::yield();
        });
        while (c->stage == 0)
            std::this_thread::yield();
        if (!by_handler) {
            c->close(how);
            c->stage = 2;
        }
        while (c->stage != 2)
            std::this_thread::yield();
        c->look_at_peer();
    }
}

/// Takes all descriptors away now and then: by opening as many as there are, or by a limit below those in
/// use.
class famines {
public:
    famines() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(lowest);
        limit_.rlim_max = before_.rlim_max;
        limit_.rlim_cur = static_cast<rlim_t>(lowest) + 24;
        ::setrlimit(RLIMIT_NOFILE, &limit_);
        thread_ = std::thread([this] { run(); });
    }
    ~famines() {
        over_ = true;
        thread_.join();
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

private:
    void run() {
        for (unsigned round = 0; !over_; ++round) {
            if (round % 4 == 3) {
                rlimit lower = limit_;
                lower.rlim_cur = 5;
                ::setrlimit(RLIMIT_NOFILE, &lower);
                pause(200us);
                ::setrlimit(RLIMIT_NOFILE, &limit_);
            } else {
                std::vector<int> taken;
                for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
                    taken.push_back(fd);
                pause(500us);
                for (const int fd : taken)
                    ::close(fd);
            }
            pause(500us);
        }
    }
    void pause(std::chrono::microseconds how_long) {
        for (const auto until = clock_type::now() + how_long; clock_type::now() < until;)
            std::this_thread::yield();
    }

    rlimit before_{}, limit_{};
    std::atomic<bool> over_{false};
    std::thread thread_;
};

void soak(unsigned every, bool famine) {
    tally counts;
    std::atomic<bool> quit{false};
    std::uint32_t seed = std::random_device()();
    if (const char* chosen = std::getenv("AURAIO_STRESS_SEED"))
        seed = static_cast<std::uint32_t>(std::strtoul(chosen, nullptr, 10));
    const std::uint64_t injected_before = enter_faults::injected();
    {
        aura::io_context context;
        auto guard = net::make_work_guard(context);
        (void)context.ring_executor(rings - 1);
        std::vector<std::thread> runners;
        for (unsigned i = 0; i < rings; ++i)
            runners.emplace_back([&] {
                while (!quit)
                    try {
                        context.run();
                    } catch (const asio::system_error&) {
                        // The kernel's answer to one call; what was pending still is.
                    }
            });
        // A ring that somebody has asked for, and that cannot be made for a second, would end run().
        for (unsigned i = 0; i < rings; ++i) {
            std::promise<void> is_there;
            net::post(context.ring_executor(i), [&] { is_there.set_value(); });
            is_there.get_future().wait();
        }
        {
            std::optional<famines> hunger;
            if (famine)
                hunger.emplace();
            enter_faults::every(every);
            const auto until = clock_type::now() + length();
            std::vector<std::thread> workers;
            for (unsigned i = 0; i < 2; ++i)
                workers.emplace_back([&, i] { work(context, counts, seed + i, until); });
            for (auto& w : workers)
                w.join();
        }
        quit = true;
        guard.reset();
        context.stop();
        for (auto& r : runners)
            r.join();
    }
    enter_faults::every(0);
    std::printf("seed %u: %llu connections, %llu times no descriptor, %llu calls failed, %llu operations, "
                "%llu bytes\n",
                seed, static_cast<unsigned long long>(counts.connections),
                static_cast<unsigned long long>(counts.without_descriptor),
                static_cast<unsigned long long>(enter_faults::injected() - injected_before),
                static_cast<unsigned long long>(counts.started),
                static_cast<unsigned long long>(counts.bytes));
    EXPECT_EQ(counts.crossed, 0u);
    EXPECT_EQ(counts.ends_missed, 0u);
    EXPECT_EQ(counts.unexpected, 0u);
    EXPECT_GT(counts.connections, 0u);
    EXPECT_GT(counts.bytes, 0u);
}

class DescriptorNumberStress : public testing::Test {
protected:
    void SetUp() override {
        const std::uint64_t before = enter_faults::calls();
        aura::io_context context;
        stream::socket one(context), two(context);
        aura::local::connect_pair(one, two);
        char byte = 0;
        one.async_send(net::buffer(&byte, 1), [](auto, auto) {});
        context.run();
        if (enter_faults::calls() == before)
            GTEST_SKIP() << "liburing is linked statically: its system calls cannot be made to fail";
    }
};

TEST_F(DescriptorNumberStress, EveryFifthSystemCallFails) {
    soak(5, false);
}

TEST_F(DescriptorNumberStress, EveryFiftiethSystemCallFails) {
    soak(50, false);
}

TEST_F(DescriptorNumberStress, DescriptorsRunOut) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    soak(0, true);
}

TEST_F(DescriptorNumberStress, SystemCallsFailAndDescriptorsRunOut) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    soak(5, true);
}

} // namespace

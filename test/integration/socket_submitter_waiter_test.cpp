// The matrix of submitter_waiter_test for sockets: who submits, in run() or not, what becomes of that thread,
// and who waits: the same thread, another that sleeps in run() already, or one that enters it when all is
// over.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"
#include "support/submitter.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <latch>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

enum class kind { recv, send, accept, connect, poll };
enum class origin { run, foreign };
enum class waiter { another, later, same };

const char* name_of(kind k) {
    constexpr const char* names[] = {"recv", "send", "accept", "connect", "poll"};
    return names[static_cast<int>(k)];
}
const char* name_of(origin o) {
    constexpr const char* names[] = {"from_run", "from_afar"};
    return names[static_cast<int>(o)];
}
const char* name_of(waiter w) {
    constexpr const char* names[] = {"another_waits", "a_later_one_waits", "the_same_waits"};
    return names[static_cast<int>(w)];
}

/// The submitting thread: where it is when it starts the request, and what it does afterwards.
struct submission {
    origin from;
    afterwards fate;
};

/// One request that is pending until trigger(), and what it needs. The other ends are plain descriptors.
class scene {
public:
    scene(aura::io_context& ctx, kind k)
        : ring(ctx.ring_executor(0))
        , work_(ring)
        , kind_(k)
        , local_(ring)
        , socket_(ring)
        , acceptor_(ring) {
        switch (kind_) {
        case kind::recv:
        case kind::send:
        case kind::poll: {
            int fds[2];
            EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
            local_.assign({}, fds[0]);
            peers_.push_back(fds[1]);
            if (kind_ == kind::send)
                fill(fds[0]);
            break;
        }
        case kind::accept:
            acceptor_ = aura::ip::tcp::acceptor(ring, {net::ip::address_v4::loopback(), 0});
            where_ = acceptor_.local_endpoint();
            break;
        case kind::connect:
            listen_with_full_backlog();
            break;
        }
    }
    ~scene() {
        for (const int fd : peers_)
            ::close(fd);
    }
    scene(const scene&) = delete;

    void start() {
        switch (kind_) {
        case kind::recv:
            local_.async_receive(net::buffer(memory_), [this](aura::error_code ec, std::size_t n) {
                EXPECT_EQ(n, 5u);
                done(ec);
            });
            break;
        case kind::send:
            local_.async_send(net::buffer(memory_), [this](aura::error_code ec, std::size_t n) {
                EXPECT_GT(n, 0u);
                done(ec);
            });
            break;
        case kind::poll:
            local_.async_wait(net::socket_base::wait_read, [this](aura::error_code ec) { done(ec); });
            break;
        case kind::accept:
            acceptor_.async_accept([this](aura::error_code ec, aura::ip::tcp::socket s) {
                EXPECT_TRUE(s.is_open());
                done(ec);
            });
            break;
        case kind::connect:
            socket_.async_connect(where_, [this](aura::error_code ec) { done(ec); });
            break;
        }
    }

    /// Makes the request complete.
    void trigger() {
        switch (kind_) {
        case kind::recv:
        case kind::poll:
            EXPECT_EQ(::write(peers_[0], "hello", 5), 5);
            break;
        case kind::send:
            while (filled_ != 0) {
                char taken[sizeof memory_]; // memory_ is what the operation sends
                const auto n = ::read(peers_[0], taken, std::min(sizeof taken, filled_));
                ASSERT_GT(n, 0);
                filled_ -= static_cast<std::size_t>(n);
            }
            break;
        case kind::accept:
            peers_.push_back(connect_to(where_));
            break;
        case kind::connect: // the client tries again a second after its first attempt was dropped
            peers_.push_back(::accept4(peers_[0], nullptr, nullptr, SOCK_CLOEXEC));
            break;
        }
    }

    int completed() const { return completed_; }

    const aura::executor ring;

private:
    void done(aura::error_code ec) {
        EXPECT_FALSE(ec) << ec.message();
        ++completed_;
        work_.reset(); // run_for() returns once nothing is pending any more
    }

    void fill(int fd) {
        for (;;) {
            const auto n = ::send(fd, memory_, sizeof memory_, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0)
                break;
            filled_ += static_cast<std::size_t>(n);
        }
        EXPECT_EQ(errno, EAGAIN);
    }

    static int connect_to(const net::ip::tcp::endpoint& where) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(fd, where.data(), static_cast<socklen_t>(where.size())), 0);
        return fd;
    }

    void listen_with_full_backlog() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        peers_.push_back(fd);
        where_ = {net::ip::address_v4::loopback(), 0};
        EXPECT_EQ(::bind(fd, where_.data(), static_cast<socklen_t>(where_.size())), 0);
        auto size = static_cast<socklen_t>(where_.capacity());
        EXPECT_EQ(::getsockname(fd, where_.data(), &size), 0);
        EXPECT_EQ(::listen(fd, 0), 0); // one connection fits
        peers_.push_back(connect_to(where_));
    }

    net::executor_work_guard<aura::executor> work_;
    kind kind_;
    aura::local::stream_protocol::socket local_;
    aura::ip::tcp::socket socket_;
    aura::ip::tcp::acceptor acceptor_;
    net::ip::tcp::endpoint where_;
    std::vector<int> peers_;
    std::size_t filled_ = 0;
    char memory_[4096] = {};
    int completed_ = 0;
};

using parameters = std::tuple<ring_configuration, submission, waiter, kind>;

class SocketSubmitterWaiter : public testing::TestWithParam<parameters> {};

TEST_P(SocketSubmitterWaiter, CompletesExactlyOnce) {
    const auto& [configuration, who, waits, what] = GetParam();
    aura::io_context ctx(configuration.options());
    scene s(ctx, what);
    const auto submit = [&, from = who.from] {
        if (from == origin::run) {
            net::post(s.ring, [&] { s.start(); });
            ctx.run_one(); // starts it, on this thread's ring
        } else {
            s.start();
        }
    };
    std::latch waiting(1); // the waiter is in run(), and asleep as far as it can be
    const auto wait = [&] {
        net::post(s.ring, [&] { waiting.count_down(); });
        ctx.run_for(20s);
    };
    if (waits == waiter::same) {
        std::thread both([&] {
            submit();
            wait();
        });
        waiting.wait();
        s.trigger();
        both.join();
    } else {
        const submitter first(submit, who.fate);
        if (waits == waiter::later)
            s.trigger();
        std::thread second(wait);
        waiting.wait();
        if (waits == waiter::another)
            s.trigger();
        second.join();
    }
    EXPECT_EQ(s.completed(), 1);
    ctx.restart();
    ctx.poll(); // nothing more arrives
    EXPECT_EQ(s.completed(), 1);
}

std::string cell_name(const testing::TestParamInfo<parameters>& cell) {
    const auto& [configuration, who, waits, what] = cell.param;
    std::string name = std::string(configuration.name) + "_" + name_of(what) + "_" + name_of(who.from);
    if (waits != waiter::same)
        name += std::string("_submitter_") + name_of(who.fate);
    return name + "_" + name_of(waits);
}

const auto kinds = testing::Values(kind::recv, kind::send, kind::accept, kind::connect, kind::poll);

INSTANTIATE_TEST_SUITE_P(Matrix, SocketSubmitterWaiter,
                         testing::Combine(testing::ValuesIn(adoptable_rings),
                                          testing::Values(submission{origin::run, afterwards::sleeps},
                                                          submission{origin::run, afterwards::computes},
                                                          submission{origin::run, afterwards::has_ended},
                                                          submission{origin::foreign, afterwards::sleeps},
                                                          submission{origin::foreign, afterwards::has_ended}),
                                          testing::Values(waiter::another, waiter::later), kinds),
                         cell_name);

INSTANTIATE_TEST_SUITE_P(OneThread, SocketSubmitterWaiter,
                         testing::Combine(testing::ValuesIn(adoptable_rings),
                                          testing::Values(submission{origin::run, afterwards::sleeps},
                                                          submission{origin::foreign, afterwards::sleeps}),
                                          testing::Values(waiter::same), kinds),
                         cell_name);

} // namespace

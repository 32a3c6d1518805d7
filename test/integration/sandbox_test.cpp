// sandbox: a filter refuses what io_uring needs, from the start or in the middle of it: run() throws or goes on,
// whatever the answer is, every handler runs once, and the context can be destroyed.
#include <auraio/auraio.hpp>

#include "support/refusals.hpp"
#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

using socket_type = net::generic::stream_protocol::socket::rebind_executor<aura::executor>::other;

/// Sessions that answer, files that are read and timers that tick for ever, on two rings.
class server {
public:
    explicit server(aura::io_context& ctx)
        : contents_(4096) {
        for (unsigned ring = 0; ring < 2; ++ring) {
            auto& s = sessions_[ring];
            int ends[2];
            EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
            s.peer = ends[1];
            const auto executor = ctx.ring_executor(ring);
            s.socket.emplace(executor, net::generic::stream_protocol(AF_UNIX, 0), ends[0]);
            s.file.emplace(executor);
            s.timer.emplace(executor);
        }
    }
    ~server() {
        for (auto& s : sessions_)
            ::close(s.peer);
    }
    server(const server&) = delete;

    void start() {
        for (auto& s : sessions_) {
            answer(s);
            s.file->open(contents_.path(), aura::file_base::read_only);
            read(s);
            tick(s);
        }
    }

    /// One exchange with each session, by system calls.
    bool is_served() {
        for (auto& s : sessions_) {
            char letter = 'x';
            const timeval patience{10, 0};
            ::setsockopt(s.peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            if (::write(s.peer, &letter, 1) != 1)
                return false;
            ssize_t got;
            do // a receive with a limit is interrupted by requests of this thread that complete
                got = ::read(s.peer, &letter, 1);
            while (got < 0 && errno == EINTR);
            if (got != 1)
                return false;
        }
        return true;
    }

    int handlers() const noexcept { return handlers_.load(); }
    const std::shared_ptr<int>& owned() const noexcept { return owned_; }

private:
    struct session {
        std::optional<socket_type> socket;
        std::optional<aura::basic_random_access_file<aura::executor>> file;
        std::optional<aura::basic_waitable_timer<std::chrono::steady_clock>> timer;
        int peer = -1;
        char letter[1] = {}, data[512] = {};
    };

    void answer(session& s) {
        s.socket->async_receive(net::buffer(s.letter), [this, &s, o = owned_](aura::error_code ec,
                                                                              std::size_t) {
            ++handlers_;
            if (!ec)
                s.socket->async_send(net::buffer(s.letter), [this, &s, o](aura::error_code e, std::size_t) {
                    if (!e)
                        answer(s);
                });
        });
    }
    void read(session& s) {
        s.file->async_read_some_at(0, net::buffer(s.data),
                                   [this, &s, o = owned_](aura::error_code ec, std::size_t) {
                                       ++handlers_;
                                       if (!ec)
                                           read(s);
                                   });
    }
    void tick(session& s) {
        s.timer->expires_after(1ms);
        s.timer->async_wait([this, &s, o = owned_](aura::error_code ec) {
            if (!ec)
                tick(s);
        });
    }

    scratch_file contents_;
    session sessions_[2];
    std::shared_ptr<int> owned_ = std::make_shared<int>(0);
    std::atomic<int> handlers_{0};
};

/// The errors with which run() ends, one for each thread that it ends in.
class runners {
public:
    explicit runners(aura::io_context& ctx)
        : ctx_(ctx) {
        for (int i = 0; i < 2; ++i)
            threads_.emplace_back([this] {
                try {
                    ctx_.run();
                } catch (const aura::system_error& e) {
                    note(e.code().value());
                }
                ++ended_;
            });
    }
    ~runners() {
        ctx_.stop();
        for (auto& t : threads_)
            t.join();
    }
    runners(const runners&) = delete;

    /// Returns when both threads are in handlers, and thus have a ring each: they need no other any more.
    void meet() {
        std::atomic<int> there{0};
        for (int i = 0; i < 2; ++i)
            net::post(ctx_, [&there] {
                ++there;
                while (there.load() < 2)
                    std::this_thread::yield();
                ++there;
            });
        while (there.load() != 4)
            std::this_thread::yield();
    }

    void note(int error) {
        thrown_ = error;
        ++throws_;
    }
    bool all_have_ended() const noexcept { return ended_.load() == 2; }
    int throws() const noexcept { return throws_.load(); }
    int thrown() const noexcept { return thrown_.load(); }

private:
    aura::io_context& ctx_;
    std::atomic<int> ended_{0}, throws_{0}, thrown_{0};
    std::vector<std::thread> threads_;
};

template <class Condition>
bool comes_true(Condition c) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (!c()) {
        if (std::chrono::steady_clock::now() > give_up)
            return false;
        std::this_thread::yield();
    }
    return true;
}

class Sandbox : public testing::TestWithParam<refusal> {
protected:
    /// The body of a test, in a process of its own that ends in a minute whatever happens.
    template <class Body>
    void alone(Body body) {
        test::in_another_process([&] {
            ::alarm(60);
            body();
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Matrix, Sandbox, testing::ValuesIn(all_refusals()));

TEST_P(Sandbox, FromTheStartAContextIsRefusedOrWorks) {
    alone([] {
        GetParam().install();
        try {
            aura::io_context ctx;
            server all(ctx);
            all.start();
            const runners both(ctx);
            EXPECT_TRUE(all.is_served());
        } catch (const aura::system_error& e) {
            EXPECT_EQ(e.code().value(), GetParam().error) << e.what();
        }
    });
}

TEST_P(Sandbox, AfterConstructionRunThrowsOrWorks) {
    alone([] {
        std::shared_ptr<int> owned;
        {
            aura::io_context ctx(on_rings());
            server all(ctx);
            owned = all.owned();
            GetParam().install();
            all.start();
            runners both(ctx);
            if (GetParam().of(__NR_io_uring_register)) {
                EXPECT_TRUE(all.is_served());
            } else if (GetParam().of(__NR_io_uring_setup) || GetParam().error != ENOMEM) {
                EXPECT_TRUE(comes_true([&] { return both.all_have_ended(); }));
                EXPECT_GE(both.throws(), 1);
                EXPECT_EQ(both.thrown(), GetParam().error);
            }
        }
        EXPECT_EQ(owned.use_count(), 1);
    });
}

TEST_P(Sandbox, PutOnARunningServerItThrowsOrWorks) {
    alone([] {
        std::shared_ptr<int> owned;
        {
            aura::io_context ctx(on_rings());
            server all(ctx);
            owned = all.owned();
            all.start();
            runners both(ctx);
            both.meet();
            EXPECT_TRUE(comes_true([&] { return all.handlers() >= 100; }));
            EXPECT_TRUE(all.is_served());
            GetParam().install();
            if (!GetParam().of(__NR_io_uring_enter)) {
                EXPECT_TRUE(all.is_served()); // there are rings, and wakes find another way
                EXPECT_EQ(both.throws(), 0);
            } else if (GetParam().error != ENOMEM) { // which may pass: it is waited for
                EXPECT_TRUE(comes_true([&] { return both.all_have_ended(); }));
                EXPECT_EQ(both.throws(), 2);
                EXPECT_EQ(both.thrown(), GetParam().error);
                try {
                    ctx.restart();
                    ctx.run_for(1s);
                    ADD_FAILURE() << "no error the second time";
                } catch (const aura::system_error& e) {
                    EXPECT_EQ(e.code().value(), GetParam().error);
                }
            }
        }
        EXPECT_EQ(owned.use_count(), 1);
    });
}

/// What else is called on the way: an accept that waits needs an epoll set, a wake without messages an eventfd.
TEST(SandboxOfOtherCalls, AHandlerOrRunGetsTheError) {
    for (const long call : {__NR_epoll_create1, __NR_epoll_ctl, __NR_eventfd2})
        for (const int error : {EPERM, ENOSYS, EMFILE, ENOMEM})
            test::in_another_process([&] {
                ::alarm(60);
                auto options = on_rings();
                options.wake = aura::wake_mechanism::event;
                aura::io_context ctx(options);
                aura::ip::tcp::acceptor acceptor(ctx, {net::ip::address_v4::loopback(), 0});
                refusal{"", call, error}.install();
                aura::error_code seen;
                int accepts = 0, thrown = 0;
                acceptor.async_accept([&](aura::error_code ec, auto&&) {
                    seen = ec;
                    ++accepts;
                });
                try {
                    ctx.run();
                } catch (const aura::system_error& e) {
                    thrown = e.code().value();
                }
                if (call == __NR_eventfd2) {
                    EXPECT_EQ(thrown, error);
                } else {
                    EXPECT_EQ(accepts, 1);
                    EXPECT_EQ(seen.value(), error) << seen.message();
                }
            });
}

/// Who takes rings over needs membarrier(2): refused, a handler that takes long is waited for, as without.
TEST(SandboxOfOtherCalls, WithoutMembarrierNobodyTakesOver) {
    for (const bool from_the_start : {true, false})
        test::in_another_process([&] {
            ::alarm(60);
            auto options = aura::options_from_environment();
            options.implicit_strands = false;
            options.takeover_after = 100;
            const refusal refused{"membarrier", __NR_membarrier, EPERM};
            if (from_the_start)
                refused.install();
            aura::io_context ctx(options);
            if (!from_the_start)
                refused.install();
            auto work = net::make_work_guard(ctx);
            std::array<std::optional<aura::steady_timer>, 2> clocks;
            std::optional<aura::steady_timer> timer;
            std::atomic<bool> fired{false};
            std::atomic<int> ticks{0};
            std::function<void(unsigned)> tick = [&](unsigned ring) {
                clocks[ring]->expires_after(1ms);
                clocks[ring]->async_wait([&, ring](aura::error_code) {
                    if (++ticks < 50)
                        return tick(ring);
                    ticks.notify_all();
                });
            };
            net::post(ctx, [&] {
                for (unsigned ring : {0u, 1u})
                    net::post(ctx.ring_executor(ring), [&, ring] {
                        clocks[ring].emplace(ctx.ring_executor(ring));
                        tick(ring);
                    });
                timer.emplace(ctx, 1ms);
                timer->async_wait([&](aura::error_code) { fired = true; });
                for (int seen = ticks; seen < 50; seen = ticks) // of the other thread's ring
                    ticks.wait(seen);
                EXPECT_FALSE(fired);
                work.reset();
            });
            std::thread other([&] { ctx.run(); });
            ctx.run();
            other.join();
            EXPECT_TRUE(fired);
            EXPECT_EQ(ctx.takeovers(), 0u);
        });
}

} // namespace

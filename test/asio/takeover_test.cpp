// takeover: a handler that blocks holds up nobody else, and those who asked for a ring keep its strand.
#include "support/lost_rings.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using test::error_code;
using test::lose_ring;
using test::make_context;
using test::patience;
using test::runners;

/// In a handler: something of the same ring comes about while it blocks.
template <class Start>
void expect_meanwhile(Start start) {
    std::promise<void> done;
    auto future = done.get_future();
    start([&done] { done.set_value(); });
    EXPECT_EQ(future.wait_for(patience), std::future_status::ready);
}

template <class Library>
class AHandlerThatWaits : public testing::Test {
protected:
    /// Runs `f` in a handler of a context with two threads.
    template <class F>
    void in_a_handler(F f) {
        std::promise<void> over;
        runners<typename Library::context> threads(*ctx, 2);
        net::post(*ctx, [&] {
            f();
            over.set_value();
        });
        over.get_future().wait();
    }
    std::unique_ptr<typename Library::context> ctx = make_context<Library>();
};
TYPED_TEST_SUITE(AHandlerThatWaits, test::libraries, test::library_names);

TYPED_TEST(AHandlerThatWaits, IsGivenAPost) {
    this->in_a_handler([&] { expect_meanwhile([&](auto done) { net::post(*this->ctx, done); }); });
}

TYPED_TEST(AHandlerThatWaits, IsGivenATimer) {
    this->in_a_handler([&] {
        typename TypeParam::steady_timer timer(*this->ctx, 1ms);
        expect_meanwhile([&](auto done) { timer.async_wait([done](error_code) { done(); }); });
    });
}

TYPED_TEST(AHandlerThatWaits, IsGivenWhatASocketReceives) {
    this->in_a_handler([&] {
        using protocol = net::local::stream_protocol;
        net::basic_stream_socket<protocol, typename TypeParam::executor> a(*this->ctx), b(*this->ctx);
        net::local::connect_pair(a, b);
        char c = 0;
        expect_meanwhile([&](auto done) {
            a.async_read_some(net::buffer(&c, 1), [done](error_code, std::size_t) { done(); });
            net::write(b, net::buffer("x", 1));
        });
        EXPECT_EQ(c, 'x');
    });
}

TYPED_TEST(AHandlerThatWaits, IsGivenConnectionsAndWhatTheyReceive) {
    this->in_a_handler([&] {
        using tcp = net::ip::tcp;
        using socket = net::basic_stream_socket<tcp, typename TypeParam::executor>;
        net::basic_socket_acceptor<tcp, typename TypeParam::executor> acceptor(
            *this->ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
        std::array<std::optional<socket>, 2> servers; // on rings of their own
        std::array<socket, 2> clients{socket(*this->ctx), socket(*this->ctx)};
        clients[0].connect(acceptor.local_endpoint());
        expect_meanwhile([&](auto done) {
            acceptor.async_accept([&, done](error_code, auto accepted) {
                servers[0].emplace(std::move(accepted));
                done();
            });
        });
        expect_meanwhile([&](auto done) {
            clients[1].async_connect(acceptor.local_endpoint(), [done](error_code) { done(); });
        });
        expect_meanwhile([&](auto done) {
            acceptor.async_accept([&, done](error_code, auto accepted) {
                servers[1].emplace(std::move(accepted));
                done();
            });
        });
        for (std::size_t i : {0u, 1u}) {
            char c = 0;
            expect_meanwhile([&](auto done) {
                servers[i]->async_receive(net::buffer(&c, 1), [done](error_code, std::size_t) { done(); });
                net::write(clients[i], net::buffer("x", 1));
            });
            EXPECT_EQ(c, 'x');
        }
    });
}

TYPED_TEST(AHandlerThatWaits, IsGivenADatagram) {
    this->in_a_handler([&] {
        using udp = net::ip::udp;
        net::basic_datagram_socket<udp, typename TypeParam::executor> socket(
            *this->ctx, udp::endpoint(net::ip::address_v4::loopback(), 0));
        char c = 0;
        expect_meanwhile([&](auto done) {
            socket.async_receive(net::buffer(&c, 1), [done](error_code, std::size_t) { done(); });
            socket.send_to(net::buffer("x", 1), socket.local_endpoint());
        });
        EXPECT_EQ(c, 'x');
    });
}

TYPED_TEST(AHandlerThatWaits, IsGivenWhatAPipeHolds) {
    this->in_a_handler([&] {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        using descriptor = net::posix::basic_stream_descriptor<typename TypeParam::executor>;
        descriptor from(*this->ctx, ends[0]), to(*this->ctx, ends[1]);
        char c = 0;
        expect_meanwhile([&](auto done) {
            from.async_read_some(net::buffer(&c, 1), [done](error_code, std::size_t) { done(); });
            net::write(to, net::buffer("x", 1));
        });
        EXPECT_EQ(c, 'x');
    });
}

TYPED_TEST(AHandlerThatWaits, IsGivenAnAddressAndASignal) {
    this->in_a_handler([&] {
        net::ip::basic_resolver<net::ip::tcp, typename TypeParam::executor> resolver(*this->ctx);
        expect_meanwhile([&](auto done) {
            resolver.async_resolve("127.0.0.1", "80", [done](error_code, auto) { done(); });
        });
        net::basic_signal_set<typename TypeParam::executor> signals(*this->ctx, SIGUSR1);
        expect_meanwhile([&](auto done) {
            signals.async_wait([done](error_code, int) { done(); });
            ::raise(SIGUSR1);
        });
    });
}

TYPED_TEST(AHandlerThatWaits, IsGivenWhatAStrandRuns) {
    this->in_a_handler([&] {
        const auto strand = net::make_strand(*this->ctx);
        expect_meanwhile([&](auto done) { net::post(strand, done); });
    });
}

TYPED_TEST(AHandlerThatWaits, ForEverKeepsNobodyFromStopping) {
    std::promise<void> let_go;
    auto until = let_go.get_future();
    std::atomic<int> blocked{0};
    auto work = net::make_work_guard(*this->ctx);
    std::promise<void> returned; // the thread that does not block
    std::atomic<bool> any_returned{false};
    const auto run = [&] {
        this->ctx->run();
        if (!any_returned.exchange(true))
            returned.set_value();
    };
    std::thread first(run);
    typename TypeParam::steady_timer timer(*this->ctx);
    std::promise<void> fired;
    net::post(*this->ctx, [&] {
        timer.expires_after(1ms);
        timer.async_wait([&](error_code) { fired.set_value(); });
        ++blocked;
        until.wait();
    });
    std::thread second(run);
    EXPECT_EQ(fired.get_future().wait_for(patience), std::future_status::ready);
    this->ctx->stop();
    EXPECT_EQ(returned.get_future().wait_for(patience), std::future_status::ready);
    EXPECT_EQ(blocked, 1);
    let_go.set_value();
    first.join();
    second.join();
}

using Takeover = test::takeover_fixture;

TEST_F(Takeover, WhatWasStartedBeforeItComesAbout) {
    std::promise<void> over;
    runners<aura::io_context> threads(*ctx, 2);
    net::post(*ctx, [&] {
        expect_meanwhile([&](auto done) { net::defer(*ctx, done); }); // with Asio's own it would not
        aura::stream_file zeros(*ctx, "/dev/zero", aura::stream_file::read_only);
        std::array<char, 16> bytes{};
        expect_meanwhile([&](auto done) {
            zeros.async_read_some(net::buffer(bytes), [done](error_code, std::size_t) { done(); });
        });
        over.set_value();
    });
    over.get_future().wait();
}

TEST_F(Takeover, WhatIsStartedAfterItComesAbout) {
    in_a_handler_that_has_lost([&] {
        aura::steady_timer timer(*ctx, 1ms);
        expect_meanwhile([&](auto done) { timer.async_wait([done](error_code) { done(); }); });
        aura::stream_file zeros(*ctx, "/dev/zero", aura::stream_file::read_only);
        std::array<char, 16> bytes{};
        expect_meanwhile([&](auto done) {
            zeros.async_read_some(net::buffer(bytes), [done](error_code, std::size_t) { done(); });
        });
        expect_meanwhile([&](auto done) { net::post(*ctx, done); });
        expect_meanwhile([&](auto done) { net::defer(*ctx, done); });
    });
}

TEST_F(Takeover, CloseAndCancelAfterItEndWhatWasStartedBefore) {
    std::promise<void> over;
    runners<aura::io_context> threads(*ctx, 2);
    net::post(*ctx, [&] {
        aura::steady_timer timer(*ctx, 1h);
        using socket = net::basic_stream_socket<net::local::stream_protocol, aura::executor>;
        socket a(*ctx), b(*ctx), c(*ctx), d(*ctx);
        net::local::connect_pair(a, b);
        net::local::connect_pair(c, d);
        std::array<std::promise<error_code>, 3> ends;
        char byte[2];
        timer.async_wait([&](error_code ec) { ends[0].set_value(ec); });
        a.async_read_some(net::buffer(byte, 1), [&](error_code ec, std::size_t) { ends[1].set_value(ec); });
        c.async_read_some(net::buffer(byte + 1, 1),
                          [&](error_code ec, std::size_t) { ends[2].set_value(ec); });
        lose_ring();
        timer.cancel();
        a.cancel();
        c.close();
        for (auto& e : ends)
            EXPECT_EQ(e.get_future().get(), net::error::operation_aborted);
        over.set_value();
    });
    over.get_future().wait();
}

TEST_F(Takeover, ARunInsideTheHandlerIsOneOfAnotherThread) {
    in_a_handler_that_has_lost([&] {
        std::atomic<bool> ran{false};
        net::post(*ctx, [&] { ran = true; });
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!ran && std::chrono::steady_clock::now() < end)
            ctx->run_one_for(1ms);
        EXPECT_TRUE(ran);
        aura::io_context other;
        bool ran_there = false;
        net::post(other, [&] { ran_there = true; });
        other.run();
        EXPECT_TRUE(ran_there);
    });
}

TEST_F(Takeover, AnExceptionLeavesTheRunOfItsOwnThread) {
    auto work = net::make_work_guard(*ctx);
    std::atomic<int> thrown{0};
    const auto run = [&] {
        for (;;)
            try {
                ctx->run();
                return;
            } catch (const std::runtime_error&) {
                ++thrown;
                net::post(*ctx, [&] { work.reset(); });
            }
    };
    std::thread a(run), b(run);
    net::post(*ctx, [&] {
        lose_ring();
        throw std::runtime_error("lost");
    });
    a.join();
    b.join();
    EXPECT_EQ(thrown, 1);
}

/// In a handler that has lost its ring: until it is there for the taking. Whoever serves it gives it back after the
/// turn; if that thread is not run for 100 ms, who comes back makes a ring.
void wait_until_rings_are_left(aura::io_context& ctx) {
    aura::core::engine& e = *ctx.get_executor().query(aura::detail::ring_t{}).engine;
    const auto served = [&e] {
        for (unsigned i = 0; i != e.shard_count(); ++i)
            if (!e.shard_at(i).is_free() && !e.shard_at(i).sleeping())
                return true;
        return false;
    };
    const auto end = std::chrono::steady_clock::now() + patience;
    while (served() && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
}

TEST_F(Takeover, ThreadsThatLoseTheirRingsMakeNoMore) {
    std::array<std::promise<void>, 50> over;
    {
        runners<aura::io_context> threads(*ctx, 3);
        for (std::promise<void>& one : over) {
            net::post(*ctx, [&] {
                lose_ring();
                wait_until_rings_are_left(*ctx);
                one.set_value();
            });
            one.get_future().wait();
        }
    }
    // Not one for each. Where the thread that looks after a lost ring is not run for 100 ms, there is one more.
    EXPECT_LE(ctx->ring_count(), 5u);
    EXPECT_GE(ctx->takeovers(), 50u);
}

TEST_F(Takeover, ARunThatIsOverAfterItReturns) {
    auto work = net::make_work_guard(*ctx);
    std::thread other([&] { ctx->run(); });
    net::post(*ctx, [&] {
        lose_ring();
        work.reset();
    });
    ctx->run();
    other.join();
    EXPECT_TRUE(ctx->stopped());
}

TEST_F(Takeover, ARingsExecutorRunsHereOnlyWhereTheThreadKeepsTheRing) {
    runners<aura::io_context> threads(*ctx, 2);
    const auto in_a_handler = [&](auto executor, auto f) {
        std::promise<void> over;
        net::post(executor, [&] {
            f();
            over.set_value();
        });
        over.get_future().wait();
    };
    const auto ring = ctx->ring_executor(0);
    in_a_handler(ring, [&] { EXPECT_TRUE(ring.running_in_this_thread()); });
    in_a_handler(ctx->spread_executor(), [&] {
        EXPECT_FALSE(ctx->ring_executor(0).running_in_this_thread());
        EXPECT_FALSE(ctx->ring_executor(1).running_in_this_thread());
        EXPECT_TRUE(ctx->get_executor().running_in_this_thread());
    });
    // By way of a handler that has asked for nothing, on that ring unless it has been taken meanwhile.
    std::promise<void> done;
    net::post(ring, [&] {
        net::defer(*ctx, [&] {
            EXPECT_FALSE(ring.running_in_this_thread());
            net::dispatch(ring, [&] {
                EXPECT_TRUE(ring.running_in_this_thread());
                done.set_value();
            });
        });
    });
    done.get_future().wait();
}

TEST(TakeoverOptions, ItIsOnUnlessStrandsAreImplicitOrThereIsOneRing) {
    const auto takes_over = [](const aura::io_context_options& o) {
        aura::io_context ctx(o);
        return ctx.spread_executor() != ctx.ring_executor(0);
    };
    aura::io_context_options o;
    EXPECT_TRUE(takes_over(o));
    o.implicit_strands = true;
    EXPECT_FALSE(takes_over(o));
    o.takeover_after = 200; // what has been promised is kept
    EXPECT_FALSE(takes_over(o));
    o.implicit_strands = false;
    EXPECT_TRUE(takes_over(o));
    o.task_work = aura::task_run::deferred;
    EXPECT_FALSE(takes_over(o));
    o.task_work = aura::task_run::cooperative;
    o.concurrency_hint = 1;
    EXPECT_FALSE(takes_over(o));
    ASSERT_EQ(::setenv("AURAIO_TAKEOVER_AFTER", "0", 1), 0);
    EXPECT_FALSE(takes_over(aura::options_from_environment()));
    ASSERT_EQ(::unsetenv("AURAIO_TAKEOVER_AFTER"), 0);
}

TEST(WithoutTakeover, WhoLivesOnARingIsOnItsStrand) {
    aura::io_context_options o;
    o.takeover_after = 0;
    aura::io_context ctx(o);
    EXPECT_EQ(ctx.spread_executor(), ctx.ring_executor(0));
    EXPECT_EQ(ctx.strand_executor(), ctx.get_executor()); // there is no thread yet
    int ran = 0;
    net::post(ctx, [&] {
        EXPECT_EQ(ctx.strand_executor(), ctx.ring_executor(0));
        EXPECT_TRUE(ctx.ring_executor(0).running_in_this_thread());
        ++ran;
    });
    net::post(ctx.spread_executor(), [&] {
        EXPECT_TRUE(ctx.ring_executor(0).running_in_this_thread());
        ++ran;
    });
    ctx.run();
    EXPECT_EQ(ran, 2);
    EXPECT_EQ(ctx.takeovers(), 0u);
}

/// Computes, perhaps for long enough.
void compute(unsigned round) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(round % 7 == 0 ? 700 : 0);
    while (std::chrono::steady_clock::now() < end) {
    }
}

TEST_F(Takeover, HandlersOfWhoAskedForARingRunOneByOneAndInOrder) {
    constexpr unsigned rings = 2, count = 2000;
    struct strand {
        std::atomic<int> inside{0};
        unsigned next = 0;
        unsigned timers = 0;
        std::optional<aura::steady_timer> timer;
    };
    std::array<strand, rings> strands;
    std::atomic<unsigned> errors{0}, left{rings * count};
    std::promise<void> done;
    const auto enter = [&](strand& s, auto f) {
        if (++s.inside != 1)
            ++errors;
        f();
        --s.inside;
    };
    std::function<void(unsigned)> tick = [&](unsigned i) {
        strands[i].timer->expires_after(50us);
        strands[i].timer->async_wait([&, i](error_code ec) {
            enter(strands[i], [&] { compute(strands[i].timers++); });
            if (!ec && left != 0)
                tick(i);
        });
    };
    std::promise<void> watched; // closely, from now on
    runners<aura::io_context> threads(*ctx, 3);
    net::post(*ctx, [&] {
        lose_ring();
        watched.set_value();
    });
    watched.get_future().wait();
    for (unsigned i = 0; i != rings; ++i)
        net::post(ctx->ring_executor(i), [&, i] {
            strands[i].timer.emplace(ctx->ring_executor(i));
            tick(i);
        });
    net::post(*ctx, lose_ring); // else threads might all be busy throughout
    for (unsigned n = 0; n != count; ++n)
        for (unsigned i = 0; i != rings; ++i) {
            net::post(ctx->ring_executor(i), [&, i, n] {
                enter(strands[i], [&] {
                    if (strands[i].next++ != n)
                        ++errors;
                    compute(n + 1);
                    net::defer(*ctx, [&, n] { // it lives there, and asked for nothing
                        compute(n);
                        net::dispatch(ctx->ring_executor(n % rings), [&, n] {
                            enter(strands[n % rings], [&] { compute(n + 3); });
                            if (--left == 0)
                                done.set_value();
                        });
                    });
                });
            });
            if (n % 64 == 0)
                std::this_thread::yield();
        }
    EXPECT_EQ(done.get_future().wait_for(2 * patience), std::future_status::ready);
    EXPECT_EQ(errors, 0u);
    EXPECT_GT(test::rings_left(*ctx), 0u);
    for (unsigned i = 0; i != rings; ++i) {
        std::promise<void> cancelled;
        net::post(ctx->ring_executor(i), [&, i] {
            strands[i].timer->cancel();
            cancelled.set_value();
        });
        cancelled.get_future().wait();
    }
}

} // namespace

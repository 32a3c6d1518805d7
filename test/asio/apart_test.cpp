// apart: before a handler that is expected to take long its thread gives up its ring, so that nobody waits for it.
#include "support/lost_rings.hpp"

#include <auraio/core/report/engine_stats.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <poll.h>
#include <thread>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using test::error_code;
using test::lose_ring;
using test::patience;
using test::runners;
using stream = net::basic_stream_socket<net::local::stream_protocol, aura::executor>;

bool is_lost() {
    return aura::core::this_thread_mark().is_lost();
}

std::uint64_t handed_over(const aura::io_context& ctx) {
    return ctx.stats().total().handed_over;
}

/// Until two threads wait for something to do, or for a while: they need not both have rings.
void let_threads_idle(aura::io_context& ctx) {
    aura::core::engine& e = *ctx.get_executor().query(aura::detail::ring_t{}).engine;
    const auto idle = [&e] {
        unsigned count = 0;
        for (unsigned i = 0; i != e.shard_count(); ++i)
            count += !e.shard_at(i).is_free() && e.shard_at(i).sleeping();
        return count >= 2;
    };
    for (const auto end = clock::now() + 100ms; !idle() && clock::now() < end;)
        std::this_thread::yield();
}

class Apart : public test::takeover_fixture {
protected:
    /// What lives on one ring, for which nobody has asked: a session that blocks, and one that answers at once.
    struct sessions {
        explicit sessions(aura::io_context& ctx)
            : slow(ctx)
            , slow_peer(ctx)
            , quick(ctx)
            , quick_peer(ctx)
            , timer(ctx) {
            net::local::connect_pair(slow, slow_peer);
            net::local::connect_pair(quick, quick_peer);
            answer();
        }
        void answer() {
            quick.async_read_some(net::buffer(bytes), [this](error_code ec, std::size_t size) {
                if (ec)
                    return;
                net::async_write(quick, net::buffer(bytes.data(), size),
                                 [this](error_code failed, std::size_t) {
                                     if (!failed)
                                         answer();
                                 });
            });
        }
        stream slow, slow_peer, quick, quick_peer;
        aura::steady_timer timer;
        std::array<char, 4> bytes{};
        std::array<char, 4> request{};
    };
    std::optional<sessions> both;

    void make_sessions() {
        net::post(ctx->ring_executor(0), [this] {
            both.emplace(*ctx);
            made_.set_value();
        });
        made_.get_future().wait();
    }

    /// From a thread that does nothing else: whether the bystander answers.
    void expect_answer() {
        const int fd = both->quick_peer.native_handle();
        char c = 'x';
        ASSERT_EQ(::send(fd, &c, 1, MSG_NOSIGNAL), 1);
        pollfd answered{fd, POLLIN, 0};
        ASSERT_EQ(::poll(&answered, 1, static_cast<int>(std::chrono::milliseconds(patience).count())), 1);
        EXPECT_EQ(::recv(fd, &c, 1, 0), 1);
    }

private:
    std::promise<void> made_;
};

TEST_F(Apart, ASessionWhoseHandlerHasBlockedKeepsNobodyWaitingTheNextTime) {
    std::atomic<bool> was_apart{false};
    std::atomic<unsigned> heard{0}, sent{0};
    std::function<void()> receive = [&] {
        both->slow.async_read_some(net::buffer(both->request), [&](error_code ec, std::size_t) {
            if (ec)
                return;
            if (is_lost()) {
                const std::uint64_t before = ctx->takeovers();
                expect_answer();
                EXPECT_EQ(ctx->takeovers(), before); // the other thread had the ring from the beginning
                was_apart = true;
            } else {
                lose_ring(); // as often as nobody was idle: then it is not expected
            }
            receive();
            ++heard;
        });
    };
    const runners<aura::io_context> threads(*ctx, 2);
    make_sessions();
    net::post(ctx->ring_executor(0), [&] { receive(); });
    for (const auto end = clock::now() + patience; !was_apart && clock::now() < end;) {
        if (heard == sent) {
            let_threads_idle(*ctx);
            ++sent;
            const char c = 'r';
            ASSERT_EQ(::send(both->slow_peer.native_handle(), &c, 1, MSG_NOSIGNAL), 1);
        }
        std::this_thread::yield();
    }
    EXPECT_TRUE(was_apart);
    EXPECT_GT(handed_over(*ctx), 0u);
    EXPECT_GT(ctx->takeovers(), 0u); // the first time
}

TEST_F(Apart, ATimerWhoseHandlerHasBlockedKeepsNobodyWaitingTheNextTime) {
    std::promise<void> over;
    bool was_apart = false;
    const auto end = clock::now() + patience;
    std::function<void()> wait = [&] {
        both->timer.expires_after(10ms); // by then somebody is idle
        both->timer.async_wait([&](error_code) {
            was_apart = is_lost();
            if (was_apart)
                expect_answer();
            if (was_apart || clock::now() > end) {
                over.set_value();
                return;
            }
            lose_ring();
            wait();
        });
    };
    const runners<aura::io_context> threads(*ctx, 2);
    make_sessions();
    net::post(ctx->ring_executor(0), [&] { wait(); });
    over.get_future().wait();
    EXPECT_TRUE(was_apart);
    EXPECT_GT(handed_over(*ctx), 0u);
}

/// A thread that is alone serves the ring that was given up beside its own. It does not keep it from others while a
/// handler of its own keeps a ring.
TEST_F(Apart, AHandlerThatKeepsItsRingIsGivenWhatItWaitsForFromOneThatWasGivenUp) {
    for (unsigned kept = 0; kept != 2; ++kept) {
        ctx = test::make_context<test::this_library>();
        std::promise<void> begun, may_end, called, over;
        const runners<aura::io_context> threads(*ctx, 2);
        net::post(*ctx, [&] {
            lose_ring();
            net::post(ctx->spread_executor(), [&] { // which is expected to take long
                EXPECT_TRUE(is_lost());
                begun.set_value();
                may_end.get_future().wait();
            });
        });
        begun.get_future().wait();
        net::post(*ctx, [&, kept] {
            for (int i = 0; i != 4; ++i)
                net::post(ctx->ring_executor(1 - kept), [] {});
            net::post(ctx->ring_executor(kept), [&, kept] {
                net::post(ctx->ring_executor(1 - kept), [&] { called.set_value(); });
                may_end.set_value();
                EXPECT_EQ(called.get_future().wait_for(patience), std::future_status::ready);
                over.set_value();
            });
        });
        over.get_future().wait();
    }
}

/// A handler that keeps the ring which was given up makes that its thread's own, and the thread's former one is for who
/// comes back: afterwards all is as if nobody had been out.
TEST_F(Apart, AThreadThatHasKeptARingThatWasGivenUpTakesWorkOfTheContext) {
    constexpr int rounds = 20;
    constexpr unsigned count = 3;
    std::optional<aura::steady_timer> next, pending[count];
    std::atomic<int> begun{0}, may_end{0}, kept{0}, called{0};
    const auto comes_to = [](const std::atomic<int>& n, int value) {
        for (const auto end = clock::now() + patience; n < value && clock::now() < end;)
            std::this_thread::yield();
        EXPECT_GE(n, value);
    };
    const runners<aura::io_context> threads(*ctx, count);
    aura::core::engine& e = *ctx->get_executor().query(aura::detail::ring_t{}).engine;
    const auto all_drive = [&](auto how_long) {
        for (const auto end = clock::now() + how_long; e.driver_count() != count && clock::now() < end;)
            std::this_thread::yield();
    };
    all_drive(patience);
    for (unsigned i = 0; i != count; ++i) { // a turn of a ring with nothing pending is another
        pending[i].emplace(ctx->ring_executor(i), 1h);
        pending[i]->async_wait([](error_code) {});
    }
    const aura::executor given_up = ctx->spread_executor();
    next.emplace(given_up);
    const auto begin = [&] {
        net::post(*ctx, [&] {
            lose_ring();
            next->expires_after(1ms);
            next->async_wait([&](error_code) { // which is expected to take long
                const int round = ++begun;
                comes_to(may_end, round);
            });
        });
    };
    const unsigned ring = given_up.query(aura::detail::ring_t{}).shard->index();
    for (int round = 1; round <= rounds; ++round) {
        begin();
        comes_to(begun, round);
        net::post(ctx->ring_executor(ring), [&] {
            ++may_end;
            all_drive(50ms);
            ++kept;
        });
        comes_to(kept, round);
        for (unsigned i = 0; i != 2 * count; ++i) { // each thread that sleeps is woken in turn
            const int before = called;
            net::post(*ctx, [&] { ++called; });
            comes_to(called, before + 1);
        }
    }
}

/// Handlers that compute, several of them ready at a time, of one executor.
class computing {
public:
    computing(aura::executor where, unsigned at_most)
        : where_(where)
        , left_(at_most) {
        for (unsigned i = 0; i != ready_at_once; ++i)
            net::post(where_, [this] { compute(); });
    }
    /// When two have met, or so many have run.
    void wait() { over_.get_future().wait(); }
    bool have_met() const { return met_; }

private:
    static constexpr unsigned ready_at_once = 8;

    void compute() {
        ++inside_;
        for (const auto end = clock::now() + 300us; clock::now() < end;)
            if (inside_ > 1)
                met_ = true;
        --inside_;
        const unsigned left = left_.load();
        if (!met_ && left > ready_at_once) {
            --left_;
            net::post(where_, [this] { compute(); });
        } else if (++ended_ == ready_at_once) {
            over_.set_value();
        }
    }

    aura::executor where_;
    std::atomic<unsigned> left_;
    std::atomic<unsigned> inside_{0}, ended_{0};
    std::atomic<bool> met_{false};
    std::promise<void> over_;
};

/// Enough for some to be measured.
constexpr unsigned some = 400;

/// None that takes part is stuck: what happens is not takeover.
aura::io_context_options without_stuck_handlers() {
    aura::io_context_options o = aura::options_from_environment();
    o.implicit_strands = false;
    o.takeover_after = 20'000'000;
    return o;
}

/// Two threads in run() have run `load`.
template <class Where>
bool handlers_meet(aura::io_context& ctx, Where where, unsigned at_most) {
    std::optional<computing> load;
    {
        const runners<aura::io_context> threads(ctx, 2);
        let_threads_idle(ctx);
        load.emplace(where(ctx), at_most);
        load->wait();
    }
    return load->have_met();
}

aura::executor any_ring(aura::io_context& ctx) {
    return ctx.spread_executor();
}

TEST(ComputingApart, HandlersOfOneRingThatTakeLongRunInAllThreads) {
    aura::io_context ctx(without_stuck_handlers());
    EXPECT_TRUE(handlers_meet(ctx, any_ring, 50 * some));
    EXPECT_GT(handed_over(ctx), 0u);
    EXPECT_EQ(ctx.takeovers(), 0u);
}

TEST(ComputingApart, HandlersOfWhoAskedForARingRunOneByOne) {
    aura::io_context ctx(without_stuck_handlers());
    EXPECT_FALSE(handlers_meet(ctx, [](aura::io_context& c) { return c.ring_executor(0); }, some));
    EXPECT_EQ(handed_over(ctx), 0u);
}

TEST(ComputingApart, ImplicitStrandsRunOneByOne) {
    aura::io_context_options o = without_stuck_handlers();
    o.implicit_strands = true;
    aura::io_context ctx(o);
    EXPECT_FALSE(handlers_meet(ctx, any_ring, some));
    EXPECT_EQ(handed_over(ctx), 0u);
}

TEST(ComputingApart, WithoutTakeoverThereIsNone) {
    aura::io_context_options o = without_stuck_handlers();
    o.takeover_after = 0;
    aura::io_context ctx(o);
    EXPECT_FALSE(handlers_meet(ctx, any_ring, some));
    EXPECT_EQ(handed_over(ctx), 0u);
}

TEST(ComputingApart, OneRingRunsItsHandlersOneByOne) {
    aura::io_context_options o = without_stuck_handlers();
    o.concurrency_hint = 1;
    aura::io_context ctx(o);
    EXPECT_FALSE(handlers_meet(ctx, any_ring, some));
    EXPECT_EQ(handed_over(ctx), 0u);
}

} // namespace

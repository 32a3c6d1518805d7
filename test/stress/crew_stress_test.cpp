// crew_stress: threads that give up what they drive, at random, while everything happens to a context.
#include <auraio/auraio.hpp>

#include "support/crew_control.hpp"
#include "support/time_limit.hpp"

#include <asio/post.hpp>
#include <asio/strand.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace std::chrono_literals;

namespace {

constexpr int threads = 4;

aura::io_context_options options() {
    aura::io_context_options o = aura::options_from_environment();
    o.takeover_after = 200;
    o.pack_rings = true;
    return o;
}

std::minstd_rand& random_numbers() {
    static std::atomic<unsigned> seed{1};
    static thread_local std::minstd_rand engine(seed++);
    return engine;
}

/// What handlers do: one in so many stays until its thread has lost its rings, or given them up before, and for longer
/// than half of the limit; for some milliseconds where nobody can take them.
void dwell(unsigned one_in = 16) {
    if (random_numbers()() % one_in != 0)
        return;
    const auto begin = std::chrono::steady_clock::now();
    for (auto now = begin; now < begin + 3ms; now = std::chrono::steady_clock::now()) {
        if (now >= begin + 300us && aura::core::this_thread_mark().is_lost())
            return;
        std::this_thread::yield();
    }
}

/// Increments and tells.
void tick(std::atomic<unsigned>& count) {
    ++count;
    count.notify_all();
}

/// Returns when there have been so many.
void wait_for(std::atomic<unsigned>& count, unsigned wanted) {
    for (unsigned seen; (seen = count) < wanted;)
        count.wait(seen);
}

struct failure : std::runtime_error {
    failure()
        : std::runtime_error("thrown by a handler") {}
};

/// A context whose crew changes all the time.
class CrewStress : public testing::Test {
protected:
    aura::io_context ctx{options()};
    aura::core::engine& engine = *aura::detail::find_engine(ctx);
    std::atomic<unsigned> thrown{0}, caught{0};

    /// In so many threads, until there is nothing more to do. Goes on after exceptions.
    void run_all() {
        const test::time_limit limit(ctx);
        const test::changing_crew changes(engine);
        std::vector<std::thread> runners;
        for (int i = 0; i != threads; ++i)
            runners.emplace_back([this] { run_here([this] { return ctx.run(); }); });
        for (auto& r : runners)
            r.join();
    }

    template <class Run>
    void run_here(Run run) {
        for (;;)
            try {
                run();
                return;
            } catch (const failure&) {
                ++caught;
            }
    }

    void perhaps_throw() {
        if (random_numbers()() % 64 != 0)
            return;
        ++thrown;
        throw failure();
    }

    void TearDown() override {
        EXPECT_EQ(caught, thrown);
        EXPECT_EQ(engine.driver_count(), 0u);
        EXPECT_EQ(aura::core::crew_control::in_reserve(engine), 0u);
    }
};

TEST_F(CrewStress, StrandsKeepTheirOrderAndNothingMeets) {
    constexpr unsigned strands = 40, each = 60;
    struct member {
        explicit member(aura::io_context& ctx)
            : strand(aura::make_strand(ctx)) {}
        net::strand<aura::executor> strand;
        std::atomic<int> inside{0};
        unsigned next = 0;
        unsigned posted = 0;
    };
    std::vector<std::unique_ptr<member>> all;
    std::atomic<unsigned> errors{0};
    std::function<void(member&, unsigned)> step = [&](member& m, unsigned number) {
        if (++m.inside != 1 || m.next++ != number)
            ++errors;
        dwell();
        for (int i = 0; i != 2 && m.posted != each; ++i)
            net::post(m.strand, [&, n = m.posted++] { step(m, n); });
        --m.inside;
        perhaps_throw();
    };
    for (unsigned i = 0; i != strands; ++i) {
        all.push_back(std::make_unique<member>(ctx));
        net::post(all.back()->strand, [&, &m = *all.back(), n = all.back()->posted++] { step(m, n); });
    }
    run_all();
    EXPECT_EQ(errors, 0u);
    for (auto& m : all)
        EXPECT_EQ(m->next, each);
}

using socket_type = net::basic_stream_socket<net::local::stream_protocol, aura::executor>;

/// Sends what it has got, plus one, after a moment; one of two ends.
class player : public std::enable_shared_from_this<player> {
public:
    static constexpr unsigned last = 120;

    player(aura::io_context& ctx, unsigned first, std::atomic<unsigned>& errors, std::atomic<unsigned>& ended)
        : socket(ctx.spread_executor())
        , timer_(ctx.spread_executor())
        , next_(first)
        , errors_(errors)
        , ended_(ended) {}

    void receive() {
        net::async_read(socket, net::buffer(&got_, sizeof got_),
                        [self = shared_from_this()](auto ec, std::size_t) {
                            if (ec || self->got_ != self->next_)
                                ++self->errors_;
                            dwell();
                            self->next_ += 2;
                            if (self->got_ == last || ec)
                                ++self->ended_;
                            else if (self->got_ % 8 == 0)
                                self->wait_and_send(self->got_ + 1);
                            else
                                self->send(self->got_ + 1);
                        });
    }
    void wait_and_send(unsigned number) {
        timer_.expires_after(std::chrono::microseconds(random_numbers()() % 1000));
        timer_.async_wait([self = shared_from_this(), number](auto) {
            dwell();
            self->send(number);
        });
    }
    void send(unsigned number) {
        sent_ = number;
        net::async_write(socket, net::buffer(&sent_, sizeof sent_),
                         [self = shared_from_this()](auto ec, std::size_t) {
                             dwell();
                             if (ec)
                                 ++self->errors_;
                             else if (self->sent_ != last)
                                 self->receive();
                         });
    }

    socket_type socket;

private:
    aura::steady_timer timer_;
    unsigned got_ = 0;
    unsigned sent_ = 0;
    unsigned next_;
    std::atomic<unsigned>& errors_;
    std::atomic<unsigned>& ended_;
};

TEST_F(CrewStress, SocketsAndTimersLoseNothing) {
    constexpr unsigned pairs = 12;
    std::atomic<unsigned> errors{0}, ended{0};
    for (unsigned i = 0; i != pairs; ++i)
        net::post(ctx, [&] {
            auto a = std::make_shared<player>(ctx, 2, errors, ended);
            auto b = std::make_shared<player>(ctx, 1, errors, ended);
            net::local::connect_pair(a->socket, b->socket);
            b->receive();
            a->send(1);
        });
    run_all();
    EXPECT_EQ(errors, 0u);
    EXPECT_EQ(ended, pairs);
}

/// The end of work is where a wake is lost most easily.
TEST_F(CrewStress, EveryThreadReturnsWhenTheWorkEnds) {
    constexpr unsigned rounds = 60, each = 12;
    std::atomic<unsigned> ran{0};
    const test::time_limit limit(ctx);
    const test::changing_crew changes(engine);
    for (unsigned round = 0; round != rounds; ++round) {
        std::atomic<unsigned> chains{0};
        std::function<void()> step = [&] {
            ++ran;
            dwell(8);
            if (++chains <= each - 4)
                net::post(ctx, step);
            perhaps_throw();
        };
        for (int i = 0; i != 4; ++i)
            net::post(ctx.spread_executor(), step);
        std::vector<std::thread> runners;
        for (int i = 0; i != threads; ++i)
            runners.emplace_back([&] { run_here([&] { return ctx.run(); }); });
        for (auto& r : runners)
            r.join();
        ctx.restart();
    }
    EXPECT_EQ(ran, rounds * each);
}

TEST_F(CrewStress, ThreadsComeAndLeaveInEveryWay) {
    constexpr unsigned chains = 16, each = 100;
    std::atomic<unsigned> ran{0};
    std::function<void(unsigned)> step = [&](unsigned left) {
        tick(ran);
        if (left != 0)
            net::post(ctx.spread_executor(), [&, left] { step(left - 1); });
        dwell();
        perhaps_throw();
    };
    const test::time_limit limit(ctx);
    const test::changing_crew changes(engine);
    std::atomic<bool> over{false};
    std::vector<std::thread> visitors;
    const std::array<std::function<void()>, 4> ways{[&] { ctx.run_for(1ms); }, [&] { ctx.run_one(); },
                                                    [&] { ctx.poll(); }, [&] { ctx.run_one_for(500us); }};
    {
        auto work = net::make_work_guard(ctx);
        for (unsigned i = 0; i != chains; ++i)
            net::post(ctx, [&] { step(each - 1); });
        for (std::size_t i = 0; i != ways.size(); ++i)
            visitors.emplace_back([&, i] {
                while (!over)
                    run_here(ways[i]);
            });
        std::vector<std::thread> runners;
        for (int i = 0; i != threads; ++i)
            runners.emplace_back([&] { run_here([&] { return ctx.run(); }); });
        wait_for(ran, chains * each);
        work.reset();
        for (auto& r : runners)
            r.join();
    }
    over = true;
    for (auto& v : visitors)
        v.join();
    EXPECT_EQ(ran, chains * each);
}

TEST_F(CrewStress, StopsAndGoesOn) {
    constexpr unsigned rounds = 60, chains = 8;
    const test::time_limit limit(ctx);
    const test::changing_crew changes(engine);
    const auto work = net::make_work_guard(ctx);
    std::atomic<unsigned> pending{0}, ran{0};
    std::atomic<bool> ends{false};
    std::function<void()> step = [&] {
        tick(ran);
        dwell();
        if (!ends)
            net::post(ctx.spread_executor(), step);
        else
            --pending;
        perhaps_throw();
    };
    pending = chains;
    for (unsigned i = 0; i != chains; ++i)
        net::post(ctx, step);
    for (unsigned round = 0; round != rounds; ++round) {
        std::vector<std::thread> runners;
        for (int i = 0; i != threads; ++i)
            runners.emplace_back([&] { run_here([&] { return ctx.run(); }); });
        wait_for(ran, ran + static_cast<unsigned>(random_numbers()() % 32));
        ctx.stop();
        for (auto& r : runners)
            r.join();
        ctx.restart();
    }
    ends = true;
    while (pending != 0)
        run_here([&] { return ctx.run_for(1ms); });
}

TEST_F(CrewStress, NestedRunsServeWhatTheyFind) {
    constexpr unsigned chains = 12, each = 60;
    std::atomic<unsigned> ran{0};
    std::function<void(unsigned)> step = [&](unsigned left) {
        ++ran;
        if (left != 0)
            net::post(ctx.spread_executor(), [&, left] { step(left - 1); });
        switch (random_numbers()() % 8) {
        case 0:
            ctx.poll_one();
            break;
        case 1:
            ctx.run_one_for(300us);
            break;
        default:
            break;
        }
        dwell();
        perhaps_throw();
    };
    for (unsigned i = 0; i != chains; ++i)
        net::post(ctx, [&] { step(each - 1); });
    run_all();
    EXPECT_EQ(ran, chains * each);
}

/// Receives until it is closed, cancelled or destroyed by who is in no handler of it.
struct victim : std::enable_shared_from_this<victim> {
    explicit victim(aura::io_context& ctx)
        : near(ctx.spread_executor())
        , far(ctx.spread_executor())
        , timer(ctx.spread_executor()) {
        net::local::connect_pair(near, far);
    }
    socket_type near, far;
    aura::steady_timer timer;
    char got = 0;
};

TEST_F(CrewStress, ObjectsAreClosedCancelledAndDestroyedFromOutside) {
    constexpr unsigned rounds = 300;
    const test::time_limit limit(ctx);
    std::atomic<unsigned> called{0};
    {
        const test::changing_crew changes(engine);
        auto work = net::make_work_guard(ctx);
        std::vector<std::thread> runners;
        for (int i = 0; i != threads; ++i)
            runners.emplace_back([&] { run_here([&] { return ctx.run(); }); });
        for (unsigned round = 0; round != rounds; ++round) {
            auto v = std::make_unique<victim>(ctx);
            v->near.async_receive(net::buffer(&v->got, 1), [&](auto, std::size_t) {
                ++called;
                dwell();
                perhaps_throw();
            });
            v->timer.expires_after(1h);
            v->timer.async_wait([&](auto) {
                ++called;
                dwell();
            });
            switch (round % 4) {
            case 0:
                v->near.close();
                v->timer.cancel();
                break;
            case 1:
                v->near.cancel();
                break;
            case 2:
                net::write(v->far, net::buffer("x", 1));
                break;
            default:
                break;
            }
            while (round % 4 != 3 && called < 2 * round + (round % 4 == 0 ? 2 : 1))
                std::this_thread::yield(); // what it has been told refers to it
            v.reset();
            while (called != 2 * round + 2)
                std::this_thread::yield();
        }
        work.reset();
        for (auto& r : runners)
            r.join();
    }
    EXPECT_EQ(called, 2 * rounds);
}

/// The context goes while its objects wait, after threads in reserve have been stopped.
TEST(CrewAndDestruction, WhatIsPendingIsDestroyedWithTheContext) {
    constexpr int rounds = 20;
    std::atomic<int> alive{0};
    std::atomic<unsigned> ran{0};
    struct counted {
        explicit counted(std::atomic<int>& n)
            : count(n) {
            ++count;
        }
        counted(const counted& other)
            : count(other.count) {
            ++count;
        }
        ~counted() { --count; }
        std::atomic<int>& count;
    };
    for (int round = 0; round != rounds; ++round) {
        aura::io_context ctx(options());
        const test::time_limit limit(ctx);
        std::vector<std::unique_ptr<victim>> victims;
        {
            const test::changing_crew changes(*aura::detail::find_engine(ctx));
            for (int i = 0; i != 4; ++i) {
                victims.push_back(std::make_unique<victim>(ctx));
                victims.back()->near.async_receive(net::buffer(&victims.back()->got, 1),
                                                   [c = counted(alive)](auto, std::size_t) {});
            }
            std::function<void(counted)> step = [&](counted c) {
                tick(ran);
                dwell();
                net::post(ctx.spread_executor(), [&step, c] { step(c); });
            };
            for (int i = 0; i != 4; ++i)
                net::post(ctx, [&step, c = counted(alive)] { step(c); });
            std::vector<std::thread> runners;
            for (int i = 0; i != threads; ++i)
                runners.emplace_back([&] { ctx.run(); });
            wait_for(ran, ran + static_cast<unsigned>(random_numbers()() % 32));
            ctx.stop();
            for (auto& r : runners)
                r.join();
        }
    }
    EXPECT_EQ(alive, 0);
}

} // namespace

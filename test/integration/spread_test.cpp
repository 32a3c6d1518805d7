// What starts outside of handlers is spread over the threads: posts, strands, sockets, timers.
#include <auraio/auraio.hpp>

#include "support/sleeping_threads.hpp"

#include <asio/bind_executor.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned thread_count = 4;

/// Functions that wait for each other; false when they were not all there at once within ten seconds.
class meeting {
public:
    explicit meeting(unsigned size)
        : size_(size) {}
    bool attend() {
        std::unique_lock lock(mutex_);
        const unsigned round = arrived_ / size_;
        if (++arrived_ % size_ == 0)
            changed_.notify_all();
        return changed_.wait_for(lock, 10s, [&] { return arrived_ / size_ > round; });
    }

private:
    const unsigned size_;
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned arrived_ = 0;
};

/// Nobody takes a ring over from a thread that the system does not run: what is counted is who drives it for good.
aura::io_context_options without_takeover() {
    aura::io_context_options options = aura::options_from_environment();
    options.takeover_after = 0;
    return options;
}

void wait_for(const std::atomic<int>& count, int value) {
    for (int seen = count.load(); seen < value; seen = count.load())
        count.wait(seen);
}

/// Increments and tells.
void tick(std::atomic<int>& count) {
    ++count;
    count.notify_all();
}

/// Returns when all of the context's threads are there.
void meet_all(aura::io_context& ctx) {
    meeting all(thread_count);
    std::atomic<int> met{0};
    for (unsigned i = 0; i < thread_count; ++i)
        net::post(ctx, [&] {
            EXPECT_TRUE(all.attend());
            tick(met);
        });
    wait_for(met, thread_count);
}

template <class Threads>
std::pair<int, int> extremes(const thread_tally& tally, const Threads& threads) {
    std::array<int, thread_count> counts;
    for (unsigned i = 0; i < thread_count; ++i)
        counts[i] = tally.of(threads.id(i));
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    return {*least, *most};
}

/// In which thread each of several objects has its handlers called. Not how many handlers each thread calls: that
/// depends on when the system lets it run.
class whereabouts {
public:
    explicit whereabouts(std::size_t objects)
        : objects_(objects) {}

    /// By a handler of object `i`. False once the objects may rest.
    bool report(std::size_t i) {
        std::lock_guard guard(mutex_);
        object& o = objects_[i];
        o.thread = std::this_thread::get_id();
        if (begun_ && ++o.handlers == enough)
            tick(settled_);
        return !over_;
    }

    /// Lets each object have some handlers more, and says where each had the last.
    thread_tally await() {
        {
            std::lock_guard guard(mutex_);
            begun_ = true;
        }
        wait_for(settled_, static_cast<int>(objects_.size()));
        std::lock_guard guard(mutex_);
        over_ = true;
        thread_tally tally;
        for (const object& o : objects_)
            tally.count(o.thread);
        return tally;
    }

private:
    static constexpr int enough = 40; // an object looks for a better place every 16th operation
    struct object {
        std::thread::id thread;
        int handlers = 0;
    };
    std::mutex mutex_;
    std::vector<object> objects_;
    bool begun_ = false;
    bool over_ = false;
    std::atomic<int> settled_{0};
};

TEST(Spread, StrandsMadeBeforeThreadsRunAtOnce) {
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    std::vector<net::strand<aura::executor>> strands;
    std::vector<aura::steady_timer> timers;
    for (unsigned i = 0; i < 2 * thread_count; ++i) {
        strands.push_back(net::make_strand(ctx));
        timers.emplace_back(strands.back(), 1h);
    }
    running_threads threads(ctx, thread_count);
    meeting all(thread_count);
    std::atomic<int> ran{0};
    thread_tally tally;
    for (auto& strand : strands)
        net::post(strand, [&] {
            EXPECT_TRUE(all.attend()); // only where so many run at once
            tally.count();
            tick(ran);
        });
    wait_for(ran, 2 * thread_count);
    EXPECT_EQ(tally.threads(), thread_count);
    work.reset();
}

TEST(Spread, AStrandMadeBeforeThreadsExcludes) {
    aura::io_context ctx;
    auto strand = net::make_strand(ctx);
    aura::steady_timer first(strand), second(ctx);
    int inside = 0, count = 0; // plain: the strand guards them
    const auto enter = [&] {
        EXPECT_TRUE(strand.running_in_this_thread());
        EXPECT_EQ(++inside, 1);
        ++count;
        --inside;
    };
    for (int i = 0; i < 1000; ++i) {
        net::post(strand, enter);
        first.async_wait(net::bind_executor(strand, [&](aura::error_code) { enter(); }));
        second.async_wait(net::bind_executor(strand, [&](aura::error_code) { enter(); }));
    }
    running_threads threads(ctx, thread_count);
    threads.join();
    EXPECT_EQ(count, 3000);
}

TEST(Spread, StrandsMadeWhileThreadsRunAreDealtOut) {
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    running_threads threads(ctx, thread_count);
    meet_all(ctx);
    std::vector<net::strand<aura::executor>> strands;
    for (unsigned i = 0; i < thread_count; ++i)
        strands.push_back(net::make_strand(ctx));
    std::vector<aura::steady_timer> timers;
    for (unsigned i = 0; i < 2 * thread_count; ++i)
        timers.emplace_back(ctx, 1ms);
    meeting all(thread_count);
    std::atomic<int> ran{0};
    for (auto& strand : strands)
        net::post(strand, [&] {
            EXPECT_TRUE(all.attend());
            tick(ran);
        });
    wait_for(ran, thread_count);
    for (auto& timer : timers) // two on each ring
        timer.async_wait([&](aura::error_code) {
            EXPECT_TRUE(all.attend());
            tick(ran);
        });
    wait_for(ran, 3 * thread_count);
    work.reset();
}

TEST(Spread, TimersMadeBeforeThreadsAreDealtOutWhenTheyAreSetAgain) {
    aura::io_context ctx(without_takeover());
    constexpr std::size_t count = 40;
    whereabouts where(count);
    std::vector<aura::steady_timer> timers;
    std::function<void(std::size_t)> again = [&](std::size_t i) {
        timers[i].expires_after(100us);
        timers[i].async_wait([&, i](aura::error_code ec) {
            EXPECT_FALSE(ec);
            if (where.report(i))
                again(i);
        });
    };
    timers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        timers.emplace_back(ctx);
        again(i);
    }
    running_threads threads(ctx, thread_count);
    meet_all(ctx);
    const auto tally = where.await();
    threads.join();
    const auto [least, most] = extremes(tally, threads);
    EXPECT_LT(most, 1.5 * least) << least << " to " << most;
}

/// A client of an echo server that sends one byte again and again.
struct session {
    session(aura::io_context& ctx, whereabouts& w, std::size_t i)
        : socket(ctx)
        , where(w)
        , index(i) {}

    void exchange() {
        socket.async_write_some(net::buffer(text), [this](aura::error_code ec, std::size_t) {
            EXPECT_FALSE(ec) << ec.message();
            socket.async_read_some(net::buffer(text), [this](aura::error_code failed, std::size_t n) {
                EXPECT_FALSE(failed) << failed.message();
                EXPECT_EQ(n, 1u);
                if (where.report(index) && !failed)
                    exchange();
            });
        });
    }

    aura::ip::tcp::socket socket;
    whereabouts& where;
    const std::size_t index;
    std::array<char, 1> text{'a'};
};

/// Echoes what comes, in a context and a thread of its own.
class echo_server {
public:
    ~echo_server() {
        ctx_.stop();
        thread_.join();
    }
    aura::ip::tcp::endpoint endpoint() { return acceptor_.local_endpoint(); }

private:
    struct connection {
        aura::ip::tcp::socket socket;
        std::array<char, 16> text{};
        static void go_on(std::shared_ptr<connection> self) {
            auto& c = *self;
            c.socket.async_read_some(net::buffer(c.text),
                                     [self = std::move(self)](aura::error_code ec, std::size_t n) mutable {
                                         if (ec)
                                             return;
                                         net::write(self->socket, net::buffer(self->text, n), ec);
                                         if (!ec)
                                             go_on(std::move(self));
                                     });
        }
    };
    void accept() {
        acceptor_.async_accept([this](aura::error_code ec, auto socket) {
            if (ec)
                return;
            connection::go_on(std::make_shared<connection>(std::move(socket)));
            accept();
        });
    }

    aura::io_context ctx_{1};
    aura::ip::tcp::acceptor acceptor_{ctx_, {aura::ip::address_v4::loopback(), 0}};
    std::thread thread_{[this] {
        accept();
        ctx_.run();
    }};
};

TEST(Spread, ConnectionsOpenedByMainKeepAllThreadsEquallyBusy) {
    echo_server server;
    aura::io_context ctx(without_takeover());
    constexpr std::size_t count = 100;
    whereabouts where(count);
    std::vector<std::unique_ptr<session>> sessions;
    for (std::size_t i = 0; i < count; ++i) {
        session& s = *sessions.emplace_back(std::make_unique<session>(ctx, where, i));
        s.socket.async_connect(server.endpoint(), [&](aura::error_code ec) {
            ASSERT_FALSE(ec) << ec.message();
            s.exchange();
        });
    }
    running_threads threads(ctx, thread_count);
    meet_all(ctx);
    const auto tally = where.await();
    threads.join();
    const auto [least, most] = extremes(tally, threads);
    EXPECT_LT(most, 1.5 * least) << least << " to " << most;
}

TEST(Spread, WhoCountsOnTheFirstRingsStrandMaySaySo) {
    aura::io_context_options options;
    options.implicit_strands = true;
    aura::io_context ctx(options);
    auto work = net::make_work_guard(ctx);
    running_threads threads(ctx, thread_count);
    meet_all(ctx);
    std::vector<aura::steady_timer> timers;
    std::atomic<int> fired{0};
    thread_tally tally;
    for (unsigned i = 0; i < 3 * thread_count; ++i)
        timers.emplace_back(ctx, 1ms).async_wait([&](aura::error_code) {
            tally.count();
            tick(fired);
        });
    wait_for(fired, 3 * thread_count);
    EXPECT_EQ(tally.threads(), 1u);
    work.reset();
}

/// As where many connections are accepted at once: none of them has done anything yet.
TEST(Spread, WhatIsPlacedWithinOneHandlerIsSpreadEvenly) {
    aura::io_context ctx(without_takeover());
    auto work = net::make_work_guard(ctx);
    std::array<int, thread_count> placed{};
    std::atomic<int> over{0};
    running_threads threads(ctx, thread_count); // ends before what its handlers use
    meet_all(ctx);
    const auto ring_of = [](const aura::executor& e) { return e.query(aura::detail::ring_t{}).shard; };
    // Each ring counts anew when a turn of it ends, as of a thread that has just been woken: then not all is known.
    bool even = false;
    for (int round = 1; round <= 100 && !even; ++round) {
        net::post(ctx, [&] {
            placed = {};
            for (unsigned n = 0; n != 16 * thread_count; ++n) {
                const auto executor = ctx.spread_executor();
                for (unsigned i = 0; i != thread_count; ++i)
                    placed[i] += ring_of(executor) == ring_of(ctx.ring_executor(i));
            }
            tick(over);
        });
        wait_for(over, round);
        const auto [least, most] = std::minmax_element(placed.begin(), placed.end());
        even = *most - *least <= 4; // of 16 each
    }
    EXPECT_TRUE(even);
    work.reset();
}

/// Of two that have as much living on them the one that has more to do gets less.
TEST(Spread, ARingWhoseHandlersTakeAllItsTimeGetsFewerObjects) {
    aura::io_context ctx(without_takeover());
    auto work = net::make_work_guard(ctx);
    std::atomic<bool> ends{false};
    std::atomic<int> over{0};
    int there = 0, other = 0;
    std::function<void()> compute = [&] {
        for (const auto end = std::chrono::steady_clock::now() + 10ms;
             std::chrono::steady_clock::now() < end;)
            ;
        if (!ends)
            net::post(ctx.ring_executor(0), compute);
    };
    running_threads threads(ctx, 2); // ends before what its handlers use
    while (ctx.ring_count() != 2)
        std::this_thread::yield();
    net::post(ctx.ring_executor(0), compute);
    const auto busy = [&] { return ctx.ring_executor(0).query(aura::detail::ring_t{}).shard->load().busy(); };
    while (busy() < aura::core::placement_load::all_the_time / 2)
        std::this_thread::yield();
    net::post(ctx.ring_executor(1), [&] {
        for (int n = 0; n != 100; ++n)
            ++(ctx.spread_executor().query(aura::detail::ring_t{}).shard->index() == 0 ? there : other);
        tick(over);
    });
    wait_for(over, 1);
    ends = true;
    EXPECT_LT(there, 40) << "a quarter, for one of the two that are compared is picked at random";
    work.reset();
}

} // namespace

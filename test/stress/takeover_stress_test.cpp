// takeover_stress: handlers that take long at random, on strands and on sockets, with a limit that is nearly none.
#include <auraio/auraio.hpp>

#include "support/lost_rings.hpp"

#include <asio/post.hpp>
#include <asio/strand.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;

namespace {

constexpr int threads = 4;

aura::io_context_options options() {
    aura::io_context_options o = aura::options_from_environment();
    o.takeover_after = 1;
    return o;
}

/// Computes, mostly not at all.
void compute() {
    static std::atomic<unsigned> seed{1};
    static thread_local std::minstd_rand engine(seed++);
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::microseconds(engine() % 100 == 0 ? 300 : 0);
    while (std::chrono::steady_clock::now() < end) {
    }
}

void run(aura::io_context& ctx) {
    net::post(ctx, test::lose_ring); // else threads might all be busy until the end
    std::vector<std::thread> runners;
    for (int i = 0; i != threads; ++i)
        runners.emplace_back([&] { ctx.run(); });
    for (auto& r : runners)
        r.join();
}

TEST(TakeoverStress, HandlersOfAStrandNeverRunAtOnceAndKeepTheirOrder) {
    constexpr unsigned strands = 1000, each = 100;
    struct member {
        explicit member(aura::io_context& ctx)
            : strand(aura::make_strand(ctx)) {}
        net::strand<aura::executor> strand;
        std::atomic<int> inside{0};
        unsigned next = 0;
        unsigned posted = 0;
    };
    aura::io_context ctx(options());
    std::vector<std::unique_ptr<member>> all;
    std::atomic<unsigned> errors{0};
    for (unsigned i = 0; i != strands; ++i)
        all.push_back(std::make_unique<member>(ctx));
    struct step {
        member& m;
        std::atomic<unsigned>& errors;
        unsigned number;
        void operator()() const {
            if (++m.inside != 1 || m.next++ != number)
                ++errors;
            compute();
            for (int i = 0; i != 2 && m.posted != each; ++i)
                net::post(m.strand, step{m, errors, m.posted++});
            --m.inside;
        }
    };
    for (auto& m : all)
        net::post(m->strand, step{*m, errors, m->posted++});
    run(ctx);
    EXPECT_EQ(errors, 0u);
    for (auto& m : all)
        EXPECT_EQ(m->next, each);
    EXPECT_GT(test::rings_left(ctx), 0u);
}

using protocol = net::local::stream_protocol;
using socket_type = net::basic_stream_socket<protocol, aura::executor>;

/// One end: sends what it has got, plus one.
class end_of_pair : public std::enable_shared_from_this<end_of_pair> {
public:
    static constexpr unsigned last = 1000;

    end_of_pair(aura::io_context& ctx, unsigned first, std::atomic<unsigned>& errors)
        : socket(ctx.spread_executor())
        , timer_(ctx.spread_executor())
        , next_(first)
        , errors_(errors) {}

    void receive() {
        net::async_read(socket, net::buffer(&got_, sizeof got_),
                        [self = shared_from_this()](auto ec, std::size_t) {
                            if (ec || self->got_ != self->next_) {
                                ++self->errors_;
                                self->socket.close();
                                return;
                            }
                            compute();
                            if (self->got_ == last)
                                return;
                            self->next_ += 2;
                            self->wait_and_send(self->got_ + 1);
                        });
    }
    void wait_and_send(unsigned number) {
        if (number % 16 != 0) {
            send(number);
            return;
        }
        timer_.expires_after(std::chrono::microseconds(10));
        timer_.async_wait([self = shared_from_this(), number](auto) { self->send(number); });
    }
    void send(unsigned number) {
        sent_ = number;
        net::async_write(socket, net::buffer(&sent_, sizeof sent_),
                         [self = shared_from_this()](auto ec, std::size_t) {
                             compute();
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
};

TEST(TakeoverStress, SocketsAndTimersLoseNothing) {
    constexpr int pairs = 32;
    aura::io_context ctx(options());
    std::atomic<unsigned> errors{0};
    for (int i = 0; i != pairs; ++i)
        net::post(ctx, [&] {
            auto a = std::make_shared<end_of_pair>(ctx, 2, errors);
            auto b = std::make_shared<end_of_pair>(ctx, 1, errors);
            net::local::connect_pair(a->socket, b->socket);
            b->receive();
            a->send(1);
        });
    run(ctx);
    EXPECT_EQ(errors, 0u);
    EXPECT_GT(test::rings_left(ctx), 0u);
}

} // namespace

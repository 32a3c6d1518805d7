// out_of_memory: every allocation that an initiating function makes fails once, outside of run() and in a handler, and
// every one of the turns that carry its operation out. It throws, or completes with ENOMEM, or does without; nothing is
// lost, and the context goes on.
#include "support/counting_allocator.hpp"
#include "support/every_initiation.hpp"
#include "support/operator_new.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>

namespace net = test::net;
using namespace std::chrono_literals;
using test::until_failure;

namespace {

/// Whose allocations fail.
enum class during { initiation_outside, initiation_in_handler, run };

/// While it exists allocation number `n` (from 0 on) of this thread fails, and no other.
class failure {
public:
    explicit failure(int n) { until_failure = n; }
    ~failure() { until_failure = -1; }
    failure(const failure&) = delete;
    static bool happened() { return until_failure == -1; }
};

/// What the handler has, for which memory may be needed.
enum class with { nothing, allocator, slot }; // the third has the second as well

/// Of the initiations of a group, which fails, and how; and what came of it.
struct plan {
    during where;
    with what;
    int initiation, allocation;
    int initiations = 0;
    bool failed = false;
};

/// Calls one initiating function after the other; the planned one runs out of memory first.
class each_initiation {
public:
    explicit each_initiation(plan& p)
        : plan_(&p) {}

    template <class Start>
    void operator()(aura::io_context& ctx, Start start) {
        if (plan_->initiations++ == plan_->initiation) {
            result r;
            std::thread([&] { // which has no memory to use again
                if (plan_->what == with::nothing)
                    r = without_memory(ctx, start, [](noting n) { return n; });
                else
                    r = without_memory(ctx, start, [this](noting n) {
                        const bool connected = plan_->what == with::slot;
                        return noting_with{n, counting(log_), connected ? signal_->slot() : slot()};
                    });
            })
                .join();
            EXPECT_EQ(r.calls, r.threw ? 0 : 1);
            EXPECT_TRUE(!r.threw || plan_->failed);
            EXPECT_EQ(handlers_.use_count(), 1) << "a handler is still there";
            EXPECT_TRUE(!r.error || (plan_->failed && r.error == test::net::error::no_memory))
                << r.error.message();
            if (r.calls == 1 && !r.error)
                return;
        }
        if (!testing::Test::HasFailure())
            expect_success(ctx, start);
        if (testing::Test::HasFailure()) // else the others might wait for what never comes
            throw std::runtime_error("see above");
    }

private:
    struct result {
        int calls = 0;
        bool threw = false;
        test::error_code error;
    };
    struct noting {
        result* r;
        std::shared_ptr<int> alive;
        void operator()() const { ++r->calls; }
        template <class... More>
        void operator()(test::error_code ec, More&&...) const {
            ++r->calls;
            r->error = ec;
        }
        template <class First, class... More>
            requires(!std::is_same_v<std::decay_t<First>, test::error_code>)
        void operator()(First&&, More&&...) const {
            ++r->calls;
        }
    };

    using counting = test::counting_allocator<void>;
    using slot = net::cancellation_slot;
    struct noting_with : noting {
        noting_with(const noting& n, const counting& a, const slot& s)
            : noting(n)
            , allocator(a)
            , cancellation(s) {}
        using allocator_type = counting;
        using cancellation_slot_type = slot;
        allocator_type get_allocator() const noexcept { return allocator; }
        cancellation_slot_type get_cancellation_slot() const noexcept { return cancellation; }
        counting allocator;
        slot cancellation;
    };

    /// Until everything has ended; a run() that throws is called again.
    static void run(aura::io_context& ctx, int allocation, bool& failed) {
        const failure one(allocation);
        for (int i = 0; i < 3; ++i)
            try {
                ctx.restart();
                ctx.run_for(10s);
                break;
            } catch (const std::bad_alloc&) {
                EXPECT_GE(allocation, 0);
            }
        failed = allocation >= 0 && failure::happened();
    }

    template <class Start>
    void expect_success(aura::io_context& ctx, Start& start) {
        result r;
        bool failed = false;
        start(noting{&r, handlers_});
        run(ctx, -1, failed);
        EXPECT_EQ(r.calls, 1);
        EXPECT_FALSE(r.error) << r.error.message();
    }

    template <class Start, class Wrap>
    result without_memory(aura::io_context& ctx, Start& start, Wrap wrap) {
        result r;
        const auto attempt = [&] {
            auto handler = wrap(noting{&r, handlers_});
            const failure one(plan_->allocation);
            try {
                start(std::move(handler));
            } catch (const std::bad_alloc&) {
                r.threw = true;
            }
            plan_->failed = failure::happened();
        };
        bool ignored = false;
        switch (plan_->where) {
        case during::initiation_outside:
            attempt();
            run(ctx, -1, ignored);
            break;
        case during::initiation_in_handler:
            net::post(ctx, attempt);
            run(ctx, -1, ignored);
            break;
        case during::run:
            start(wrap(noting{&r, handlers_}));
            run(ctx, plan_->allocation, plan_->failed);
        }
        return r;
    }

    plan* plan_;
    test::allocation_log log_;
    std::shared_ptr<net::cancellation_signal> signal_ = std::make_shared<net::cancellation_signal>();
    std::shared_ptr<int> handlers_ = std::make_shared<int>(0);
};

std::ptrdiff_t open_descriptors() {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

constexpr int most_allocations = 1000;

/// A group of every_initiation's for each of its initiations, and for each allocation of that.
template <class Group>
void expect_all_survive(Group group) {
    for (const during where : {during::initiation_outside, during::initiation_in_handler, during::run})
        for (const with what : {with::nothing, with::allocator, with::slot}) {
            if (where == during::run && what != with::nothing)
                continue; // it is all there by then
            for (int initiation = 0, count = 1; initiation < count; ++initiation)
                for (int n = 0; n < most_allocations; ++n) {
                    plan p{where, what, initiation, n};
                    SCOPED_TRACE(testing::Message()
                                 << "initiation " << initiation << ", allocation " << n << ", "
                                 << static_cast<int>(where) << static_cast<int>(what));
                    try {
                        group(test::every_initiation(each_initiation(p)));
                    } catch (const std::runtime_error&) {
                        return;
                    }
                    ASSERT_FALSE(testing::Test::HasFailure());
                    count = p.initiations;
                    if (!p.failed)
                        break;
                    ASSERT_LT(n + 1, most_allocations);
                }
        }
}

class OutOfMemory : public testing::Test {
protected:
    void SetUp() override {
        if (!AURAIO_TEST_REPLACES_NEW)
            GTEST_SKIP() << "ThreadSanitizer's operator new cannot be replaced";
    }
};

/// No strands: Asio's own forget to unlock themselves when they cannot be submitted.
TEST_F(OutOfMemory, Executors) {
    expect_all_survive([](auto&& all) { all.plain_executors(); });
    expect_all_survive([](auto&& all) { all.erased_executor(); });
}

TEST_F(OutOfMemory, StreamSockets) {
    expect_all_survive([](auto&& all) { all.stream_sockets(); });
}

TEST_F(OutOfMemory, MessageSockets) {
    expect_all_survive([](auto&& all) { all.message_sockets(); });
}

TEST_F(OutOfMemory, Acceptors) {
    expect_all_survive([](auto&& all) { all.acceptors(); });
}

TEST_F(OutOfMemory, TimersAndSignals) {
    expect_all_survive([](auto&& all) { all.timers_and_signals(); });
}

TEST_F(OutOfMemory, Resolvers) {
    expect_all_survive([](auto&& all) { all.resolvers(); });
}

TEST_F(OutOfMemory, Descriptors) {
    expect_all_survive([](auto&& all) { all.descriptors(); });
}

TEST_F(OutOfMemory, Files) {
    expect_all_survive([](auto&& all) { all.files(); });
}

TEST_F(OutOfMemory, Paths) {
    expect_all_survive([](auto&& all) { all.paths(); });
}

/// Makes an object; each allocation of that fails once. An exception, or an error, and no descriptor is lost.
template <class Make>
void expect_made_or_not(const char* what, Make make) {
    SCOPED_TRACE(what);
    aura::io_context ctx;
    (void)ctx.poll(); // a ring, and what else comes once
    make(ctx);
    for (int n = 0, failed = 1; failed != 0 && n < most_allocations; ++n) {
        SCOPED_TRACE(n);
        const auto before = open_descriptors();
        until_failure = n;
        try {
            make(ctx);
        } catch (const std::bad_alloc&) {
            EXPECT_TRUE(failure::happened());
        } catch (const test::system_error& e) {
            EXPECT_TRUE(e.code() == test::net::error::no_memory) << e.what();
        }
        failed = failure::happened();
        until_failure = -1;
        EXPECT_EQ(open_descriptors(), before);
    }
}

TEST_F(OutOfMemory, ObjectsAreMadeOrNot) {
    using tcp = aura::ip::tcp;
    expect_made_or_not("socket", [](aura::io_context& ctx) { tcp::socket(ctx, tcp::v4()); });
    expect_made_or_not("acceptor", [](aura::io_context& ctx) {
        const tcp::acceptor a(ctx, {net::ip::address_v4::loopback(), 0});
        tcp::socket client(ctx), server(ctx);
        client.connect(a.local_endpoint());
    });
    expect_made_or_not("accepted socket", [](aura::io_context& ctx) {
        tcp::acceptor a(ctx, {net::ip::address_v4::loopback(), 0});
        tcp::socket client(ctx);
        client.connect(a.local_endpoint());
        (void)a.accept();
    });
    expect_made_or_not("pair", [](aura::io_context& ctx) {
        aura::local::stream_protocol::socket one(ctx), two(ctx);
        net::local::connect_pair(one, two);
    });
    expect_made_or_not("pipe", [](aura::io_context& ctx) {
        aura::readable_pipe in(ctx);
        aura::writable_pipe out(ctx);
        net::connect_pipe(in, out);
    });
    const test::scratch_file contents(4096);
    expect_made_or_not("file", [&](aura::io_context& ctx) {
        aura::random_access_file(ctx, contents.path(), aura::file_base::read_only);
        aura::stream_file(ctx, contents.path(), aura::file_base::read_only);
    });
    expect_made_or_not("timer", [](aura::io_context& ctx) { aura::steady_timer(ctx, 1s); });
    expect_made_or_not("signal_set", [](aura::io_context& ctx) { aura::signal_set(ctx, SIGUSR2); });
    expect_made_or_not("resolver", [](aura::io_context& ctx) { tcp::resolver r(ctx); });
}

/// What stands for the waits in the ring is made in run().
TEST_F(OutOfMemory, AWaitForASignal) {
    for (int n = 0, failed = 1; failed != 0 && n < most_allocations; ++n) {
        SCOPED_TRACE(n);
        aura::io_context ctx;
        aura::signal_set signals(ctx, SIGUSR2);
        int calls = 0;
        signals.async_wait([&](test::error_code ec, int) {
            ++calls;
            EXPECT_TRUE(!ec || ec == test::net::error::no_memory) << ec.message();
        });
        {
            const failure one(n);
            try {
                (void)ctx.poll();
            } catch (const std::bad_alloc&) {
                EXPECT_TRUE(failure::happened());
            }
            failed = failure::happened();
        }
        std::raise(SIGUSR2);
        ctx.restart();
        ctx.run_for(10s);
        EXPECT_EQ(calls, 1);
    }
}

} // namespace

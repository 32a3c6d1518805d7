// Names that programs of all ages use of an io_context: strand, wrap, work, io_service, services of users,
// and what newer Asio constructs a context with.
#include <support/flavour.hpp>
#include <support/sanitizers.hpp>

#include <auraio/auraio.hpp>

#include AURAIO_ASIO(bind_executor.hpp)
#include AURAIO_ASIO(ip/tcp.hpp)
#include AURAIO_ASIO(post.hpp)
#include AURAIO_ASIO(write.hpp)

#include <gtest/gtest.h>

#include <chrono>
#include <new>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

namespace net = aura;
namespace stock = aura::net; // asio, or boost::asio
using test::error_code;

TEST(IoContextNames, ExecutorType) {
    static_assert(std::is_same_v<net::io_context::basic_executor_type<std::allocator<void>, 4>,
                                 net::io_context::executor_type>);
}

#if defined(AURAIO_HAS_TS_EXECUTORS)
TEST(IoContextStrand, RunsOneAfterTheOther) {
    net::io_context ctx;
    net::io_context::strand strand(ctx);
    static_assert(stock::execution::is_executor<net::io_context::strand>::value);
    EXPECT_EQ(&strand.context(), &ctx);
    const net::io_context::strand copy = strand;
    EXPECT_TRUE(copy == strand);
    EXPECT_FALSE(net::io_context::strand(ctx) == strand);
    int inside = 0, ran = 0;
    const auto alone = [&] {
        EXPECT_TRUE(strand.running_in_this_thread());
        EXPECT_EQ(++inside, 1);
        --inside;
        ++ran;
    };
    for (int i = 0; i < 100; ++i) {
        stock::post(strand, alone);
        stock::dispatch(strand, alone);
        stock::post(ctx, stock::bind_executor(strand, alone));
    }
    net::steady_timer timer(strand, std::chrono::milliseconds(1));
    timer.async_wait([&](error_code ec) {
        EXPECT_FALSE(ec);
        alone();
    });
    std::thread other([&] { ctx.run(); });
    ctx.run();
    other.join();
    EXPECT_EQ(ran, 301);
    EXPECT_FALSE(ctx.stock_reactor_active());
}

#if defined(AURAIO_HAS_DEPRECATED)
TEST(IoContextStrand, HasTheOldMembers) {
    net::io_service ios;
    static_assert(std::is_same_v<net::io_service, net::io_context>);
    net::io_service::strand strand(ios);
    EXPECT_EQ(&strand.get_io_service(), &ios);
    std::vector<std::string> order;
    strand.post([&] { order.push_back("post"); });
    strand.dispatch([&] { order.push_back("dispatch"); });
    auto wrapped = strand.wrap([&](int n, const std::string& s) {
        EXPECT_TRUE(strand.running_in_this_thread());
        order.push_back(s + std::to_string(n));
    });
    wrapped(1, "called ");
    net::steady_timer timer(ios, std::chrono::milliseconds(1));
    timer.async_wait(strand.wrap([&](error_code) {
        EXPECT_TRUE(strand.running_in_this_thread());
        order.push_back("timer");
    }));
    ios.run();
    EXPECT_EQ(order, (std::vector<std::string>{"post", "dispatch", "called 1", "timer"}));
}

TEST(IoContextWrap, DispatchesOnTheContext) {
    net::io_context ctx;
    int sum = 0;
    auto add = ctx.wrap([&](int n) { sum += n; });
    add(1);
    EXPECT_EQ(sum, 0) << "outside of run() it waits";
    ctx.post([&] {
        add(2);
        EXPECT_EQ(sum, 3) << "inside it is called at once";
    });
    ctx.run();
    EXPECT_EQ(sum, 3);
}

TEST(IoContextWork, KeepsRunFromReturning) {
    net::io_service ios;
    auto work = std::make_unique<net::io_service::work>(ios);
    EXPECT_EQ(&work->get_io_service(), &ios);
    auto copy = std::make_unique<net::io_service::work>(*work);
    net::steady_timer timer(ios, std::chrono::milliseconds(1));
    timer.async_wait([&](error_code) { work.reset(); });
    std::thread later([&] { stock::post(ios, [&] { copy.reset(); }); });
    ios.run();
    later.join();
    EXPECT_FALSE(work || copy);
}
#endif
#endif

/// A service that knows its context for what it is.
class counter : public net::io_context::service {
public:
    static inline net::io_context::id id;
    explicit counter(net::io_context& ctx, int start = 0)
        : net::io_context::service(ctx)
        , count(start) {}
    ~counter() override { log() += "destroyed "; }
    static std::string& log() {
        static std::string text;
        return text;
    }
    int count;

private:
    void shutdown() override { log() += "shutdown "; }
};

/// One that Asio can make, for any context.
class plain_counter : public stock::execution_context::service {
public:
    static inline stock::execution_context::id id;
    explicit plain_counter(stock::execution_context& c)
        : stock::execution_context::service(c) {}
    int count = 0;

private:
    void shutdown() override {}
};

TEST(IoContextService, IsMadeWithTheContext) {
    counter::log().clear();
    {
        net::io_context ctx;
        EXPECT_FALSE(net::has_service<counter>(ctx));
        auto& made = net::use_service<counter>(ctx);
        EXPECT_TRUE(net::has_service<counter>(ctx));
        EXPECT_EQ(&made.get_io_context(), &ctx);
        made.count = 5;
        EXPECT_EQ(stock::use_service<counter>(ctx).count, 5);
        EXPECT_EQ(use_service<counter>(ctx).count, 5);
        net::use_service<plain_counter>(ctx).count = 6;
        EXPECT_EQ(use_service<plain_counter>(ctx).count, 6);
    }
    EXPECT_EQ(counter::log(), "shutdown destroyed ");
}

TEST(IoContextService, IsMadeWithArgumentsOrAdded) {
    net::io_context ctx;
    EXPECT_EQ(net::make_service<counter>(ctx, 7).count, 7);
    EXPECT_EQ(net::use_service<counter>(ctx).count, 7);
    EXPECT_THROW(net::make_service<counter>(ctx), stock::service_already_exists);
}

#if defined(AURAIO_HAS_DEPRECATED)
class old_service : public net::io_service::service {
public:
    static inline net::io_service::id id;
    explicit old_service(net::io_service& ios)
        : net::io_service::service(ios) {}
    static inline std::string log;

private:
    void shutdown_service() override { log += "shutdown "; }
    void fork_service(net::io_service::fork_event) override { log += "fork "; }
};

TEST(IoContextService, HasTheOldMembers) {
    {
        net::io_service ios;
        EXPECT_EQ(&net::use_service<old_service>(ios).get_io_service(), &ios);
        ios.notify_fork(net::io_service::fork_prepare);
        ios.notify_fork(net::io_service::fork_parent);
    }
    EXPECT_EQ(old_service::log, "fork fork shutdown ");
}
#endif

// One thread at a time is promised, or it is not.
TEST(IoContextConstruction, HeedsTheHintsThatPromiseOneThread) {
    for (const int hint :
         {AURAIO_ASIO_MACRO(CONCURRENCY_HINT_UNSAFE), AURAIO_ASIO_MACRO(CONCURRENCY_HINT_UNSAFE_IO)})
        EXPECT_EQ(net::io_context(hint).options().concurrency_hint, 1);
    EXPECT_NE(net::io_context(AURAIO_ASIO_MACRO(CONCURRENCY_HINT_SAFE)).options().concurrency_hint, 1);
}

#if AURAIO_TEST_ASIO_VERSION >= 103300
TEST(IoContextConstruction, TakesServiceMakers) {
    net::io_context ctx(stock::config_from_string("scheduler.concurrency_hint=1\nmine.value=7"));
    EXPECT_EQ(ctx.options().concurrency_hint, 1);
    EXPECT_EQ(stock::config(ctx).get("mine", "value", 0), 7);
    int ran = 0;
    stock::post(ctx, [&] { ++ran; });
    ctx.run();
    EXPECT_EQ(ran, 1);
}
#endif
#if AURAIO_TEST_ASIO_VERSION >= 103600
TEST(IoContextConstruction, TakesAnAllocator) {
    net::io_context plain(std::allocator_arg, std::allocator<void>());
    net::io_context hinted(std::allocator_arg, std::allocator<void>(), 1);
    EXPECT_EQ(hinted.options().concurrency_hint, 1);
    net::io_context made(std::allocator_arg, std::allocator<void>(), stock::config_from_concurrency_hint(1));
    EXPECT_EQ(made.options().concurrency_hint, 1);
    net::io_context safe(std::allocator_arg, std::allocator<void>(),
                         AURAIO_ASIO_MACRO(CONCURRENCY_HINT_SAFE));
    EXPECT_NE(safe.options().concurrency_hint, 1);
    net::io_context unsafe(std::allocator_arg, std::allocator<void>(),
                           stock::config_from_concurrency_hint(AURAIO_ASIO_MACRO(CONCURRENCY_HINT_UNSAFE)));
    EXPECT_EQ(unsafe.options().concurrency_hint, 1);
    net::steady_timer timer(made, std::chrono::milliseconds(1));
    bool fired = false;
    timer.async_wait([&](error_code ec) { fired = !ec; });
    made.run();
    EXPECT_TRUE(fired);
}
#endif

#if defined(AURAIO_HAS_INLINE_EXCEPTION_HANDLING)
TEST(IoContextExecutor, CapturesWhatRunsInline) {
    net::io_context ctx;
    EXPECT_TRUE(stock::query(ctx.get_executor(), stock::execution::inline_exception_handling) ==
                stock::execution::inline_exception_handling.capture);
}
#endif

#if AURAIO_TEST_ASIO_VERSION >= 102400
TEST(AnyIoExecutor, IsConstructedWithoutThrowing) {
    net::io_context ctx;
    const net::any_io_executor from_ours(std::nothrow, ctx.get_executor());
    EXPECT_TRUE(from_ours == ctx.get_executor());
    const net::any_io_executor copy(std::nothrow, from_ours);
    net::any_io_executor moved(std::nothrow, net::any_io_executor(copy));
    EXPECT_TRUE(moved == from_ours);
    const net::any_io_executor from_asios(std::nothrow, stock::any_io_executor(ctx.get_executor()));
    EXPECT_TRUE(from_asios == from_ours);
    moved = nullptr;
    EXPECT_FALSE(moved);
}
#endif

TEST(StockReactor, IsNotAResolver) {
    net::io_context ctx;
    EXPECT_FALSE(ctx.stock_reactor_active());
    EXPECT_FALSE(ctx.stock_scheduler_active());
    net::ip::tcp::resolver native(ctx);
    native.async_resolve("127.0.0.1", "80", [](error_code ec, auto) { EXPECT_FALSE(ec); });
    ctx.run();
    ctx.restart();
    EXPECT_FALSE(ctx.stock_scheduler_active());
    stock::ip::tcp::resolver resolver(ctx); // Asio's own
    bool resolved = false;
    resolver.async_resolve("127.0.0.1", "80", [&](error_code ec, auto) { resolved = !ec; });
    ctx.run();
    EXPECT_TRUE(resolved);
    EXPECT_FALSE(ctx.stock_reactor_active());
    EXPECT_TRUE(ctx.stock_scheduler_active());
    stock::basic_waitable_timer<std::chrono::steady_clock, stock::wait_traits<std::chrono::steady_clock>,
                                stock::strand<stock::any_io_executor>>
        timer(stock::strand<stock::any_io_executor>(ctx.get_executor()));
    EXPECT_TRUE(ctx.stock_reactor_active());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/// What libraries do that know only Asio's context. The cast is undefined: it has to crash, not to corrupt.
TEST(CastTrapDeathTest, EndsTheProgram) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    // A sanitizer tells of it and exits.
    const auto died = [](int status) {
        return AURAIO_TEST_ASAN || AURAIO_TEST_TSAN ? status != 0
                                                    : WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    };
    EXPECT_EXIT(
        {
            net::io_context ctx;
            stock::any_io_executor e(ctx.get_executor());
            auto& wrong = static_cast<stock::io_context&>(stock::query(e, stock::execution::context));
            wrong.stop();
        },
        died, "");
}
#endif

} // namespace

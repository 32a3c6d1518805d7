// Resolvers: the same answers as Asio's own, and what only ours promises. Names come from the hosts file, or
// from a server that the test keeps waiting.
#include "support/handlers.hpp"
#include "support/held_look_ups.hpp"
#include "support/libraries.hpp"
#include "support/sanitizers.hpp"

#if AURAIO_TEST_HAS_AURA
#include <auraio/auraio.hpp>
#endif

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = test::net;
using net::ip::tcp;
using net::ip::udp;
using test::error_code;
using test::exactly_once;

namespace {

#if defined(AURAIO_ADOPT) // Asio's own name leads to ours there
template <class Library, class Protocol>
using resolver_of = net::ip::basic_resolver<Protocol>;
#else
template <class Library, class Protocol>
using resolver_of = net::ip::basic_resolver<Protocol, typename Library::executor>;
#endif
using flags = net::ip::resolver_base;

template <class Results>
std::string text(const Results& results) {
    std::string all;
    for (const auto& entry : results)
        all += entry.endpoint().address().to_string() + ":" + std::to_string(entry.endpoint().port()) + " " +
               entry.host_name() + "/" + entry.service_name() + "; ";
    return all;
}

template <class Library>
class Resolver : public testing::Test {
protected:
    void run() {
        ctx_.restart();
        ctx_.run();
    }
    /// What an asynchronous look-up says.
    template <class Protocol, class... What>
    std::string ask(resolver_of<Library, Protocol>& r, const What&... what) {
        std::string said;
        {
            test::initiation inside;
            r.async_resolve(what..., exactly_once([&](error_code ec, auto results) {
                                said = ec ? ec.message() : text(results);
                                EXPECT_TRUE(!ec || results.empty());
                            }));
        }
        run();
        return said;
    }
    /// The same of a synchronous one, which throws what the other form returns.
    template <class Protocol, class... What>
    std::string ask_now(resolver_of<Library, Protocol>& r, const What&... what) {
        error_code ec;
        const auto results = r.resolve(what..., ec);
        try {
            EXPECT_EQ(text(r.resolve(what...)), text(results));
            EXPECT_FALSE(ec);
        } catch (const test::system_error& e) {
            EXPECT_EQ(e.code(), ec);
        }
        return ec ? ec.message() : text(results);
    }

    typename Library::context ctx_;
};
TYPED_TEST_SUITE(Resolver, test::libraries, test::library_names);

#define BOTH(r, expected, ...)                                                                               \
    EXPECT_EQ(this->ask(r, __VA_ARGS__), expected);                                                          \
    EXPECT_EQ(this->ask_now(r, __VA_ARGS__), expected)

TYPED_TEST(Resolver, FindsAddresses) {
    resolver_of<TypeParam, tcp> r(this->ctx_);
    const auto numeric = flags::numeric_host | flags::numeric_service;
    BOTH(r, "127.0.0.1:80 127.0.0.1/80; ", "127.0.0.1", "80");
    BOTH(r, "127.0.0.1:80 127.0.0.1/80; ", "127.0.0.1", "80", numeric);
    BOTH(r, "127.0.0.1:80 localhost/80; ", tcp::v4(), "localhost", "80");
    BOTH(r, "::1:443 ::1/443; ", tcp::v6(), "::1", "443", numeric);
    BOTH(r, "0.0.0.0:5 /5; ", tcp::v4(), "", "5", flags::passive);
    BOTH(r, "127.0.0.1:0 127.0.0.1/; ", "127.0.0.1", "");
}

TYPED_TEST(Resolver, FindsNames) {
    resolver_of<TypeParam, tcp> r(this->ctx_);
    const tcp::endpoint here(net::ip::make_address("127.0.0.1"), 65431);
    BOTH(r, "127.0.0.1:65431 localhost/65431; ", here);
    resolver_of<TypeParam, udp> u(this->ctx_);
    const udp::endpoint there(net::ip::make_address("127.0.0.1"), 65431);
    BOTH(u, "127.0.0.1:65431 localhost/65431; ", there);
}

TYPED_TEST(Resolver, SaysWhatIsWrong) {
    resolver_of<TypeParam, tcp> r(this->ctx_);
    const auto message = [](error_code ec) { return ec.message(); };
    BOTH(r, message(net::error::host_not_found), "no number", "80", flags::numeric_host);
    BOTH(r, message(net::error::host_not_found), "127.0.0.1", "no number", flags::numeric_service);
    BOTH(r, message(net::error::service_not_found), "127.0.0.1", "no such service");
    BOTH(r, message(net::error::host_not_found), tcp::v4(), "::1", "80", flags::numeric_host);
}

#if defined(AURAIO_HAS_RESOLVER_QUERY)
TYPED_TEST(Resolver, TakesQueries) {
    using resolver = resolver_of<TypeParam, tcp>;
    resolver r(this->ctx_);
    const typename resolver::query q("127.0.0.1", "80");
    BOTH(r, "127.0.0.1:80 127.0.0.1/80; ", q);
}
#endif

TYPED_TEST(Resolver, ManyAtOnce) {
    resolver_of<TypeParam, tcp> r(this->ctx_);
    int found = 0;
    for (int i = 0; i < 100; ++i)
        r.async_resolve("127.0.0.1", std::to_string(i + 1), exactly_once([&](error_code ec, auto results) {
                            EXPECT_FALSE(ec);
                            found += results.size() == 1;
                        }));
    this->run();
    EXPECT_EQ(found, 100);
}

TYPED_TEST(Resolver, MovesWithWhatIsPending) {
    test::held_look_ups held;
    using resolver = resolver_of<TypeParam, tcp>;
    std::string said;
    resolver first(this->ctx_);
    first.async_resolve(test::held_name, "80", exactly_once([&](error_code ec, auto results) {
                            said += ec ? "aborted " : text(results);
                        }));
    resolver second(std::move(first));
    first.cancel(); // of nothing
    held.let_all_go();
    this->run();
    EXPECT_EQ(said, std::string("127.0.0.1:80 ") + test::held_name + "/80; ");
    first = std::move(second);
    EXPECT_EQ(this->ask(first, "127.0.0.1", "1"), "127.0.0.1:1 127.0.0.1/1; ");
}

TYPED_TEST(Resolver, ASystemExecutorsHandlerIsCalledInRun) {
    resolver_of<TypeParam, tcp> r(this->ctx_);
    std::thread::id where;
    r.async_resolve("localhost", "80", net::bind_executor(net::system_executor(), [&](error_code, auto) {
                        where = std::this_thread::get_id();
                    }));
    this->run();
    EXPECT_EQ(where, std::this_thread::get_id());
}

TYPED_TEST(Resolver, TokensOfEveryKind) {
    resolver_of<TypeParam, tcp> r(this->ctx_);
    std::string said;
    net::co_spawn(
        this->ctx_,
        [&]() -> net::awaitable<void> {
            said += text(co_await r.async_resolve("127.0.0.1", "1", net::use_awaitable));
            const auto [ec, results] = co_await r.async_resolve("no number", "1", flags::numeric_host,
                                                                test::as_tuple(net::use_awaitable));
            EXPECT_EQ(ec, net::error::host_not_found);
        },
        net::detached);
    auto kept = r.async_resolve("127.0.0.1", "2", test::deferred);
    std::move(kept)([&](error_code, auto results) { said += text(results); });
    auto future = r.async_resolve("127.0.0.1", "3", net::use_future);
    this->run();
    EXPECT_EQ(text(future.get()), "127.0.0.1:3 127.0.0.1/3; ");
    EXPECT_EQ(said.size(), 2 * std::string("127.0.0.1:1 127.0.0.1/1; ").size());
}

TYPED_TEST(Resolver, DestroyedWithItsContextItsHandlersAreDestroyed) {
    test::held_look_ups held;
    auto ctx = std::make_unique<typename TypeParam::context>();
    resolver_of<TypeParam, tcp> r(*ctx);
    bool destroyed = false;
    r.async_resolve("127.0.0.1", "80",
                    [t = test::on_destruction([&] { destroyed = true; })](error_code, auto) {});
    {
        const auto gone = std::move(r);
    }
    held.let_all_go();
    ctx.reset();
    EXPECT_TRUE(destroyed);
}

#if AURAIO_TEST_HAS_AURA

/// Beyond Asio's promises.
class OurResolver : public Resolver<test::this_library> {
protected:
    using resolver = resolver_of<test::this_library, tcp>;
    test::held_look_ups held_;
};

TEST_F(OurResolver, HasNoThreadOfAsios) {
    resolver r(ctx_);
    EXPECT_EQ(ask(r, "localhost", "80", flags::numeric_service).substr(0, 3), "127");
    EXPECT_FALSE(ctx_.stock_scheduler_active());
    EXPECT_FALSE(ctx_.stock_reactor_active());
}

TEST_F(OurResolver, CancelledOrDestroyedItEndsAtOnce) {
    int aborted = 0;
    const auto expect_abort = [&] {
        return exactly_once([&](error_code ec, auto results) {
            EXPECT_EQ(ec, net::error::operation_aborted);
            EXPECT_TRUE(results.empty());
            ++aborted;
        });
    };
    resolver r(ctx_);
    r.async_resolve(test::held_name, "80", expect_abort());
    {
        test::initiation inside;
        r.cancel();
    }
    {
        resolver gone(ctx_);
        gone.async_resolve(test::held_name, "81", expect_abort());
    }
    {
        resolver target(ctx_);
        target.async_resolve(test::held_name, "82", expect_abort());
        target = resolver(ctx_);
    }
    run(); // while the look-ups go on
    EXPECT_EQ(aborted, 3);
    EXPECT_EQ(ask(r, "127.0.0.1", "83"), "127.0.0.1:83 127.0.0.1/83; ");
}

TEST_F(OurResolver, ASlotCancelsOneLookUp) {
    resolver r(ctx_);
    net::cancellation_signal signal;
    int ended = 0;
    r.async_resolve(test::held_name, "80",
                    net::bind_cancellation_slot(signal.slot(), [&](error_code ec, auto) {
                        EXPECT_EQ(ec, net::error::operation_aborted);
                        ++ended;
                        held_.let_all_go();
                    }));
    r.async_resolve(test::held_name, "81", [&](error_code ec, auto) {
        EXPECT_FALSE(ec) << ec.message();
        ++ended;
    });
    signal.emit(net::cancellation_type::terminal);
    run();
    EXPECT_EQ(ended, 2);
}

TEST_F(OurResolver, NoMoreThanEightAtOnceAndTheOthersFollow) {
    resolver r(ctx_);
    int found = 0;
    for (int i = 0; i < 20; ++i)
        r.async_resolve(test::held_name, "80", [&](error_code ec, auto) { found += !ec; });
    held_.wait_for(8);
    held_.let_all_go();
    run();
    EXPECT_EQ(found, 20);
    EXPECT_EQ(held_.most(), 8u);
}

TEST_F(OurResolver, AContextEndsWithoutWaitingForALookUp) {
    auto ctx = std::make_unique<aura::io_context>();
    resolver r(*ctx);
    bool destroyed = false;
    r.async_resolve(test::held_name, "80",
                    [t = test::on_destruction([&] { destroyed = true; })](error_code, auto) {});
    held_.wait_for(1);
    ctx.reset();
    EXPECT_TRUE(destroyed);
    held_.let_all_go();
}

TEST_F(OurResolver, FromOtherThreadsAndInTheMiddleOfRun) {
    auto work = net::make_work_guard(ctx_);
    std::thread runner([&] { ctx_.run(); });
    std::vector<std::thread> others;
    std::atomic<int> ended = 0;
    for (int t = 0; t < 3; ++t)
        others.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                resolver r(ctx_);
                r.async_resolve("127.0.0.1", "80", [&](error_code, auto) { ++ended; });
                if (i % 3 == 0)
                    r.cancel();
            } // and aborted, or found
        });
    for (auto& t : others)
        t.join();
    work.reset();
    runner.join();
    EXPECT_EQ(ended, 150);
}

TEST_F(OurResolver, AfterAForkEachProcessHasItsAnswer) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "allows no thread in a child of fork";
    resolver r(ctx_);
    std::string said;
    for (int i = 0; i < 2; ++i)
        r.async_resolve(test::held_name, "80",
                        [&](error_code ec, auto results) { said += ec ? ec.message() : text(results); });
    held_.wait_for(2);
    ctx_.notify_fork(aura::io_context::fork_prepare);
    const pid_t child = ::fork();
    if (child == 0) {
        held_.forget_held();
        ctx_.notify_fork(aura::io_context::fork_child);
        held_.let_all_go();
        run();
        ::_exit(said.size() == 2 * (std::string("127.0.0.1:80 /80; ").size() + held_.name_size()) ? 0 : 1);
    }
    ctx_.notify_fork(aura::io_context::fork_parent);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    held_.let_all_go();
    run();
    EXPECT_EQ(said.size(), 2 * (std::string("127.0.0.1:80 /80; ").size() + held_.name_size()));
}

#endif

} // namespace

// Files: every kind of completion token and associated property, through members and Asio's composed
// operations.
#include "support/flavour.hpp"
#include "support/handlers.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using namespace net::experimental::awaitable_operators;
using aura::file_base;
using test::error_code;
using test::scratch_file;

class FileTokens : public testing::Test {
protected:
    bool right(const char* bytes, std::size_t size, std::uint64_t offset) {
        return scratch_file::matches(bytes, size, offset);
    }

    aura::io_context ctx;
    scratch_file contents{8192};
    aura::random_access_file file{ctx, contents.path(), file_base::read_only};
    char data[100] = {};
};

TEST_F(FileTokens, MoveOnlyCallbacks) {
    auto owned = std::make_unique<int>(1);
    bool called = false;
    {
        test::initiation inside;
        file.async_read_some_at(
            7, net::buffer(data),
            test::exactly_once([&, owned = std::move(owned)](error_code ec, std::size_t n) {
                EXPECT_FALSE(ec);
                EXPECT_EQ(n, sizeof data);
                EXPECT_TRUE(right(data, n, 7));
                EXPECT_EQ(*owned, 1);
                called = true;
            }));
    }
    EXPECT_FALSE(called);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_TRUE(called);
}

TEST_F(FileTokens, NoHandlerRunsInsideAnInitiationInsideAHandler) {
    int calls = 0;
    net::post(ctx, [&] {
        test::initiation inside;
        // One that reaches the kernel, one of no size, one that is refused.
        file.async_read_some_at(0, net::buffer(data), test::exactly_once([&](auto...) { ++calls; }));
        file.async_read_some_at(0, net::buffer(data, 0), test::exactly_once([&](auto...) { ++calls; }));
        file.async_read_some_at(~0ull - 1, net::buffer(data), test::exactly_once([&](auto...) { ++calls; }));
        EXPECT_EQ(calls, 0);
    });
    EXPECT_EQ(ctx.run(), 4u);
    EXPECT_EQ(calls, 3);
}

TEST_F(FileTokens, UseFuture) {
    std::future<std::size_t> good = file.async_read_some_at(0, net::buffer(data), net::use_future);
    std::future<std::size_t> whole = net::async_read_at(file, 8000, net::buffer(data), net::use_future);
    std::future<std::size_t> bad = file.async_read_some_at(8192, net::buffer(data, 1), net::use_future);
    std::thread runner([&] { ctx.run(); });
    EXPECT_EQ(good.get(), sizeof data);
    EXPECT_EQ(whole.get(), sizeof data);
    try {
        bad.get();
        ADD_FAILURE() << "no exception";
    } catch (const test::system_error& e) {
        EXPECT_EQ(e.code(), net::error::eof);
    }
    runner.join();
}

TEST_F(FileTokens, UseAwaitable) {
    auto main = [&]() -> net::awaitable<void> {
        EXPECT_EQ(co_await file.async_read_some_at(5, net::buffer(data), net::use_awaitable), sizeof data);
        EXPECT_TRUE(right(data, sizeof data, 5));
        EXPECT_EQ(co_await net::async_read_at(file, 9, net::buffer(data), net::use_awaitable), sizeof data);
        EXPECT_TRUE(right(data, sizeof data, 9));
        error_code ec;
        co_await file.async_read_some_at(8192, net::buffer(data),
                                         net::redirect_error(net::use_awaitable, ec));
        EXPECT_EQ(ec, net::error::eof);
        bool thrown = false;
        try {
            co_await file.async_read_some_at(8192, net::buffer(data), net::use_awaitable);
        } catch (const test::system_error& e) {
            thrown = e.code() == net::error::eof;
        }
        EXPECT_TRUE(thrown);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
}

TEST_F(FileTokens, DeferredStartsWhenItIsCalled) {
    auto operation = file.async_read_some_at(3, net::buffer(data), test::deferred);
    EXPECT_EQ(ctx.run(), 0u);
    ctx.restart();
    bool called = false;
    std::move(operation)(test::exactly_once([&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        called = right(data, n, 3);
    }));
    ctx.run();
    EXPECT_TRUE(called);
}

TEST_F(FileTokens, AsTupleAppendAndPrepend) {
    bool appended = false, prepended = false;
    file.async_read_some_at(0, net::buffer(data),
                            test::append([&](error_code ec, std::size_t n,
                                             int extra) { appended = !ec && n == sizeof data && extra == 5; },
                                         5));
    file.async_sync_all(test::prepend([&](int extra, error_code ec) { prepended = !ec && extra == 6; }, 6));
    auto main = [&]() -> net::awaitable<void> {
        auto [ec, n] =
            co_await file.async_read_some_at(8192, net::buffer(data), test::as_tuple(net::use_awaitable));
        EXPECT_EQ(ec, net::error::eof);
        EXPECT_EQ(n, 0u);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
    EXPECT_TRUE(appended);
    EXPECT_TRUE(prepended);
}

TEST_F(FileTokens, Detached) {
    file.async_read_some_at(0, net::buffer(data), net::detached);
    file.async_sync_data(net::detached);
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_TRUE(right(data, sizeof data, 0));
}

TEST_F(FileTokens, AParallelGroupOfReads) {
    char other[100];
    bool called = false;
    net::experimental::make_parallel_group(file.async_read_some_at(0, net::buffer(data), test::deferred),
                                           file.async_read_some_at(8192, net::buffer(other), test::deferred))
        .async_wait(net::experimental::wait_for_all(),
                    test::exactly_once([&](std::array<std::size_t, 2>, error_code e1, std::size_t n1,
                                           error_code e2, std::size_t n2) {
                        EXPECT_FALSE(e1);
                        EXPECT_EQ(n1, sizeof data);
                        EXPECT_EQ(e2, net::error::eof);
                        EXPECT_EQ(n2, 0u);
                        called = true;
                    }));
    ctx.run();
    EXPECT_TRUE(called);
}

TEST_F(FileTokens, AwaitableOperators) {
    auto main = [&]() -> net::awaitable<void> {
        char other[100];
        auto [n1, n2] = co_await (file.async_read_some_at(0, net::buffer(data), net::use_awaitable) &&
                                  file.async_read_some_at(50, net::buffer(other), net::use_awaitable));
        EXPECT_TRUE(right(data, n1, 0));
        EXPECT_TRUE(right(other, n2, 50));
        aura::steady_timer timer(ctx, 1h);
        const auto first = co_await (file.async_read_some_at(0, net::buffer(data), net::use_awaitable) ||
                                     timer.async_wait(net::use_awaitable));
        EXPECT_EQ(first.index(), 0u);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
}

/// The default token of an executor adaptor, as asio::use_awaitable_t<>::as_default_on uses it.
TEST_F(FileTokens, DefaultTokens) {
    using executor = net::use_awaitable_t<aura::executor>::executor_with_default<aura::executor>;
    using file_type = aura::random_access_file::rebind_executor<executor>::other;
    auto main = [&]() -> net::awaitable<void, aura::executor> {
        file_type mine(executor(ctx.get_executor()), contents.path(), file_base::read_only);
        EXPECT_EQ(co_await mine.async_read_some_at(1, net::buffer(data)), sizeof data);
        EXPECT_TRUE(right(data, sizeof data, 1));
        co_await mine.async_close();
    };
    auto done = net::co_spawn(ctx.get_executor(), main, net::use_future);
    ctx.run();
    done.get();
}

TEST_F(FileTokens, TheAssociatedExecutorRunsTheHandler) {
    aura::io_context other;
    net::thread_pool pool(1);
    auto strand = net::make_strand(ctx.get_executor());
    bool on_strand = false, on_other = false, on_pool = false;
    file.async_read_some_at(0, net::buffer(data), net::bind_executor(strand, [&](error_code, std::size_t) {
                                on_strand = strand.running_in_this_thread();
                            }));
    file.async_read_some_at(0, net::buffer(data),
                            net::bind_executor(other.get_executor(), [&](error_code, std::size_t) {
                                on_other = other.get_executor().running_in_this_thread() &&
                                           !ctx.get_executor().running_in_this_thread();
                            }));
    file.async_read_some_at(0, net::buffer(data),
                            net::bind_executor(pool.get_executor(), [&](error_code, std::size_t) {
                                on_pool = pool.get_executor().running_in_this_thread();
                            }));
    EXPECT_EQ(other.poll(), 0u);
    EXPECT_FALSE(other.stopped()); // a pending operation keeps its handler's context from ending
    ctx.run();
    EXPECT_EQ(other.run(), 1u);
    pool.join();
    EXPECT_TRUE(on_strand);
    EXPECT_TRUE(on_other);
    EXPECT_TRUE(on_pool);
}

TEST_F(FileTokens, EveryOtherOperationTakesTokensToo) {
    scratch_file scratch(100);
    auto main = [&]() -> net::awaitable<void> {
        const auto ex = ctx.get_executor();
        aura::random_access_file f(ctx);
        co_await f.async_open(scratch.path(), file_base::read_write, net::use_awaitable);
        const auto written = co_await net::async_write_at(f, 100, net::buffer(data), net::use_awaitable);
        EXPECT_EQ(written, sizeof data);
        EXPECT_EQ((co_await f.async_stat(net::use_awaitable)).stx_size, 200u);
        co_await f.async_resize(150, net::use_awaitable);
        EXPECT_EQ(f.size(), 150u);
        co_await f.async_allocate(0, 300, net::use_awaitable);
        EXPECT_EQ(f.size(), 300u);
        co_await f.async_sync_all(net::use_awaitable);
        co_await f.async_sync_data(net::use_awaitable);
        co_await f.async_close(net::use_awaitable);
        EXPECT_FALSE(f.is_open());
        const std::string folder = scratch.path() + ".folder", name = folder + "/name";
        co_await aura::async_mkdir(ex, folder, net::use_awaitable);
        co_await aura::async_rename(ex, scratch.path(), name, net::use_awaitable);
        co_await f.async_open(name, file_base::read_only, net::use_awaitable);
        co_await aura::async_rename(ex, name, scratch.path(), net::use_awaitable);
        EXPECT_EQ(::rmdir(folder.c_str()), 0);
        co_await aura::async_unlink(ex, scratch.path(), net::use_awaitable);
        EXPECT_NE(::access(scratch.path().c_str(), F_OK), 0);
        EXPECT_EQ((co_await f.async_stat(net::use_awaitable)).stx_nlink, 0u);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
}

#if AURAIO_TEST_ASIO_VERSION >= 103300
TEST_F(FileTokens, CancelAfter) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    aura::stream_file pipe(ctx, ends[0]);
    bool aborted = false, read = false;
    pipe.async_read_some(net::buffer(data), net::cancel_after(1ms, [&](error_code ec, std::size_t) {
                             aborted = ec == net::error::operation_aborted;
                         }));
    file.async_read_some_at(
        0, net::buffer(data, 10),
        net::cancel_after(1h, [&](error_code ec, std::size_t n) { read = !ec && n == 10; }));
    ctx.run();
    EXPECT_TRUE(aborted);
    EXPECT_TRUE(read);
    ::close(ends[1]);
}
#endif

} // namespace

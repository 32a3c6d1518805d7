// Files: cancelling one operation or all of an object's, whoever asks and whenever; buffers stay the kernel's
// until the handler runs.
#include "support/flavour.hpp"
#include "support/handlers.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <sys/ioctl.h>
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

/// A file whose reads wait until the test writes: the reading end of a pipe.
class FileCancellation : public testing::Test {
protected:
    FileCancellation() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        pipe.assign(ends[0]);
        writing_end = ends[1];
    }
    ~FileCancellation() override { ::close(writing_end); }

    /// A handler that has to be called once, and tells with what.
    auto into(error_code& result) {
        result = net::error::would_block;
        return test::exactly_once([&result](error_code ec, std::size_t n) {
            result = ec;
            if (ec) {
                EXPECT_EQ(n, 0u);
            }
        });
    }
    void write_letter() { EXPECT_EQ(::write(writing_end, "x", 1), 1); }
    /// Until nothing is left but what waits for somebody else; enters the kernel.
    void settle() {
        ctx.restart();
        ctx.poll();
    }

    aura::io_context ctx;
    aura::stream_file pipe{ctx};
    int writing_end = -1;
    char data[8][16] = {};
    const error_code aborted = net::error::operation_aborted;
    const error_code pending = net::error::would_block;
};

TEST_F(FileCancellation, EveryTypeOfSignalEndsARead) {
    for (auto type : {net::cancellation_type::terminal, net::cancellation_type::partial,
                      net::cancellation_type::total, net::cancellation_type::all}) {
        for (const bool submitted : {false, true}) {
            net::cancellation_signal signal;
            error_code result;
            pipe.async_read_some(net::buffer(data[0]),
                                 net::bind_cancellation_slot(signal.slot(), into(result)));
            if (submitted)
                settle();
            signal.emit(type);
            EXPECT_EQ(result, pending); // not inside emit()
            ctx.restart();
            EXPECT_EQ(ctx.run(), 1u);
            EXPECT_EQ(result, aborted);
        }
    }
    // None of them took a byte.
    error_code result;
    pipe.async_read_some(net::buffer(data[0]), into(result));
    write_letter();
    ctx.restart();
    ctx.run();
    EXPECT_EQ(result, error_code());
}

TEST_F(FileCancellation, ASignalWithoutTypeOrAfterTheEndChangesNothing) {
    net::cancellation_signal signal;
    error_code result;
    pipe.async_read_some(net::buffer(data[0]), net::bind_cancellation_slot(signal.slot(), into(result)));
    signal.emit(net::cancellation_type::none);
    write_letter();
    ctx.run();
    EXPECT_EQ(result, error_code());
    error_code next;
    pipe.async_read_some(net::buffer(data[0]), into(next)); // perhaps in the same memory
    settle();
    signal.emit(net::cancellation_type::all);
    settle();
    EXPECT_EQ(next, pending);
    pipe.cancel();
    ctx.run();
    EXPECT_EQ(next, aborted);
}

TEST_F(FileCancellation, ASignalEndsOnlyItsOwnOperation) {
    std::array<net::cancellation_signal, 4> signals;
    std::array<error_code, 4> results;
    for (std::size_t i = 0; i < 4; ++i)
        pipe.async_read_some(net::buffer(data[i]),
                             net::bind_cancellation_slot(signals[i].slot(), into(results[i])));
    settle();
    signals[1].emit(net::cancellation_type::total);
    settle();
    EXPECT_EQ(results, (std::array{pending, aborted, pending, pending}));
    signals[3].emit(net::cancellation_type::terminal);
    settle();
    EXPECT_EQ(results, (std::array{pending, aborted, pending, aborted}));
    write_letter();
    write_letter();
    pipe.cancel(); // what has come already is kept
    ctx.restart();
    ctx.run();
    for (const auto& result : {results[0], results[2]})
        EXPECT_TRUE(!result || result == aborted) << result.message();
}

TEST_F(FileCancellation, SignalsOfAnotherThread) {
    net::cancellation_signal signal;
    auto strand = net::make_strand(ctx);
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    for (int round = 0; round < 100; ++round) {
        std::promise<error_code> ended;
        net::post(strand, [&] {
            pipe.async_read_some(
                net::buffer(data[0]),
                net::bind_cancellation_slot(
                    signal.slot(),
                    net::bind_executor(strand, [&](error_code ec, std::size_t) { ended.set_value(ec); })));
        });
        net::post(strand, [&] { signal.emit(net::cancellation_type::total); });
        EXPECT_EQ(ended.get_future().get(), aborted);
    }
    work.reset();
    runner.join();
}

TEST_F(FileCancellation, CancelCoversWhatWasStartedBeforeAndNothingElse) {
    std::array<error_code, 3> results;
    net::post(ctx, [&] {
        pipe.async_read_some(net::buffer(data[0]), into(results[0]));
        pipe.async_read_some(net::buffer(data[1]), into(results[1]));
        pipe.cancel();
        pipe.async_read_some(net::buffer(data[2]), into(results[2]));
    });
    settle();
    EXPECT_EQ(results, (std::array{aborted, aborted, pending}));
    write_letter();
    ctx.run();
    EXPECT_EQ(results[2], error_code());
}

TEST_F(FileCancellation, CloseReleaseMoveAndDestructionEndReads) {
    const auto through = [&](auto&& end) {
        error_code result;
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        auto file = std::make_unique<aura::stream_file>(ctx, ends[0]);
        file->async_read_some(net::buffer(data[0]), into(result));
        settle();
        end(file);
        EXPECT_EQ(result, pending);
        ctx.restart();
        ctx.run();
        EXPECT_EQ(result, aborted);
        ::close(ends[1]);
    };
    through([](auto& file) { file->close(); });
    through([](auto& file) { ::close(file->release()); });
    through([](auto& file) { file.reset(); });
    through([this](auto& file) { *file = aura::stream_file(ctx); });
    through([](auto& file) { file->async_close([](error_code ec) { EXPECT_FALSE(ec); }); });
    through([](auto& file) { // moving ends nothing: it is the new object that is cancelled
        aura::stream_file moved(std::move(*file));
        moved.cancel();
    });
}

TEST_F(FileCancellation, TheFirstOfTwoAwaitedOperationsEndsTheOther) {
    auto main = [&]() -> net::awaitable<void> {
        aura::steady_timer timer(ctx, 1ms);
        const auto first = co_await (pipe.async_read_some(net::buffer(data[0]), net::use_awaitable) ||
                                     timer.async_wait(net::use_awaitable));
        EXPECT_EQ(first.index(), 1u);
        write_letter();
        timer.expires_after(1h);
        const auto second = co_await (pipe.async_read_some(net::buffer(data[0]), net::use_awaitable) ||
                                      timer.async_wait(net::use_awaitable));
        EXPECT_EQ(second.index(), 0u);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
}

TEST_F(FileCancellation, AParallelGroupIsCancelledAsAWhole) {
    net::cancellation_signal signal;
    int ended = 0;
    net::experimental::make_parallel_group(pipe.async_read_some(net::buffer(data[0]), test::deferred),
                                           pipe.async_read_some(net::buffer(data[1]), test::deferred))
        .async_wait(net::experimental::wait_for_all(),
                    net::bind_cancellation_slot(signal.slot(), [&](std::array<std::size_t, 2>, error_code e1,
                                                                   std::size_t, error_code e2, std::size_t) {
                        ended = (e1 == aborted) + (e2 == aborted);
                    }));
    settle();
    signal.emit(net::cancellation_type::total);
    ctx.restart();
    ctx.run();
    EXPECT_EQ(ended, 2);
}

TEST_F(FileCancellation, AComposedOperationReportsWhatItHasDone) {
    net::cancellation_signal signal;
    bool called = false;
    net::async_read(pipe, net::buffer(data[0]),
                    net::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t n) {
                        EXPECT_EQ(ec, aborted);
                        EXPECT_EQ(n, 1u);
                        called = true;
                    }));
    write_letter();
    // The first letter has been read once the pipe is empty.
    for (int left = 1; left != 0;) {
        ctx.run_one_for(10ms);
        ASSERT_EQ(::ioctl(pipe.native_handle(), FIONREAD, &left), 0);
    }
    settle();
    signal.emit(net::cancellation_type::partial);
    ctx.restart();
    ctx.run();
    EXPECT_TRUE(called);
}

/// Cancelled while a device writes to their buffers: each handler is called once, with all of its bytes or
/// none reported, and only afterwards are the buffers anybody else's.
TEST_F(FileCancellation, DirectReadsThatADeviceHasBegun) {
    constexpr std::size_t block = 4096, count = 128;
    scratch_file contents(count * block);
    aura::random_access_file file(ctx);
    error_code ec;
    file.open(contents.path(), file_base::read_only | file_base::direct, ec);
    if (ec)
        GTEST_SKIP() << "no direct I/O in the current directory: " << ec.message();
    std::vector<net::cancellation_signal> signals(count);
    std::size_t whole = 0, cancelled = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto memory = std::make_unique<test::aligned_buffer>(block);
        const auto buffer = net::buffer(memory->data(), block);
        file.async_read_some_at(i * block, buffer,
                                net::bind_cancellation_slot(
                                    signals[i].slot(), test::exactly_once([&, i, memory = std::move(memory)](
                                                                              error_code e, std::size_t n) {
                                        if (e) {
                                            EXPECT_EQ(e, aborted);
                                            EXPECT_EQ(n, 0u);
                                            ++cancelled;
                                            return;
                                        }
                                        EXPECT_EQ(n, block);
                                        EXPECT_TRUE(scratch_file::matches(memory->data(), n, i * block));
                                        ++whole;
                                    })));
    }
    ctx.flush();
    net::post(ctx, [&] {
        for (auto& signal : signals)
            signal.emit(net::cancellation_type::terminal);
    });
    ctx.run();
    EXPECT_EQ(whole + cancelled, count);
}

TEST_F(FileCancellation, AnAsynchronousCloseAlwaysCloses) {
    scratch_file contents(10);
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
    error_code result = net::error::would_block;
    net::cancellation_signal signal;
    aura::random_access_file cancelled(ctx, contents.path(), file_base::read_only);
    const int first = cancelled.native_handle();
    cancelled.async_close(
        net::bind_cancellation_slot(signal.slot(), test::exactly_once([&](error_code ec) { result = ec; })));
    signal.emit(net::cancellation_type::terminal);
    EXPECT_FALSE(cancelled.is_open());
    settle();
    ctx.run();
    EXPECT_FALSE(result) << result.message();
    EXPECT_FALSE(is_open(first));

    auto other = std::make_unique<aura::io_context>();
    aura::random_access_file late(*other, contents.path(), file_base::read_only);
    const int second = late.native_handle();
    late.async_close(test::never_called());
    other.reset();
    EXPECT_FALSE(is_open(second));
}

TEST_F(FileCancellation, AnAsynchronousCloseEndsWhatIsPendingFirst) {
    error_code read;
    char byte;
    pipe.async_read_some(net::buffer(&byte, 1), into(read));
    const int fd = pipe.native_handle();
    settle();
    pipe.async_close(test::exactly_once([](error_code ec) { EXPECT_FALSE(ec) << ec.message(); }));
    ctx.restart();
    ctx.run();
    EXPECT_EQ(read, net::error::operation_aborted);
    EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST_F(FileCancellation, AnOpenThatIsCancelledOrForgottenLeaksNothing) {
    namespace fs = std::filesystem;
    const auto descriptors = [] {
        return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
    };
    scratch_file contents(10);
    net::post(ctx, [] {});
    settle(); // the ring exists
    const auto before = descriptors();
    net::cancellation_signal signal;
    aura::random_access_file kept(ctx);
    error_code first = pending, second = pending, third = pending;
    kept.async_open(contents.path(), file_base::read_only,
                    net::bind_cancellation_slot(signal.slot(), [&](error_code ec) { first = ec; }));
    signal.emit(net::cancellation_type::total);
    {
        aura::random_access_file forgotten(ctx);
        forgotten.async_open(contents.path(), file_base::read_only, [&](error_code ec) { second = ec; });
        aura::random_access_file closed(ctx);
        closed.async_open(contents.path(), file_base::read_only, [&](error_code ec) { third = ec; });
        closed.close();
    }
    ctx.restart();
    ctx.run();
    EXPECT_EQ(first, aborted);
    EXPECT_FALSE(kept.is_open());
    EXPECT_EQ(second, aborted);
    EXPECT_EQ(third, aborted);
    EXPECT_EQ(descriptors(), before);
    kept.open(contents.path(), file_base::read_only); // may be used again
}

} // namespace

// registration: registered buffers, files and pools: life cycle, errors, and that nothing is lost when one ends.
#include <auraio/auraio.hpp>

#include "support/block_memory.hpp"
#include "support/descriptor_famine.hpp"
#include "support/other_process.hpp"
#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/read_at.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;

namespace {

class Registration : public testing::TestWithParam<ring_configuration> {
protected:
    void run() {
        ctx.restart();
        ctx.run();
    }
    void poll() {
        ctx.restart();
        ctx.poll();
    }
    void run_until(const outcome& o) {
        ctx.restart();
        while (!o.over)
            ctx.run_one();
    }
    template <class Buffer>
    void expect_error(int error, const Buffer& b) {
        outcome read;
        file.async_read_some_at(0, b, read.note());
        run_until(read);
        EXPECT_EQ(read.ec.value(), error) << read.ec.message();
    }
    void expect_contents(aura::random_access_file& f, std::size_t offset) {
        outcome read;
        f.async_read_some_at(offset, net::buffer(memory.sequence[3]), read.note());
        run_until(read);
        EXPECT_EQ(read.bytes, block) << read.ec.message();
        EXPECT_TRUE(scratch_file::matches(memory[3], block, offset));
    }

    aura::io_context ctx{GetParam().options()};
    scratch_file contents{blocks * block};
    aura::random_access_file file{ctx, contents.path(), aura::file_base::read_write};
    block_memory memory;
};
INSTANTIATE_TEST_SUITE_P(Flags, Registration, testing::ValuesIn(all_rings), configuration_name);

/// Nothing comes out of it until something is put in: reads stay in flight for as long as a test wants.
struct slow_reader {
    explicit slow_reader(aura::io_context& ctx)
        : reader(ctx) {
        int fds[2];
        EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
        reader.assign(fds[0]);
        writing_end = fds[1];
    }
    ~slow_reader() { ::close(writing_end); }
    slow_reader(const slow_reader&) = delete;
    /// A table of Linux 5.10 gives a file up a second after the slot.
    bool is_closed_soon() const {
        pollfd end{writing_end, 0, 0}; // an error is what is waited for
        return ::poll(&end, 1, 20'000) == 1 && (end.revents & POLLERR) != 0;
    }
    void let_go() const { EXPECT_EQ(::write(writing_end, "x", 1), 1); }
    bool is_open_somewhere() const {
        pollfd end{writing_end, POLLOUT, 0};
        return ::poll(&end, 1, 0) == 1 && (end.revents & POLLERR) == 0;
    }

    aura::stream_file reader;
    int writing_end = -1;
};

int lowest_free_number() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_GE(fd, 0);
    ::close(fd);
    return fd;
}

TEST_P(Registration, ReadsAndWritesRegisteredBuffers) {
    const auto registered = aura::register_buffers(ctx, memory.sequence);
    ASSERT_EQ(registered.size(), memory.sequence.size());
    outcome whole, part, all, written;
    file.async_read_some_at(block, registered[0], whole.note());
    file.async_read_some_at(100, net::buffer(registered[1] + 96, 200), part.note());
    net::async_read_at(file, 2 * block, registered[2], all.note());
    run();
    EXPECT_FALSE(whole.ec || part.ec || all.ec) << whole.ec << part.ec << all.ec;
    EXPECT_TRUE(scratch_file::matches(memory[0], block, block));
    EXPECT_TRUE(scratch_file::matches(memory[1] + 96, 200, 100));
    EXPECT_TRUE(scratch_file::matches(memory[2], block, 2 * block));

    file.async_write_some_at(5 * block, registered[0], written.note());
    run();
    EXPECT_EQ(written.bytes, block);
    char again[block];
    EXPECT_EQ(file.read_some_at(5 * block, net::buffer(again)), block);
    EXPECT_TRUE(scratch_file::matches(again, block, block));
}

TEST_P(Registration, DirectReadsIntoRegisteredBuffers) {
    aura::random_access_file direct(ctx);
    aura::error_code ec;
    direct.open(contents.path(), aura::file_base::read_only | aura::file_base::direct, ec);
    if (ec)
        GTEST_SKIP() << "no direct I/O on this file system: " << ec.message();
    const auto registered = aura::register_buffers(ctx, memory.sequence);
    outcome read;
    direct.async_read_some_at(3 * block, registered[1], read.note());
    run();
    EXPECT_FALSE(read.ec) << read.ec.message();
    EXPECT_TRUE(scratch_file::matches(memory[1], block, 3 * block));
}

TEST_P(Registration, EndsWhenWhatWasStartedIsOver) {
    auto registered = aura::register_buffers(ctx, memory.sequence);
    const auto buffers = registered[0];
    slow_reader slow(ctx);
    outcome read, end, twice;
    slow.reader.async_read_some(registered[1], read.note());
    poll();
    registered.async_unregister(end.note());
    registered.async_unregister(twice.note());
    poll();
    EXPECT_FALSE(end.over);
    EXPECT_EQ(twice.ec.value(), ENOENT);
    expect_error(EBUSY, buffers);
    EXPECT_THROW((void)aura::register_buffers(ctx, memory.sequence), aura::system_error);
    slow.let_go();
    run();
    EXPECT_TRUE(read.over && !read.ec && end.over && !end.ec);
    expect_error(ENOENT, buffers);
    const auto next = aura::register_buffers(ctx, memory.sequence);
    expect_error(0, next[0]);
}

TEST_P(Registration, MayBeDestroyedWithOperationsUnderWay) {
    slow_reader slow(ctx);
    outcome read;
    {
        const auto registered = aura::register_buffers(ctx, memory.sequence);
        slow.reader.async_read_some(registered[0], read.note());
        poll();
    }
    slow.let_go();
    run(); // returns, since the registration has ended
    EXPECT_TRUE(read.over && !read.ec);
    EXPECT_NO_THROW((void)aura::register_buffers(ctx, memory.sequence));
}

TEST_P(Registration, MayBePendingWhenTheContextIsDestroyed) {
    bool called = false;
    {
        aura::io_context doomed(GetParam().options());
        slow_reader slow(doomed);
        auto registered = aura::register_buffers(doomed, memory.sequence);
        outcome ignored;
        slow.reader.async_read_some(registered[0], [&](aura::error_code, std::size_t) { called = true; });
        doomed.poll();
        registered.async_unregister(
            [&called, keeps = std::make_unique<int>()](aura::error_code) { called = true; });
        doomed.poll();
    }
    EXPECT_FALSE(called);
}

TEST_P(Registration, RefusesWhatIsNotRegistered) {
    net::mutable_registered_buffer larger, other;
    {
        auto registered = aura::register_buffers(ctx, memory.sequence);
        larger = registered[0];
    }
    run();
    expect_error(ENOENT, larger);
    const std::array<net::mutable_buffer, 1> half{net::buffer(memory.sequence[0], block / 2)};
    const auto registered = aura::register_buffers(ctx, half);
    expect_error(EOVERFLOW, larger);
    expect_error(0, net::buffer(larger, block / 2));
    expect_error(EINVAL, net::mutable_registered_buffer());

    aura::io_context stranger(GetParam().options());
    const auto strange = aura::register_buffers(stranger, memory.sequence);
    expect_error(EINVAL, strange[0]);
}

TEST_P(Registration, WorksWithTokens) {
    auto registered = net::register_buffers(ctx, memory.sequence); // Asio's name finds ours
    std::size_t n = 0;
    net::co_spawn(
        ctx,
        [&]() -> net::awaitable<void> {
            n = co_await file.async_read_some_at(0, registered[3], net::use_awaitable);
            co_await registered.async_unregister(net::use_awaitable);
        },
        net::detached);
    run();
    EXPECT_EQ(n, block);
    auto again = aura::register_buffers(ctx.get_executor(), memory.sequence);
    auto ended = again.async_unregister(net::use_future);
    auto failed = again.async_unregister(net::use_future);
    run();
    EXPECT_NO_THROW(ended.get());
    EXPECT_THROW(failed.get(), aura::system_error);
}

TEST_P(Registration, MovesAndIsReplaced) {
    aura::io_context other(GetParam().options());
    auto first = aura::register_buffers(ctx, memory.sequence);
    auto second = std::move(first);
    expect_error(0, second[0]);
    second = aura::register_buffers(other, memory.sequence);
    run();
    EXPECT_NO_THROW((void)aura::register_buffers(ctx, memory.sequence));
}

// ---- pools ----

TEST_P(Registration, BuffersOfARegisteredPoolAreFixedByThemselves) {
    aura::buffer_pool pool;
    ASSERT_TRUE(pool.reserve(block, 8));
    aura::pooled_buffer a = pool.allocate(block), b = pool.allocate(block);
    auto registered = aura::register_buffers(ctx, pool);
    slow_reader slow(ctx);
    outcome pending, read, end;
    slow.reader.async_read_some(net::buffer(a), pending.note());
    file.async_read_some_at(block, net::buffer(b), read.note());
    run_until(read);
    EXPECT_TRUE(scratch_file::matches(b.data(), block, block));
    registered.async_unregister(end.note());
    poll();
    EXPECT_FALSE(end.over) << "the pending read does not hold the registration: it is none of a fixed buffer";
    outcome plain;
    file.async_read_some_at(2 * block, net::buffer(b), plain.note());
    run_until(plain); // as an ordinary buffer
    EXPECT_FALSE(plain.ec) << plain.ec.message();
    EXPECT_TRUE(scratch_file::matches(b.data(), block, 2 * block));
    slow.let_go();
    run();
    EXPECT_TRUE(pending.over && end.over && !end.ec);
}

TEST_P(Registration, WhatAPoolTakesLaterIsOrdinary) {
    aura::buffer_pool pool;
    EXPECT_THROW((void)aura::register_buffers(ctx, pool), aura::system_error) << "nothing to register";
    ASSERT_TRUE(pool.reserve(block, 1));
    const auto registered = aura::register_buffers(ctx, pool);
    const aura::pooled_buffer later = pool.allocate(64 * block), huge = pool.allocate(1024 * block);
    for (const aura::pooled_buffer* b : {&later, &huge}) {
        outcome read;
        file.async_read_some_at(0, net::buffer(*b), read.note());
        run();
        EXPECT_EQ(read.bytes, blocks * block) << read.ec.message();
        EXPECT_TRUE(scratch_file::matches(b->data(), read.bytes, 0));
    }
}

// ---- files ----

TEST_P(Registration, AFileKeepsItsSlot) {
    scratch_file second(block);
    aura::random_access_file other(ctx, second.path(), aura::file_base::read_only), third(ctx);
    aura::file_registration files(ctx, 2);
    const std::size_t slot = files.add(file);
    EXPECT_EQ(files.add(file), slot);
    EXPECT_NE(files.add(other), slot);
    aura::error_code ec;
    files.add(third, ec);
    EXPECT_EQ(ec.value(), EBADF);
    third.open(contents.path(), aura::file_base::read_only);
    files.add(third, ec);
    EXPECT_EQ(ec.value(), ENFILE);
    expect_contents(file, block);
    expect_contents(other, 0);
    expect_contents(third, 2 * block);
    other.close();
    EXPECT_NE(files.add(third), slot);
    expect_contents(third, 3 * block);
    expect_contents(file, 4 * block);

    aura::io_context stranger(GetParam().options());
    aura::random_access_file strange(stranger, contents.path(), aura::file_base::read_only);
    files.add(strange, ec);
    EXPECT_EQ(ec.value(), EINVAL);
}

TEST_P(Registration, AReplacedFileGoesOnWithItsDescriptor) {
    aura::random_access_file other(ctx, contents.path(), aura::file_base::read_only);
    aura::file_registration files(ctx, 1);
    files.add(file);
    expect_contents(file, 0);
    outcome replaced, missing, unopened;
    files.async_replace(0, other, replaced.note());
    files.async_replace(1, other, missing.note());
    aura::random_access_file closed(ctx);
    files.async_replace(0, closed, unopened.note());
    run();
    EXPECT_TRUE(replaced.over && !replaced.ec);
    EXPECT_EQ(missing.ec.value(), EINVAL);
    EXPECT_EQ(unopened.ec.value(), EBADF);
    expect_contents(file, block);
    expect_contents(other, 2 * block);
    outcome end;
    files.async_unregister(end.note());
    run();
    EXPECT_TRUE(end.over && !end.ec);
    expect_contents(other, 3 * block);
    aura::error_code ec;
    files.add(file, ec);
    EXPECT_EQ(ec.value(), ENOENT);
}

TEST_P(Registration, WhatWaitsForItsDeviceNeverReachesTheNextFileOfItsSlot) {
    scratch_file second(0);
    aura::random_access_file other(ctx, second.path(), aura::file_base::read_write);
    other.write_some_at(0, net::buffer(std::vector<char>(blocks * block, 'x')));
    ctx.set_max_in_flight(1);
    aura::file_registration files(ctx, 1);
    files.add(file);
    block_memory all(blocks);
    std::array<outcome, blocks> reads;
    outcome replaced, back, after;
    for (std::size_t i = 0; i < blocks; ++i)
        file.async_read_some_at(i * block, net::buffer(all.sequence[i]), reads[i].note());
    files.async_replace(0, other, replaced.note());
    files.async_replace(0, file, back.note());
    files.async_replace(0, other, after.note());
    run();
    EXPECT_TRUE(replaced.over && back.over && after.over);
    for (std::size_t i = 0; i < blocks; ++i) {
        EXPECT_EQ(reads[i].bytes, block) << reads[i].ec.message();
        EXPECT_TRUE(scratch_file::matches(all[i], block, i * block)) << i;
    }
    outcome read;
    other.async_read_some_at(0, net::buffer(all.sequence[0]), read.note());
    run();
    EXPECT_EQ(*all[0], 'x');
}

TEST_P(Registration, FilesAreReleasedByRingsWhenTheyAreClosed) {
    slow_reader slow(ctx);
    aura::file_registration files(ctx, 1);
    files.add(slow.reader);
    outcome read, end;
    slow.reader.async_read_some(net::buffer(memory.sequence[0]), read.note());
    poll();
    files.async_unregister(end.note());
    poll();
    EXPECT_FALSE(end.over) << "the pending read does not hold the table: it does not go by its slot";
    slow.reader.close();
    run();
    EXPECT_EQ(read.ec, net::error::operation_aborted);
    EXPECT_TRUE(end.over && !end.ec);
    EXPECT_FALSE(slow.is_open_somewhere());
}

TEST_P(Registration, AClosedFileLeavesItsSlot) {
    slow_reader slow(ctx);
    aura::file_registration files(ctx, 1);
    files.add(slow.reader);
    slow.let_go();
    outcome read;
    slow.reader.async_read_some(net::buffer(memory.sequence[0]), read.note());
    run();
    EXPECT_TRUE(read.over && !read.ec);
    slow.reader.close();
    poll(); // the ring hears of it
    EXPECT_TRUE(slow.is_closed_soon()) << "the ring holds it";
    EXPECT_EQ(files.add(file), 0u);
    expect_contents(file, 0);
}

TEST_P(Registration, WhatIsReplacedTimeAndAgainTakesNoDescriptors) {
    aura::random_access_file other(ctx, contents.path(), aura::file_base::read_only);
    aura::file_registration files(ctx, 1);
    files.add(file);
    expect_contents(file, 0);
    const int lowest = lowest_free_number();
    constexpr int times = 100;
    for (int i = 0; i < times; ++i) {
        outcome read, replaced;
        aura::random_access_file& now = i % 2 == 0 ? file : other;
        now.async_read_some_at(block, net::buffer(memory.sequence[0]), read.note());
        files.async_replace(0, i % 2 == 0 ? other : file, replaced.note());
        run();
        EXPECT_TRUE(read.over && !read.ec && replaced.over && !replaced.ec);
    }
    EXPECT_LT(lowest_free_number(), lowest + times / 10);
}

// ---- what the machine refuses ----

class RegistrationFork : public Registration {};
INSTANTIATE_TEST_SUITE_P(Flags, RegistrationFork, testing::ValuesIn(adoptable_rings), configuration_name);

TEST_P(RegistrationFork, BothProcessesGoOn) {
    const auto registered = aura::register_buffers(ctx, memory.sequence);
    aura::file_registration files(ctx, 4);
    files.add(file);
    slow_reader slow(ctx);
    outcome pending, read;
    // One letter: who asks for more may take the other process's as well, which then waits for ever.
    slow.reader.async_read_some(net::buffer(registered[0], 1), pending.note());
    file.async_read_some_at(block, registered[1], read.note());
    run_until(read);
    ctx.notify_fork(net::execution_context::fork_prepare);
    const ::pid_t child = ::fork();
    ctx.notify_fork(child == 0 ? net::execution_context::fork_child : net::execution_context::fork_parent);
    outcome after;
    file.async_read_some_at(2 * block, registered[2], after.note());
    slow.let_go(); // one letter for each
    run();
    const bool good = pending.over && !pending.ec && *memory[0] == 'x' && after.bytes == block &&
                      scratch_file::matches(memory[2], block, 2 * block);
    if (child == 0)
        ::_exit(good ? 0 : 1);
    EXPECT_TRUE(good) << pending.ec.message() << ", " << after.ec.message();
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
}

/// Whether writes can do without the signal must not be settled while it cannot be found out.
TEST(RegistrationScarcity, APipeWithoutReadersRaisesNoSignalAfterAShortage) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    test::in_another_process([] {
        test::descriptor_famine famine;
        aura::io_context ctx;
        aura::stream_file writer(ctx);
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        writer.assign(ends[1]);
        ctx.poll();
        const auto write = [&](outcome& o) {
            writer.async_write_some(net::buffer("x", 1), o.note());
            ctx.restart();
            ctx.run();
        };
        famine.begin();
        outcome first, second;
        write(first);
        famine.end();
        EXPECT_FALSE(first.ec) << first.ec.value();
        ::close(ends[0]);
        write(second);
        EXPECT_EQ(second.ec.value(), EPIPE);
    });
}

TEST_P(Registration, WithoutDescriptorsSaysSoAndLosesNothing) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    test::descriptor_famine famine;
    expect_error(0, memory.sequence[0]); // the ring exists
    famine.begin();
    int error = 0;
    try {
        (void)aura::register_buffers(ctx, memory.sequence);
    } catch (const aura::system_error& e) {
        error = e.code().value();
    }
    if (ctx.backend() == "epoll") {
        EXPECT_EQ(error, 0) << "it keeps no buffers, and needs no descriptor for them";
        aura::file_registration files(ctx, 1); // it does for files: the object goes by its own instead
        files.add(file);
        expect_contents(file, block);
    } else {
        EXPECT_EQ(error, EMFILE);
    }
    famine.end();
    const auto registered = aura::register_buffers(ctx, memory.sequence);
    expect_error(0, registered[0]);
}

} // namespace

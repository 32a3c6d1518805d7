// Files: the interface they share with Asio's, and what the two kinds of file do.
#include "support/flavour.hpp"
#include "support/handlers.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;
using aura::file_base;
using test::error_code;
using test::scratch_file;

/// Everything the file at `path` contains.
std::string contents_of(const std::string& path) {
    aura::io_context ctx;
    aura::random_access_file file(ctx, path, file_base::read_only);
    std::string text(file.size(), '\0');
    for (std::size_t at = 0; at < text.size();)
        at += file.read_some_at(at, net::buffer(&text[at], text.size() - at));
    return text;
}

template <class File>
class FileInterface : public testing::Test {};
using files = testing::Types<aura::random_access_file, aura::stream_file>;
struct file_names {
    template <class File>
    static std::string GetName(int) {
        return std::is_same_v<File, aura::stream_file> ? "stream" : "random_access";
    }
};
TYPED_TEST_SUITE(FileInterface, files, file_names);

TYPED_TEST(FileInterface, HasAsiosTypes) {
    static_assert(std::is_same_v<typename TypeParam::executor_type, aura::any_io_executor>);
    static_assert(std::is_same_v<typename TypeParam::native_handle_type, int>);
    static_assert(std::is_same_v<
                  typename TypeParam::template rebind_executor<net::any_io_executor>::other::executor_type,
                  net::any_io_executor>);
    static_assert(std::is_nothrow_move_constructible_v<TypeParam>);
    static_assert(!std::is_copy_constructible_v<TypeParam>);
}

TYPED_TEST(FileInterface, IsBuiltOnAContextOrAnExecutor) {
    aura::io_context ctx;
    scratch_file file(10);
    const TypeParam closed(ctx), on_executor(ctx.get_executor());
    EXPECT_FALSE(closed.is_open());
    TypeParam opened(ctx, file.path(), file_base::read_only);
    TypeParam by_pointer(ctx.get_executor(), file.path().c_str(), file_base::read_only);
    TypeParam adopted(ctx, ::dup(opened.native_handle()));
    for (TypeParam* f : {&opened, &by_pointer, &adopted}) {
        EXPECT_TRUE(f->is_open());
        EXPECT_GE(f->native_handle(), 0);
        EXPECT_EQ(f->size(), 10u);
        EXPECT_EQ(f->get_executor(), ctx.get_executor());
    }
    EXPECT_THROW(TypeParam(ctx, "./does-not-exist", file_base::read_only), test::system_error);
}

TYPED_TEST(FileInterface, OpenFlags) {
    aura::io_context ctx;
    scratch_file file(10);
    TypeParam f(ctx);
    error_code ec;
    f.open(file.path(), file_base::write_only | file_base::create | file_base::exclusive, ec);
    EXPECT_EQ(ec.value(), EEXIST);
    f.open(file.path(), file_base::read_write | file_base::truncate);
    EXPECT_EQ(f.size(), 0u);
    EXPECT_TRUE(::fcntl(f.native_handle(), F_GETFD) & FD_CLOEXEC);
    f.open(file.path(), file_base::read_only, ec);
    EXPECT_EQ(ec, net::error::already_open);
    f.assign(0, ec);
    EXPECT_EQ(ec, net::error::already_open);
    f.close();
    f.close(); // of a closed file: no error
    EXPECT_FALSE(f.is_open());
    EXPECT_EQ(f.native_handle(), -1);
    f.assign(-1, ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);

    const auto other = file.path() + ".new";
    f.open(other,
           file_base::write_only | file_base::create | file_base::exclusive | file_base::sync_all_on_write);
    EXPECT_TRUE(f.is_open());
    ::unlink(other.c_str());
}

TYPED_TEST(FileInterface, SizeResizeAndSync) {
    aura::io_context ctx;
    scratch_file file(100);
    TypeParam f(ctx, file.path(), file_base::read_write);
    f.resize(50);
    EXPECT_EQ(f.size(), 50u);
    f.resize(200);
    f.sync_all();
    f.sync_data();
    const std::string text = contents_of(file.path());
    EXPECT_EQ(text.size(), 200u);
    EXPECT_TRUE(scratch_file::matches(text.data(), 50, 0));
    EXPECT_EQ(text.find_first_not_of('\0', 50), text.npos);
}

TYPED_TEST(FileInterface, MovesAndReleases) {
    aura::io_context ctx, second;
    scratch_file file(10), another(20);
    TypeParam a(ctx, file.path(), file_base::read_only);
    const int number = a.native_handle();
    TypeParam b(std::move(a));
    EXPECT_FALSE(a.is_open());
    EXPECT_EQ(b.native_handle(), number);
    b = TypeParam(second, another.path(), file_base::read_only);
    EXPECT_EQ(b.size(), 20u);
    EXPECT_EQ(b.get_executor(), second.get_executor());
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);   // assigned over: closed
    a.open(file.path(), file_base::read_only); // moved from: usable
    const int released = a.release();
    EXPECT_FALSE(a.is_open());
    EXPECT_EQ(::close(released), 0);
    error_code ec;
    EXPECT_EQ(a.release(ec), -1);
    EXPECT_EQ(ec, net::error::bad_descriptor);
}

TYPED_TEST(FileInterface, MovesToATypeErasedExecutor) {
    using erased = typename TypeParam::template rebind_executor<net::any_io_executor>::other;
    aura::io_context ctx;
    scratch_file file(10);
    erased f = TypeParam(ctx, file.path(), file_base::read_only);
    EXPECT_EQ(f.size(), 10u);
    EXPECT_EQ(f.get_executor(), net::any_io_executor(ctx.get_executor()));
    erased g(net::any_io_executor(net::make_strand(ctx)), file.path(), file_base::read_only);
    int done = 0;
    f.async_sync_all([&](error_code ec) { done += !ec; });
    g.async_sync_all([&](error_code ec) { done += !ec; });
    ctx.run();
    EXPECT_EQ(done, 2);
    // No ring behind the executor: an error, and no hidden thread.
    net::thread_pool pool(1);
    EXPECT_THROW(erased(net::any_io_executor(pool.get_executor())), test::system_error);
}

TEST(RandomAccessFile, ReadsAndWritesAtOffsets) {
    aura::io_context ctx;
    scratch_file file;
    aura::random_access_file f(ctx, file.path(), file_base::read_write);
    EXPECT_EQ(f.write_some_at(3, net::buffer("abc", 3)), 3u);
    const std::vector<net::const_buffer> parts{net::buffer("d", 1), net::buffer("", 0), net::buffer("ef", 2)};
    EXPECT_EQ(net::write_at(f, 6, parts), 3u);
    EXPECT_EQ(contents_of(file.path()), std::string("\0\0\0abcdef", 9));
    char a[4], b[2];
    const std::vector<net::mutable_buffer> into{net::buffer(a), net::buffer(b)};
    EXPECT_EQ(net::read_at(f, 3, into), 6u);
    EXPECT_EQ(std::string(a, 4) + std::string(b, 2), "abcdef");
    error_code ec;
    EXPECT_EQ(net::read_at(f, 8, into, ec), 1u);
    EXPECT_EQ(ec, net::error::eof);
}

TEST(RandomAccessFile, ConcurrentWritesReachTheirPlaces) {
    aura::io_context ctx;
    scratch_file file;
    aura::random_access_file f(ctx, file.path(), file_base::read_write);
    constexpr std::size_t count = 200, size = 100;
    std::vector<std::string> blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.emplace_back(size, static_cast<char>('0' + i % 75));
    std::size_t done = 0;
    for (std::size_t i = 0; i < count; ++i)
        net::async_write_at(f, i * size, net::buffer(blocks[i]), [&](error_code ec, std::size_t n) {
            EXPECT_FALSE(ec) << ec.message();
            done += n;
        });
    ctx.run();
    EXPECT_EQ(done, count * size);
    std::string expected;
    for (const auto& block : blocks)
        expected += block;
    EXPECT_EQ(contents_of(file.path()), expected);
}

TEST(RandomAccessFile, MoreBuffersThanOneSystemCallTakes) {
    aura::io_context ctx;
    scratch_file file(100);
    aura::random_access_file f(ctx, file.path(), file_base::read_only);
    std::vector<char> memory(100);
    std::vector<net::mutable_buffer> each;
    for (char& c : memory)
        each.push_back(net::buffer(&c, 1));
    std::size_t got = 0;
    net::async_read_at(f, 0, each, [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        got = n;
    });
    ctx.run();
    EXPECT_EQ(got, 100u);
    EXPECT_TRUE(scratch_file::matches(memory.data(), 100, 0));
}

TEST(StreamFile, ReadsOnwardsFromItsPosition) {
    aura::io_context ctx;
    scratch_file file(1000);
    aura::stream_file f(ctx, file.path(), file_base::read_only);
    char data[300];
    EXPECT_EQ(net::read(f, net::buffer(data)), 300u);
    EXPECT_TRUE(scratch_file::matches(data, 300, 0));
    EXPECT_EQ(f.seek(0, file_base::seek_cur), 300u);
    auto main = [&]() -> net::awaitable<void> {
        co_await net::async_read(f, net::buffer(data), net::use_awaitable);
        EXPECT_TRUE(scratch_file::matches(data, 300, 300));
        EXPECT_EQ(f.seek(-100, file_base::seek_end), 900u);
        auto [ec, n] = co_await net::async_read(f, net::buffer(data), test::as_tuple(net::use_awaitable));
        EXPECT_EQ(ec, net::error::eof);
        EXPECT_EQ(n, 100u);
        EXPECT_TRUE(scratch_file::matches(data, 100, 900));
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
    error_code ec;
    f.seek(-1, file_base::seek_set, ec);
    EXPECT_EQ(ec.value(), EINVAL);
}

TEST(StreamFile, LinesAreWrittenAndRead) {
    aura::io_context ctx;
    scratch_file file;
    aura::stream_file f(ctx, file.path(), file_base::read_write);
    auto main = [&]() -> net::awaitable<void> {
        const std::string text = "first\nsecond\n";
        EXPECT_EQ(co_await net::async_write(f, net::buffer(text), net::use_awaitable), text.size());
        f.seek(0, file_base::seek_set);
        std::string line;
        auto n = co_await net::async_read_until(f, net::dynamic_buffer(line), '\n', net::use_awaitable);
        EXPECT_EQ(line.substr(0, n), "first\n");
        line.erase(0, n);
        n = co_await net::async_read_until(f, net::dynamic_buffer(line), '\n', net::use_awaitable);
        EXPECT_EQ(line.substr(0, n), "second\n");
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
}

TEST(StreamFile, AppendWritesAtTheEnd) {
    aura::io_context ctx;
    scratch_file file;
    aura::stream_file a(ctx, file.path(), file_base::write_only | file_base::append);
    aura::stream_file b(ctx, file.path(), file_base::write_only | file_base::append);
    bool done = false;
    net::async_write(a, net::buffer("one ", 4), [&](error_code, std::size_t) {
        net::async_write(b, net::buffer("two ", 4), [&](error_code, std::size_t) {
            net::async_write(a, net::buffer("three", 5), [&](error_code ec, std::size_t) { done = !ec; });
        });
    });
    ctx.run();
    EXPECT_TRUE(done);
    EXPECT_EQ(contents_of(file.path()), "one two three");
}

} // namespace

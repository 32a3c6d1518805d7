// Files: the operation's memory comes from the handler's allocator, is freed before the upcall, and recycled.
#include "support/counting_allocator.hpp"
#include "support/flavour.hpp"
#include "support/scratch_file.hpp"

#include <auraio/auraio.hpp>

#include <gtest/gtest.h>

#include <memory>

using aura::error_code;
using test::scratch_file;
namespace net = aura::net;

namespace {

/// Reads the same block again and again from its own handler; move-only, with an allocator.
struct reader {
    using allocator_type = test::counting_allocator<void>;
    allocator_type get_allocator() const { return allocator_type(*book); }

    void operator()(error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(n, 16u);
        EXPECT_EQ(book->live, 0) << "the operation's memory was not freed before the upcall";
        if (--*left == 0)
            return;
        auto& f = *file;
        char* to = data->get();
        f.async_read_some_at(0, net::buffer(to, 16), std::move(*this));
    }

    test::allocation_log* book;
    aura::random_access_file* file;
    std::unique_ptr<std::unique_ptr<char[]>> data; // makes it move-only
    int* left;
};

TEST(FileMemory, TheHandlersAllocatorIsUsedAndGetsItsMemoryBackFirst) {
    scratch_file contents(64);
    aura::io_context ctx(1);
    aura::random_access_file file(ctx, contents.path(), aura::file_base::read_only);
    test::allocation_log book;
    int left = 100;
    auto data = std::make_unique<std::unique_ptr<char[]>>(std::make_unique<char[]>(16));
    char* to = data->get();
    file.async_read_some_at(0, net::buffer(to, 16), reader{&book, &file, std::move(data), &left});
    ctx.run();
    EXPECT_EQ(left, 0);
    EXPECT_EQ(book.allocations, 100);
    EXPECT_EQ(book.live, 0);
}

} // namespace

// cpp_copy: copies a file without Asio, eight tasks with a block each, then a sync: cpp_copy FROM TO
#include <aura.hpp>

#include <fcntl.h>
#include <iostream>
#include <sys/stat.h>
#include <vector>

namespace {

constexpr int depth = 8;
constexpr std::size_t block = 256 * 1024;

struct copy {
    aura::Engine& engine;
    int from, to;
    off_t size;
    off_t next = 0; // the tasks share it: one thread runs them all
};

aura::Task<> write_all(copy& c, const aura::Buffer& buffer, std::size_t length, off_t offset) {
    for (std::size_t done = 0; done < length;) {
        const auto rest = buffer.bytes().subspan(done, length - done);
        done += static_cast<std::size_t>(
            co_await c.engine.async_write(c.to, rest.data(), rest.size(), offset + static_cast<off_t>(done)));
    }
}

aura::Task<> copy_blocks(copy& c) {
    const aura::Buffer buffer = c.engine.allocate_buffer(block);
    while (c.next < c.size) {
        const off_t offset = c.next;
        c.next += static_cast<off_t>(block);
        const ssize_t n = co_await c.engine.async_read(c.from, buffer, block, offset);
        co_await write_all(c, buffer, static_cast<std::size_t>(n), offset);
    }
}

aura::Task<> copy_file(aura::Engine& engine, const char* from, const char* to) {
    copy c{engine, static_cast<int>(co_await engine.async_openat(AT_FDCWD, from, O_RDONLY | O_CLOEXEC)),
           static_cast<int>(
               co_await engine.async_openat(AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)),
           0};
    struct statx status;
    co_await engine.async_statx(c.from, "", AT_EMPTY_PATH, STATX_SIZE, &status);
    c.size = static_cast<off_t>(status.stx_size);

    std::vector<aura::Task<>> tasks;
    for (int i = 0; i < depth; ++i)
        tasks.push_back(copy_blocks(c));
    co_await aura::when_all(std::move(tasks));

    co_await engine.link().fsync(c.to).close(c.to).submit_async();
    co_await engine.async_close(c.from);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "cpp_copy FROM TO\n";
        return 2;
    }
    try {
        aura::Engine engine;
        engine.block_on(copy_file(engine, argv[1], argv[2]));
    } catch (const aura::Error& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

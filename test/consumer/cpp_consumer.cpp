// A user's program in C++ without Asio: what it reads is itself.
#include <aura.hpp>

#include <cstdio>
#include <fcntl.h>

namespace {

aura::Task<ssize_t> first_bytes(aura::Engine& engine, const char* path) {
    const int fd = static_cast<int>(co_await engine.async_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    aura::Buffer buffer = engine.allocate_buffer(4096);
    const ssize_t n = co_await engine.async_read(fd, buffer, 4, 0);
    co_await engine.async_close(fd);
    co_return n;
}

} // namespace

int main(int, char** argv) {
    aura::Engine engine;
    const ssize_t n = engine.block_on(first_bytes(engine, argv[0]));
    std::printf("%zd bytes\n", n);
    return n == 4 ? 0 : 1;
}

// 3_read_in_a_coroutine: the guide's task that awaits a read.
#include "expect.hpp"

#include <aura.hpp>

#include <system_error>
#include <vector>

// guide: all

int main() {
    aura::Engine engine;
    const int fd = scratch_file('c', 100);
    aura::Task<std::vector<char>> task = read_file_async(engine, fd, 200);
    EXPECT(engine.stats().submitted == 0); // it is lazy
    const std::vector<char> data = engine.block_on(std::move(task));
    EXPECT(data.size() == 100 && data[0] == 'c' && data[99] == 'c');
    try {
        engine.block_on(read_file_async(engine, -1, 200));
        EXPECT(false);
    } catch (const aura::Error& e) {
        EXPECT(e.code() == std::errc::bad_file_descriptor);
    }
    // Several at once: two that are started, and a third that awaits them.
    const auto both = [](aura::Engine& e, int file) -> aura::Task<std::size_t> {
        auto first = read_file_async(e, file, 10);
        auto second = read_file_async(e, file, 20);
        first.start();
        second.start();
        co_return (co_await first).size() + (co_await second).size();
    };
    EXPECT(engine.block_on(both(engine, fd)) == 30);
    EXPECT(engine.buffer_stats().in_use_bytes == 0);
}

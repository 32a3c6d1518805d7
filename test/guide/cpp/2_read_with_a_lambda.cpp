// 2_read_with_a_lambda: the guide's function that reads into a buffer of the pool, and waits for its lambda.
#include "expect.hpp"

#include <aura.hpp>

#include <cstring>
#include <system_error>
#include <vector>

// guide: all

int main() {
    aura::Engine engine;
    const int fd = scratch_file('l', 100);
    std::vector<char> data(200);
    read_file_async(engine, fd, data);
    EXPECT(data.size() == 100 && data[0] == 'l' && data[99] == 'l');
    EXPECT(engine.buffer_stats().allocations == 1 && engine.buffer_stats().in_use_bytes == 0);
    // What cannot be started is an exception, and what the guide's C++ column promises of it: a std::system_error.
    try {
        read_file_async(engine, -1, data);
        EXPECT(false);
    } catch (const std::system_error& e) {
        EXPECT(e.code() == std::errc::bad_file_descriptor);
    }
    EXPECT(engine.buffer_stats().in_use_bytes == 0);
    EXPECT(engine.handle() && aura_get_ring_count(engine.handle()) == engine.ring_count());
}

// 1_blocking_read: the guide's blocking function, which the next two replace.
#include "expect.hpp"

#include <cerrno>
#include <system_error>
#include <vector>

// guide: all

int main() {
    const int fd = scratch_file('b', 100);
    std::vector<char> data(200);
    read_file(fd, data);
    EXPECT(data.size() == 100 && data[99] == 'b');
    try {
        read_file(-1, data);
        EXPECT(false);
    } catch (const std::system_error& e) {
        EXPECT(e.code().value() == EBADF);
    }
}

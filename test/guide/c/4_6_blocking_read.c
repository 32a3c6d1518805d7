/* 4_6_blocking_read: the guide's read before a migration (twice in it): what 5 has to do too, without the library. */
#include "expect.h"

static ssize_t processed;

static void handle_error(int error) {
    EXPECT(error == 0);
}

static void process_data(const char* data, ssize_t size) {
    EXPECT(data[0] == 'b' && data[size - 1] == 'b');
    processed = size;
}

int main(void) {
    static char buf[100];
    const size_t len = sizeof buf;
    const off_t offset = 3;
    const int fd = scratch_file('b', 50);
    {
        // guide: statements
    }
    EXPECT(processed == 47);
    return close(fd);
}

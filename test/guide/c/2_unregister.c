/* 2_unregister: the guide's wait for the end of a registration: what was started on it has ended when it returns. */
#include "expect.h"

static int completed;

static void on_received(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    (void)user_data;
    EXPECT(result == 4096);
    ++completed;
}

int main(void) {
    aura_engine_t* engine = aura_create();
    char* buf1 = aligned_alloc(4096, 4096);
    char* buf2 = aligned_alloc(4096, 4096);
    const int fd = scratch_file('u', 8192);
    EXPECT(engine && buf1 && buf2);
    const struct iovec iovs[2] = {{buf1, 4096}, {buf2, 4096}};
    EXPECT(aura_register_buffers(engine, iovs, 2) == 0);
    EXPECT(aura_read(engine, fd, aura_buf_fixed(0, 0), 4096, 0, on_received, NULL));
    EXPECT(aura_read(engine, fd, aura_buf_fixed(1, 0), 4096, 4096, on_received, NULL));
    {
        // guide: statements
    }
    EXPECT(completed == 2);
    EXPECT(aura_poll(engine) == 0);
    EXPECT(!aura_read(engine, fd, aura_buf_fixed(0, 0), 4096, 0, NULL, NULL) && errno == ENOENT);
    EXPECT(aura_unregister(engine, AURA_REG_BUFFERS) == -ENOENT);
    close(fd);
    return aura_destroy(engine);
}

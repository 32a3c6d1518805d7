/* 3_request_unregister: the guide's callback that asks for a registration's end, and the drain that waits for it. */
#include "expect.h"

static aura_engine_t* engine;
static int fd, called, refused;
static char *buf1, *buf2;

void my_callback(aura_request_t* req, ssize_t result, void* ctx);

// guide: functions

/* The last of three that are told: what it starts is refused while the others' registration ends. */
static void on_last(aura_request_t* request, ssize_t result, void* user_data) {
    EXPECT(result == 4096);
    my_callback(request, result, user_data);
    EXPECT(!aura_read(engine, fd, aura_buf_fixed(0, 0), 4096, 0, NULL, NULL));
    EXPECT(errno == EBUSY);
    ++refused;
    /* Memory of its own is unaffected, and a callback may ask instead of waiting: the same function does both. */
    EXPECT(aura_read(engine, fd, aura_buf(user_data), 16, 0, NULL, NULL));
    EXPECT(aura_unregister(engine, AURA_REG_BUFFERS) == 0);
    EXPECT(aura_wait(engine, -1) == -EDEADLK);
    called = 1;
}

int main(void) {
    static char other[16];
    engine = aura_create();
    buf1 = aligned_alloc(4096, 4096);
    buf2 = aligned_alloc(4096, 4096);
    fd = scratch_file('q', 8192);
    EXPECT(engine && buf1 && buf2);
    const struct iovec iovs[2] = {{buf1, 4096}, {buf2, 4096}};
    EXPECT(aura_register_buffers(engine, iovs, 2) == 0);
    EXPECT(aura_read(engine, fd, aura_buf_fixed(0, 0), 4096, 0, on_last, other));
    EXPECT(aura_read(engine, fd, aura_buf_fixed(1, 0), 4096, 4096, NULL, NULL));
    {
        // guide: statements
    }
    EXPECT(called == 1 && refused == 1 && memcmp(other, "qqqqqqqqqqqqqqqq", 16) == 0);
    /* It has ended: there may be another. */
    buf1 = aligned_alloc(4096, 4096);
    const struct iovec again = {buf1, 4096};
    EXPECT(aura_register_buffers(engine, &again, 1) == 0);
    EXPECT(aura_register_buffers(engine, &again, 1) == -EBUSY);
    EXPECT(aura_unregister(engine, AURA_REG_BUFFERS) == 0);
    free(buf1);
    close(fd);
    return aura_destroy(engine);
}

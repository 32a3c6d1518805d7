/* 1_registered_buffers: the guide's registration of two buffers, and a read and a write by their indices. */
#include "expect.h"

static int completed;

static void cb(aura_request_t* request, ssize_t result, void* ud) {
    EXPECT(result == 4096);
    EXPECT(aura_request_pending(request) == 0);
    *(int*)ud += 1;
}

int main(void) {
    aura_engine_t* engine = aura_create();
    void* ud = &completed;
    const off_t offset = 4096;
    char* buf1 = aligned_alloc(4096, 4096);
    char* buf2 = aligned_alloc(4096, 4096);
    const int fd = scratch_file('r', 8192);
    EXPECT(engine && buf1 && buf2);
    memset(buf1, 0, 4096);
    memset(buf2, 'w', 4096);
    /* Before anything is registered, an index is refused. */
    EXPECT(!aura_read(engine, fd, aura_buf_fixed(0, 0), 4096, offset, cb, ud) && errno == ENOENT);
    {
        // guide: statements
    }
    EXPECT(aura_drain(engine, -1) >= 0 && completed == 2);
    /* The two touch the same bytes of the file, and nothing orders them. */
    EXPECT(buf1[0] == 'r' || buf1[0] == 'w');
    EXPECT(buf1[4095] == 'r' || buf1[4095] == 'w');
    char written[4096];
    EXPECT(pread(fd, written, sizeof written, offset) == 4096 && memcmp(written, buf2, 4096) == 0);
    EXPECT(pread(fd, written, 1, 0) == 1 && written[0] == 'r');
    /* Beyond the buffer, and an index that is none. */
    EXPECT(!aura_read(engine, fd, aura_buf_fixed(0, 1), 4096, offset, cb, ud) && errno == EOVERFLOW);
    EXPECT(!aura_read(engine, fd, aura_buf_fixed(2, 0), 4096, offset, cb, ud) && errno == EINVAL);
    /* A registered file takes the same call: AURA_FIXED_FILE and its index stand for the descriptor. */
    EXPECT(aura_register_files(engine, &fd, 1) == 0);
    EXPECT(aura_read(engine, AURA_FIXED_FILE | 0, aura_buf_fixed(0, 0), 4096, 0, cb, ud));
    EXPECT(aura_drain(engine, -1) == 1 && completed == 3 && buf1[4095] == 'r');
    EXPECT(aura_unregister(engine, AURA_REG_FILES) == 0 && aura_unregister(engine, AURA_REG_BUFFERS) == 0);
    free(buf1);
    free(buf2);
    close(fd);
    return aura_destroy(engine);
}

/* bulk_reader: read a file whole, 32 blocks at a time, and sum its bytes: bulk_reader FILE */
#include <auraio/aura.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { depth = 32, block = 65536 };

static aura_engine_t* engine;
static int fd;
static off_t next_offset, size;
static unsigned long sum;
static int failed;

struct slot {
    unsigned char* data;
    size_t length;
};

static void start(struct slot* s);

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    if (result != (ssize_t)s->length) {
        fprintf(stderr, "read: %s\n", result < 0 ? strerror((int)-result) : "the file became shorter");
        failed = 1;
        return;
    }
    for (ssize_t i = 0; i < result; ++i)
        sum += s->data[i];
    start(s);
}

static void start(struct slot* s) {
    if (next_offset >= size || failed)
        return;
    s->length = size - next_offset < block ? (size_t)(size - next_offset) : block;
    if (!aura_read(engine, fd, aura_buf(s->data), s->length, next_offset, on_read, s)) {
        perror("aura_read");
        failed = 1;
    }
    next_offset += (off_t)s->length;
}

int main(int argc, char** argv) {
    struct slot slots[depth];
    fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    engine = aura_create();
    if (fd < 0 || !engine || (size = lseek(fd, 0, SEEK_END)) < 0) {
        perror("bulk_reader");
        return 1;
    }
    for (int i = 0; i < depth; ++i) {
        slots[i].data = aura_buffer_alloc(engine, block);
        if (slots[i].data)
            start(&slots[i]);
    }
    if (aura_drain(engine, -1) < 0)
        perror("aura_drain");
    printf("%lld bytes, sum %lu\n", (long long)size, sum);
    for (int i = 0; i < depth; ++i)
        aura_buffer_free(engine, slots[i].data);
    close(fd);
    return aura_destroy(engine) != 0 || failed;
}

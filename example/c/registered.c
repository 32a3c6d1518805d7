/* registered: read a file through registered buffers, sum its bytes, and end the registration: registered
 * FILE */
#include <auraio/aura.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { depth = 32, block = 4096, file_index = 0 };

static aura_engine_t* engine;
static struct iovec buffers[depth];
static off_t next_offset, size;
static unsigned long sum;
static int reading, failed;

struct slot {
    int index; /* of its buffer */
};

static void start(struct slot* s);

static void on_unregistered(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    (void)result;
    (void)user_data;
    for (int i = 0; i < depth; ++i) { /* now, and not before: the kernel has let go of them */
        aura_buffer_free(engine, buffers[i].iov_base);
        buffers[i].iov_base = NULL;
    }
}

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    --reading;
    if (result < 0) {
        fprintf(stderr, "read: %s\n", strerror((int)-result));
        failed = 1;
    }
    for (ssize_t i = 0; i < result; ++i)
        sum += ((unsigned char*)buffers[s->index].iov_base)[i];
    start(s);
    if (reading == 0) /* the last one: in a callback an unregistration is only asked for */
        aura_unregister_async(engine, AURA_REG_BUFFERS, on_unregistered, NULL);
}

static void start(struct slot* s) {
    if (next_offset >= size || failed)
        return;
    if (aura_read(engine, AURA_FIXED_FILE | file_index, aura_buf_fixed(s->index, 0), block, next_offset,
                  on_read, s)) {
        ++reading;
        next_offset += block;
    } else {
        perror("aura_read");
        failed = 1;
    }
}

int main(int argc, char** argv) {
    struct slot slots[depth];
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    engine = aura_create();
    if (fd < 0 || !engine || (size = lseek(fd, 0, SEEK_END)) <= 0) {
        perror("registered");
        return 1;
    }
    for (int i = 0; i < depth; ++i) {
        buffers[i].iov_base = aura_buffer_alloc(engine, block);
        buffers[i].iov_len = block;
    }
    if (aura_register_buffers(engine, buffers, depth) != 0 || aura_register_files(engine, &fd, 1) != 0) {
        perror("registering");
        return 1;
    }
    for (int i = 0; i < depth; ++i) {
        slots[i].index = i;
        start(&slots[i]);
    }
    aura_drain(engine, -1);
    if (aura_unregister(engine, AURA_REG_FILES) != 0) /* outside of callbacks it waits */
        perror("aura_unregister");
    printf("%lld bytes, sum %lu\n", (long long)size, sum);
    close(fd);
    return buffers[0].iov_base || aura_destroy(engine) != 0 || failed;
}

/* copy_progress: copy a file, 8 blocks in flight, and show how far it is: copy_progress FROM TO */
#include <auraio/aura.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { depth = 8, block = 262144 };

static aura_engine_t* engine;
static int from, to, failed;
static off_t next_offset, size, copied;

struct slot {
    char* data;
    off_t offset;
    size_t length, done; /* of this block; of it, written */
};

static void start(struct slot* s);

static void stop_at(const char* what, ssize_t result) {
    fprintf(stderr, "\n%s: %s\n", what, result < 0 ? strerror((int)-result) : "the file became shorter");
    failed = 1;
}

static void on_written(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    if (result <= 0) {
        stop_at("write", result);
        return;
    }
    s->done += (size_t)result;
    copied += result;
    fprintf(stderr, "\r%3d %%", (int)(copied * 100 / size));
    if (s->done == s->length)
        start(s);
    else if (!aura_write(engine, to, aura_buf(s->data + s->done), s->length - s->done,
                         s->offset + (off_t)s->done, on_written, s))
        failed = 1;
}

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    if (result <= 0) {
        stop_at("read", result);
        return;
    }
    if (result < (ssize_t)s->length) /* a short read of a regular file: the file became shorter */
        stop_at("read", 0);
    else if (!aura_write(engine, to, aura_buf(s->data), s->length, s->offset, on_written, s))
        failed = 1;
}

static void start(struct slot* s) {
    if (next_offset >= size || failed)
        return;
    s->offset = next_offset;
    s->length = size - next_offset < block ? (size_t)(size - next_offset) : block;
    s->done = 0;
    next_offset += (off_t)s->length;
    if (!aura_read(engine, from, aura_buf(s->data), s->length, s->offset, on_read, s))
        failed = 1;
}

int main(int argc, char** argv) {
    struct slot slots[depth];
    from = argc > 2 ? open(argv[1], O_RDONLY) : -1;
    to = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    engine = aura_create();
    if (from < 0 || to < 0 || !engine || (size = lseek(from, 0, SEEK_END)) < 0) {
        perror("copy_progress");
        return 1;
    }
    for (int i = 0; i < depth; ++i)
        if ((slots[i].data = aura_buffer_alloc(engine, block)))
            start(&slots[i]);
    aura_drain(engine, -1);
    fputc('\n', stderr);
    for (int i = 0; i < depth; ++i)
        aura_buffer_free(engine, slots[i].data);
    return aura_destroy(engine) != 0 || close(to) != 0 || failed || copied != size;
}

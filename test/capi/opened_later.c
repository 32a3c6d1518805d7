/* The library opened by a running program, as a language's foreign function interface does: its thread-local
 * variables need room in threads that are there already. */
#include <auraio/aura.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char* file_to_read;
static void* library;
static int released[2];

static _Noreturn void fail(const char* what, const char* why) {
    fprintf(stderr, "opened_later: %s: %s\n", what, why);
    exit(1);
}

static void* symbol(const char* name) {
    void* const found = dlsym(library, name);
    if (!found)
        fail(name, dlerror());
    return found;
}

struct functions {
    aura_engine_t* (*create)(void);
    int (*destroy)(aura_engine_t*);
    int (*wait)(aura_engine_t*, int);
    aura_request_t* (*read)(aura_engine_t*, int, aura_buf_t, size_t, off_t, aura_callback_t, void*);
    bool (*in_callback)(void);
};

struct outcome {
    const struct functions* call;
    ssize_t result;
    bool in_callback;
};

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    struct outcome* const outcome = user_data;
    (void)request;
    outcome->result = result;
    outcome->in_callback = outcome->call->in_callback();
}

/* Data and functions are not interchangeable for ISO C; for POSIX they are. */
static void look_up(struct functions* f) {
    *(void**)&f->create = symbol("aura_create");
    *(void**)&f->destroy = symbol("aura_destroy");
    *(void**)&f->wait = symbol("aura_wait");
    *(void**)&f->read = symbol("aura_read");
    *(void**)&f->in_callback = symbol("aura_in_callback_context");
}

static void* older_than_the_library(void* unused) {
    struct functions call;
    char byte, text[16];
    struct outcome outcome = {&call, 0, false};
    if (read(released[0], &byte, 1) != 1)
        fail("read", "the pipe was closed");
    look_up(&call);
    aura_engine_t* const engine = call.create();
    const int fd = open(file_to_read, O_RDONLY | O_CLOEXEC);
    if (!engine || fd < 0)
        fail("aura_create or open", "nothing came of it");
    if (!call.read(engine, fd, aura_buf(text), sizeof text, 0, on_read, &outcome) ||
        call.wait(engine, -1) != 1)
        fail("aura_read", "it did not complete");
    close(fd);
    if (outcome.result != (ssize_t)sizeof text || !outcome.in_callback || call.in_callback())
        fail("aura_read", "a wrong result, or the callback's thread did not know where it was");
    if (call.destroy(engine) != 0)
        fail("aura_destroy", "refused");
    return unused;
}

int main(int argc, char** argv) {
    pthread_t thread;
    if (argc != 3)
        fail("usage", "opened_later <library> <file to read>");
    file_to_read = argv[2];
    if (pipe(released) != 0 || pthread_create(&thread, NULL, older_than_the_library, NULL) != 0)
        fail("pipe or pthread_create", "refused");
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail("dlopen", dlerror());
    if (write(released[1], "", 1) != 1)
        fail("write", "refused");
    pthread_join(thread, NULL);
    return 0;
}

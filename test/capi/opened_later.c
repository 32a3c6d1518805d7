/* The library opened by a running program, as a language's foreign function interface does: its thread-local
 * variables need room in threads that are there already. And closed by it while threads of the library's
 * may be there. */
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

static void open_library(const char* path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail("dlopen", dlerror());
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

static void* watch_an_engine(void* unused) {
    void (*set_stall_report)(unsigned);
    struct functions call;
    *(void**)&set_stall_report = symbol("aura_set_stall_report");
    look_up(&call);
    set_stall_report(1000);
    aura_engine_t* const engine = call.create();
    if (!engine || call.destroy(engine) != 0)
        fail("aura_create or aura_destroy", "refused");
    return unused;
}

/* A thread of the library's, which nobody joins, may still end after the last engine: its code must stay. The program's
 * own thread has ended: the loader keeps what has thread-local variables to destroy. */
static void close_while_it_has_threads(const char* path) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch_an_engine, NULL) != 0)
        fail("pthread_create", "refused");
    pthread_join(thread, NULL);
    if (dlclose(library) != 0)
        fail("dlclose", dlerror());
    if (!dlopen(path, RTLD_NOW | RTLD_NOLOAD))
        fail("dlclose", "the library is gone");
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
    if (argc == 2) { // nothing else has pinned the library
        open_library(argv[1]);
        close_while_it_has_threads(argv[1]);
        return 0;
    }
    if (argc != 3)
        fail("usage", "opened_later <library> [<file to read>]");
    file_to_read = argv[2];
    if (pipe(released) != 0 || pthread_create(&thread, NULL, older_than_the_library, NULL) != 0)
        fail("pipe or pthread_create", "refused");
    open_library(argv[1]);
    if (write(released[1], "", 1) != 1)
        fail("write", "refused");
    pthread_join(thread, NULL);
    return 0;
}

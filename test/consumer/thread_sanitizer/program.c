/* program: callbacks of the C library, in other threads than what they use was made in, and while others of their ring
 * wait for them. Nothing in it is a race. */
#include <auraio/aura.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { jobs = 100, bytes = 512 };

static aura_engine_t* engine;
static int file;
static size_t done; /* one ring: its callbacks run one after the other */

struct job {
    char* data;
    ssize_t result;
};

static void finish(struct job* job, ssize_t result) {
    job->result = result;
    if (job->data)
        memset(job->data, 'y', bytes);
    if (++done == 3 * (size_t)jobs)
        aura_stop(engine);
}

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    finish(user_data, result);
}

static void expect(int right, const char* what) {
    if (right)
        return;
    fprintf(stderr, "wrong: %s\n", what);
    exit(2);
}

static void* run(void* nothing) {
    (void)nothing;
    expect(aura_run(engine) == 0, "aura_run");
    return NULL;
}

static void submit(struct job* job) {
    job->data = malloc(bytes);
    memset(job->data, 'x', bytes);
    expect(aura_read(engine, file, aura_buf(job->data), bytes, 0, on_read, job) != NULL, "aura_read");
}

static void* start(void* all) {
    struct job* job = all;
    for (size_t i = 0; i < jobs; ++i) {
        if (i % 2)
            submit(job + i);
        else
            expect(aura_timeout(engine, 1000, on_read, job + i) != NULL, "aura_timeout");
    }
    return NULL;
}

static void on_event(aura_request_t* request, ssize_t result, void* user_data) {
    int* pipe = user_data;
    (void)request;
    (void)result;
    done += done; /* written before this was started */
    expect(write(pipe[1], "x", 1) == 1, "write");
}

static void on_start(aura_request_t* request, ssize_t result, void* user_data) {
    int* pipe = user_data;
    char byte;
    (void)request;
    (void)result;
    done = 1;
    expect(aura_timeout(engine, 1000, on_event, pipe) != NULL, "aura_timeout");
    expect(read(pipe[0], &byte, 1) == 1 && done == 2, "a callback that blocks");
    aura_stop(engine);
}

/* Rings are taken from callbacks that block. */
static void wait_in_callbacks(void) {
    int ends[2];
    aura_options_t options;
    aura_options_init(&options);
    options.ring_count = 2;
    engine = aura_create_with_options(&options);
    expect(engine != NULL && pipe(ends) == 0, "aura_create");
    for (int i = 0; i < 20; ++i) {
        pthread_t runner[2];
        for (int j = 0; j < 2; ++j)
            pthread_create(&runner[j], NULL, run, NULL);
        expect(aura_timeout(engine, 0, on_start, ends) != NULL, "aura_timeout");
        for (int j = 0; j < 2; ++j)
            pthread_join(runner[j], NULL);
    }
    expect(aura_destroy(engine) == 0, "aura_destroy");
    close(ends[0]);
    close(ends[1]);
}

int main(int argc, char** argv) {
    static struct job job[3][jobs];
    pthread_t runner, starter[2];
    aura_options_t options;
    (void)argc;
    aura_options_init(&options);
    options.ring_count = 1;
    engine = aura_create_with_options(&options);
    expect(engine != NULL, "aura_create");
    file = open(argv[0], O_RDONLY);
    pthread_create(&runner, NULL, run, NULL);
    for (int i = 0; i < 2; ++i)
        pthread_create(&starter[i], NULL, start, job[i]);
    start(job[2]);
    for (int i = 0; i < 2; ++i)
        pthread_join(starter[i], NULL);
    /* Until the others' callbacks have called aura_stop(): this thread helps. */
    while (aura_wait(engine, -1) > 0)
        ;
    expect(done == 3 * (size_t)jobs, "callbacks");
    for (int i = 0; i < 3; ++i)
        for (size_t j = 0; j < jobs; ++j) {
            expect(job[i][j].data ? job[i][j].result > 0 : job[i][j].result == 0, "a result");
            free(job[i][j].data);
        }
    pthread_join(runner, NULL);
    expect(aura_destroy(engine) == 0, "aura_destroy");
    close(file);
    wait_in_callbacks();
    puts("right");
    return 0;
}

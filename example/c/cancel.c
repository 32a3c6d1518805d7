/* cancel: read from a pipe into which nobody writes, for 10 ms at most. */
#include <auraio/aura.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static aura_engine_t* engine;
static aura_request_t* reading;
static ssize_t outcome;

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    (void)user_data;
    outcome = result;
}

static void on_timeout(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    (void)result;
    (void)user_data;
    aura_cancel(engine, reading); /* harmless if it has ended meanwhile */
}

int main(void) {
    int ends[2];
    char data[1];
    engine = aura_create();
    if (!engine || pipe(ends) != 0) {
        perror("cancel");
        return 1;
    }
    reading = aura_read(engine, ends[0], aura_buf(data), 1, 0, on_read, NULL);
    if (!reading || !aura_timeout(engine, 10000000, on_timeout, NULL))
        perror("cancel");
    aura_drain(engine, -1);
    printf("%s\n", outcome == -ECANCELED ? "cancelled" : "not cancelled");
    return aura_destroy(engine) != 0 || outcome != -ECANCELED;
}

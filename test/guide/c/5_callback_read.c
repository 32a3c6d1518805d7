/* 5_callback_read: the guide's read after the migration: a callback, and one wait, which tells it of the end. */
#include "expect.h"

static ssize_t processed = -1;
static int failed;
static char buf[100];

static void handle_error(int error) {
    failed = error;
}

/* The guide leaves open what it is given. */
#define process_data() (processed = n)

void my_callback(aura_request_t* req, ssize_t n, void* ctx);

// guide: functions

static void read_file(aura_engine_t* engine, int fd, size_t len, off_t offset) {
    void* user_context = NULL;
    // guide: statements
}

int main(void) {
    aura_engine_t* engine = aura_create();
    const int fd = scratch_file('c', 50);
    EXPECT(engine);
    read_file(engine, fd, sizeof buf, 3);
    EXPECT(processed == 47 && failed == 0 && buf[0] == 'c' && buf[46] == 'c' && buf[47] == 0);
    /* Nothing is pending: a wait without a limit returns at once. */
    EXPECT(aura_wait(engine, -1) == 0);
    /* What the kernel says comes as a negated errno: a directory cannot be read. */
    const int directory = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT(directory >= 0);
    read_file(engine, directory, sizeof buf, 0);
    EXPECT(failed == EISDIR);
    close(directory);
    close(fd);
    return aura_destroy(engine);
}

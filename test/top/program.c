/* A program to look at: serves statistics at argv[1], reads the file argv[2], and ends when standard input does. */
#include <auraio/aura.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void ended(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    *(ssize_t*)user_data = result;
}

int main(int argc, char** argv) {
    char data[16];
    ssize_t result = -1;
    aura_engine_t* engine = aura_create();
    const int fd = argc > 2 ? open(argv[2], O_RDONLY) : -1;
    if (!engine || fd < 0 || aura_serve_statistics(engine, argv[1], -1) != 0 ||
        !aura_read(engine, fd, aura_buf(data), sizeof data, 0, ended, &result) ||
        aura_drain(engine, -1) < 0 || result < 1) {
        perror("program");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, data, sizeof data) > 0) {
    }
    close(fd);
    return aura_destroy(engine);
}

/* quick_start: read the beginning of a file: quick_start FILE */
#include <auraio/aura.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char data[80];

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    (void)user_data;
    if (result < 0)
        fprintf(stderr, "read: %s\n", strerror((int)-result));
    else
        printf("%.*s\n", (int)result, data);
}

int main(int argc, char** argv) {
    const int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    aura_engine_t* engine = aura_create();
    if (fd < 0 || !engine) {
        perror("quick_start");
        return 1;
    }
    if (!aura_read(engine, fd, aura_buf(data), sizeof data, 0, on_read, NULL))
        perror("aura_read");
    aura_wait(engine, -1);
    close(fd);
    return aura_destroy(engine);
}

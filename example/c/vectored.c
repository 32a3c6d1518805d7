/* vectored: write a header and a body as one operation, and sync them: vectored FILE */
#include <auraio/aura.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void on_safe(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    *(ssize_t*)user_data = result;
}

int main(int argc, char** argv) {
    char header[] = "header\n", body[] = "body\n";
    const struct iovec parts[] = {{header, strlen(header)}, {body, strlen(body)}};
    ssize_t synced = -1;
    const int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    aura_engine_t* engine = aura_create();
    if (fd < 0 || !engine) {
        perror("vectored");
        return 1;
    }
    /* The sync begins when everything has been written, and is cancelled when that fails. */
    if (!aura_submit_linked(engine,
                            (aura_op_t[]){aura_op_writev(fd, parts, 2, 0, NULL, NULL),
                                          aura_op_fdatasync(fd, on_safe, &synced)},
                            2, NULL))
        perror("aura_submit_linked");
    aura_drain(engine, -1);
    printf("%s\n", synced == 0 ? "safe" : strerror((int)-synced));
    close(fd);
    return aura_destroy(engine) != 0 || synced != 0;
}

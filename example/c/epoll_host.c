/* epoll_host: an engine inside a program that waits in epoll_wait(2): epoll_host FILE */
#include <auraio/aura.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

static int pending;

static void on_end(aura_request_t* request, ssize_t result, void* user_data) {
    printf("%s: %zd\n", aura_request_op_type(request) == AURA_OP_READ ? "read" : "timeout", result);
    (void)user_data;
    --pending;
}

int main(int argc, char** argv) {
    static char data[4096];
    const int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    const int host = epoll_create1(EPOLL_CLOEXEC);
    aura_engine_t* engine = aura_create();
    struct epoll_event event = {.events = EPOLLIN};
    if (fd < 0 || host < 0 || !engine ||
        epoll_ctl(host, EPOLL_CTL_ADD, aura_get_poll_fd(engine), &event) != 0) {
        perror("epoll_host");
        return 1;
    }
    pending += aura_read(engine, fd, aura_buf(data), sizeof data, 0, on_end, NULL) != NULL;
    pending += aura_timeout(engine, 5000000, on_end, NULL) != NULL;
    while (pending > 0) {
        const int n = epoll_wait(host, &event, 1, -1);
        if (n < 0 && errno != EINTR) /* EINTR: a completion has arrived */
            break;
        if (n > 0)
            aura_poll(engine);
    }
    close(host);
    close(fd);
    return aura_destroy(engine) != 0 || pending != 0;
}

/* header_alone: the header in a C program that includes nothing else before it, and a whole read from C. */
#include <auraio/aura.h>

#include <stdio.h>
#include <string.h>

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    (void)request;
    *(ssize_t*)user_data = result;
}

int main(int argc, char** argv) {
    char data[64];
    ssize_t result = -1;
    FILE* file = fopen(argv[argc - 1], "rb");
    aura_engine_t* engine = aura_create();
    if (!file || !engine)
        return 1;
    aura_op_t chain[2] = {aura_op_read(fileno(file), aura_buf(data), sizeof data, 0, on_read, &result),
                          aura_op_close(1 << 20, NULL, NULL)};
    if (!aura_submit_linked(engine, chain, 2, NULL) || aura_drain(engine, -1) != 2)
        return 2;
    if (result != (ssize_t)sizeof data || strcmp(aura_version(), "") == 0)
        return 3;
    /* The calls of seven arguments, which take registered buffers and files as they take others. */
    struct iovec memory = {data, sizeof data};
    int fd = fileno(file);
    if (aura_register_buffers(engine, &memory, 1) != 0 || aura_register_files(engine, &fd, 1) != 0)
        return 4;
    if (!aura_read(engine, fd, aura_buf_fixed(0, 0), 32, 0, on_read, &result) || aura_wait(engine, -1) != 1)
        return 5;
    if (!aura_read(engine, AURA_FIXED_FILE | 0, aura_buf_fixed(0, 32), 32, 0, on_read, &result) ||
        aura_wait(engine, 1000) != 1 || result != 32 || memcmp(data, data + 32, 32) != 0)
        return 6;
    if (aura_request_unregister(engine, AURA_REG_BUFFERS) != 0 || aura_drain(engine, -1) < 0 ||
        aura_unregister(engine, AURA_REG_FILES) != 0 || aura_wait(engine, 1000) != 0)
        return 7;
    fclose(file);
    return aura_destroy(engine);
}

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
    fclose(file);
    return aura_destroy(engine);
}

// debug_mode: the smallest program with a context.
#include <auraio/io_context.hpp>

int main() {
    aura::io_context ctx(1);
    aura::net::post(ctx, [] {});
    return ctx.run() == 1 ? 0 : 1;
}

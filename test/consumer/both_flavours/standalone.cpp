// The half with standalone Asio.
#include <asio.hpp> // first: it tells which flavour

#include <auraio/io_context.hpp>

int run_boost();

int main() {
    aura::io_context ctx(1);
    asio::post(ctx, [] {});
    return ctx.run() == 1 ? run_boost() : 1;
}

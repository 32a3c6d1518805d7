// Asio's sockets and our executor without our sockets: not Asio's template under the name of ours, but an
// error.
#include <asio.hpp>

#include <auraio/io_context.hpp>

int main() {
    aura::io_context ctx;
    aura::net::OBJECT object(ctx);
}

// The half with Boost.Asio.
#include <boost/asio.hpp> // first: it tells which flavour

#include <auraio/io_context.hpp>

int run_boost();

int run_boost() {
    aura::io_context ctx(1);
    boost::asio::post(ctx, [] {});
    return ctx.run() == 1 ? 0 : 1;
}

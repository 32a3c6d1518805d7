// What a user's first program looks like; exits with 0 when its handler ran.
#include <auraio/auraio.hpp>

int main() {
    bool ran = false;
    aura::io_context context;
    aura::net::post(context, [&ran] { ran = true; });
    context.run();
    return ran ? 0 : 1;
}

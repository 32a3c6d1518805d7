// objects: prints the name that the linker knows our classes over Asio by, their size and alignment. What one source
// file of a program hands to another of another setting has either one layout or two names.
#include <auraio/auraio.hpp>

#include <cstddef>
#include <cstdio>
#include <typeinfo>

namespace {

template <class T>
void print() {
    std::printf("%s %zu %zu\n", typeid(T).name(), sizeof(T), alignof(T));
}

} // namespace

int main() {
    print<aura::executor>();
    print<aura::io_context>();
    print<aura::ip::tcp::socket>();
    print<aura::ip::tcp::acceptor>();
    print<aura::ip::udp::socket>();
    print<aura::steady_timer>();
    print<aura::signal_set>();
    print<aura::posix::stream_descriptor>();
    print<aura::readable_pipe>();
    print<aura::random_access_file>();
    print<aura::stream_file>();
    print<aura::buffer_pool>();
    print<aura::pooled_buffer>();
    print<aura::file_registration>();
}

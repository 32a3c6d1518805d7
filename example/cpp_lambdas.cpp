// cpp_lambdas: reads the first block of a file without Asio, by a lambda, with a time limit: cpp_lambdas FILE
#include <aura.hpp>

#include <chrono>
#include <fcntl.h>
#include <iostream>
#include <string_view>
#include <unistd.h>

int main(int argc, char** argv) {
    const int fd = argc > 1 ? ::open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    std::stop_source stop;
    try {
        aura::Engine engine;
        const aura::Buffer buffer = engine.allocate_buffer(4096);
        engine.read(fd, buffer, buffer.size(), 0, aura::stop_on(stop.get_token(), [&](ssize_t n) {
                        if (n < 0) // leaves drain()
                            throw aura::Error(static_cast<int>(-n), argv[1]);
                        std::cout << std::string_view(static_cast<char*>(buffer.data()),
                                                      static_cast<std::size_t>(n));
                    }));
        engine.timeout(std::chrono::seconds(1),
                       aura::stop_on(stop.get_token(), [&] { stop.request_stop(); }));
        engine.wait();
        stop.request_stop(); // the time limit, where the read was first
        engine.drain();
    } catch (const aura::Error& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
    return ::close(fd);
}

#include "failure.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace benchmark {
namespace {

[[noreturn]] void end(int status, std::string_view what, int error) {
    std::string message(what);
    if (error != 0)
        message.append(": ").append(std::strerror(error));
    std::fprintf(stderr, "%s\n", message.c_str());
    // No destructors and no atexit: other threads are still running.
    std::_Exit(status);
}

} // namespace

void fail(std::string_view what, int error) {
    end(1, what, error);
}

void unsupported(std::string_view what, int error) {
    end(77, what, error);
}

} // namespace benchmark

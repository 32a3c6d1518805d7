// How a contender ends when it cannot run: a message, and an exit status the driver tells apart.
#pragma once

#include <string_view>

namespace benchmark {

// The contender is broken: status 1, the driver stops.
[[noreturn]] void fail(std::string_view what, int error = 0);

// This machine lacks something (io_uring blocked, no O_DIRECT): status 77, the driver names it in the table.
[[noreturn]] void unsupported(std::string_view what, int error = 0);

} // namespace benchmark

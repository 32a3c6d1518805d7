// make_test_file path=... mib=...: writes the file that the read benchmarks use, if it is not there yet.
#include "arguments.hpp"
#include "failure.hpp"
#include "test_file.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>

#include <sys/stat.h>

int main(int argc, char** argv) {
    using namespace benchmark;
    arguments args(argc, argv, "make_test_file");
    const std::string path = args.text("path", "benchmark_data");
    const std::uint64_t size = args.number("mib", 1024) << 20;
    args.reject_unknown();

    struct stat status{};
    if (::stat(path.c_str(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size)
        return 0;
    // Under its name only when complete: the next run would take what an interrupted one leaves for good.
    const std::string unfinished = path + ".unfinished";
    make_test_file(unfinished, size);
    if (std::rename(unfinished.c_str(), path.c_str()) != 0)
        fail(path, errno);
}

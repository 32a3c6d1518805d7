// A read through aura.h, so many times, for counting its instructions: walks.sh.
#include "support/arguments.hpp"
#include "support/failure.hpp"

#include <auraio/aura.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>

namespace {

using namespace benchmark;

constexpr std::size_t block = 4096;

struct reader {
    aura_engine_t* engine;
    int fd;
    std::int64_t left;
    std::uint64_t in_flight = 0;
};

struct slot {
    reader& all;
    std::vector<char> buffer = std::vector<char>(block);
    off_t offset = 0;
};

void on_read(aura_request_t*, ssize_t result, void* user_data);

void next(slot& s) {
    if (!aura_read(s.all.engine, s.all.fd, aura_buf(s.buffer.data()), block, s.offset, on_read, &s))
        fail("aura_read", errno);
}

void on_read(aura_request_t*, ssize_t result, void* user_data) {
    slot& s = *static_cast<slot*>(user_data);
    if (result != static_cast<ssize_t>(block))
        fail("read");
    if (--s.all.left > 0)
        next(s);
    else if (--s.all.in_flight == 0)
        aura_stop(s.all.engine);
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "auraio_c");
    const auto count = static_cast<std::int64_t>(args.number("count", 1000));
    const std::string path = args.text("path", "data");
    const auto depth = args.number("depth", 1);
    args.reject_unknown();

    const std::unique_ptr<aura_engine_t, int (*)(aura_engine_t*)> engine(aura_create(), aura_destroy);
    if (!engine)
        unsupported("aura_create", errno);
    reader all{engine.get(), ::open(path.c_str(), O_RDONLY | O_CLOEXEC), count, depth};
    if (all.fd < 0)
        fail("open", errno);
    std::vector<std::unique_ptr<slot>> slots;
    for (std::uint64_t i = 0; i < depth; ++i) {
        slot& s = *slots.emplace_back(new slot{all});
        s.offset = static_cast<off_t>(i * block);
        next(s);
    }
    if (const int result = aura_run(engine.get()); result < 0)
        fail("aura_run", -result);
}

// The floor under cached reads without io_uring: one thread, one read after the other, each told not to wait.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/read_workload.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/uio.h>

int main(int argc, char** argv) {
    using namespace benchmark;
    arguments args(argc, argv, "preadv2_loop");
    pin_this_thread(0);
    read_workload workload(args);
    args.reject_unknown();

    const auto read = [&](unsigned slot) -> std::int64_t {
        const iovec buffer{workload.buffer(slot), block_size};
        const auto offset = static_cast<off_t>(workload.next_offset(slot));
        const auto size = ::preadv2(workload.fd(), &buffer, 1, offset, RWF_NOWAIT);
        return size < 0 ? -errno : size;
    };
    // The slots in turn, so that as much memory is read into as where all of them are in flight.
    unsigned slot = 0;
    while (workload.completed(slot, read(slot)))
        slot = (slot + 1) % workload.depth();
    workload.print(args);
}

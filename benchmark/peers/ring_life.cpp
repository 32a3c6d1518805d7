// What the life of a context is measured against: a ring that is set up, used once and closed.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/failure.hpp"
#include "support/measured_section.hpp"

#include <cerrno>

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace benchmark;

void live(unsigned entries) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        fail("socketpair", errno);
    io_uring ring{};
    if (const int result = ::io_uring_queue_init(entries, &ring, IORING_SETUP_COOP_TASKRUN); result < 0)
        unsupported("io_uring_setup", -result);
    char sent = 'x';
    char received = 0;
    ::io_uring_prep_send(::io_uring_get_sqe(&ring), ends[0], &sent, 1, MSG_NOSIGNAL);
    ::io_uring_prep_recv(::io_uring_get_sqe(&ring), ends[1], &received, 1, 0);
    if (const int result = ::io_uring_submit_and_wait(&ring, 2); result < 0)
        fail("io_uring_enter", -result);
    ::io_uring_queue_exit(&ring);
    ::close(ends[0]);
    ::close(ends[1]);
    if (received != sent)
        fail("the byte did not arrive");
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_uring");
    pin_this_thread(0);
    const auto entries = static_cast<unsigned>(args.number("entries", 64));
    measured_section section(args, 16);
    args.reject_unknown();
    do
        live(entries);
    while (section.count());
    section.print(args, 1);
}

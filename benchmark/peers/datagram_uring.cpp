// What aura's datagram socket is measured against: the UDP echo loop one would write by hand on liburing.
//
// One datagram is in work at a time, as in the loop over async_receive_from and async_send_to.
#include "peers/echo_ring.hpp"
#include "support/failure.hpp"
#include "support/served_load.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

namespace {

using namespace benchmark;

class datagram_server {
public:
    datagram_server(const served_socket& socket, unsigned ring_flags)
        : fd_(socket.fd)
        , data_(socket.message_size)
        , ring_(ring_flags, socket.counters) {
        part_.iov_base = data_.data();
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        message_.msg_name = &from_;
        arm(operation::receive);
    }

    [[noreturn]] void run() {
        for (;;)
            ring_.turn([this](const io_uring_cqe& cqe) {
                if (cqe.res < 0)
                    fail("recvmsg or sendmsg", -cqe.res);
                part_.iov_len = static_cast<std::size_t>(cqe.res);
                arm(static_cast<operation>(cqe.user_data) == operation::receive ? operation::send
                                                                                : operation::receive);
            });
    }

private:
    enum class operation : std::uint64_t { receive, send };

    void arm(operation what) {
        io_uring_sqe* const sqe = ring_.entry();
        if (what == operation::receive) {
            part_.iov_len = data_.size();
            message_.msg_namelen = sizeof from_;
            ::io_uring_prep_recvmsg(sqe, fd_, &message_, 0);
        } else {
            ::io_uring_prep_sendmsg(sqe, fd_, &message_, 0);
        }
        sqe->user_data = static_cast<std::uint64_t>(what);
    }

    int fd_;
    std::vector<std::byte> data_;
    iovec part_{};
    sockaddr_in from_{};
    msghdr message_{};
    echo_ring ring_;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_uring");
    const unsigned ring_flags = echo_ring::setup_flags(args.text("ring", "coop"));
    return run_under_load(
        args, [ring_flags](const served_socket& socket) { datagram_server(socket, ring_flags).run(); });
}

// The echo load on io_uring: cheap enough that the server, not the client, is what limits the rate.
//
// It costs less than any of the servers: one multishot receive per connection, sends that report failures
// only, and every answer in one system call with all the others. It never sleeps, so that a server's send
// never has to wake another processor, which no server with a network card between has to either.
#include "load_generator.hpp"

#include "failure.hpp"
#include "load_pattern.hpp"
#include "peers/echo_ring.hpp"

#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace benchmark {
namespace {

struct client {
    int fd = -1;
    std::uint64_t sequence = 0;
    std::size_t received = 0; // of the message on its way
};

class ring_load final : public closed_loop {
public:
    explicit ring_load(const load_description& what)
        : what_(what)
        , pattern_(what.message_size)
        , clients_(what.connections)
        , ring_(echo_ring::setup_flags("defer"), counters_)
        , buffers_(ring_.get(), 2 * what.connections, static_cast<unsigned>(what.message_size)) {
        for (client& one : clients_)
            one.fd = connected_socket();
    }

    ~ring_load() override {
        for (const client& one : clients_)
            ::close(one.fd);
    }

private:
    static constexpr std::uint64_t send_failed = 1ull << 32;

    void turn() override {
        if (!begun_) {
            begun_ = true;
            for (std::size_t i = 0; i < clients_.size(); ++i) {
                receive(i);
                send(i);
            }
        }
        send_due();
        ring_.look([this](const io_uring_cqe& cqe) { completed(cqe); });
        buffers_.publish();
    }

    int connected_socket() {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(what_.port);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            fail("socket", errno);
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
            fail("connect", errno);
        return fd;
    }

    void receive(std::size_t index) {
        io_uring_sqe* const sqe = ring_.entry();
        ::io_uring_prep_recv_multishot(sqe, clients_[index].fd, nullptr, 0, 0);
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = buffer_ring::group;
        sqe->user_data = index;
    }

    void send(std::size_t index) {
        const client& one = clients_[index];
        io_uring_sqe* const sqe = ring_.entry();
        // Whole or not at all: the socket's buffer is empty when a message is due.
        ::io_uring_prep_send(sqe, one.fd, pattern_.message(index, one.sequence), what_.message_size,
                             MSG_NOSIGNAL | MSG_WAITALL);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        sqe->user_data = send_failed | index;
    }

    void completed(const io_uring_cqe& cqe) {
        if ((cqe.user_data & send_failed) != 0)
            fail("send", cqe.res < 0 ? -cqe.res : 0);
        if (cqe.res <= 0)
            fail("the server has closed a connection", -cqe.res);
        const auto index = static_cast<std::size_t>(cqe.user_data);
        const unsigned buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
        client& one = clients_[index];
        const auto got = static_cast<std::size_t>(cqe.res);
        if (one.received + got > what_.message_size ||
            std::memcmp(buffers_.data(buffer), pattern_.message(index, one.sequence) + one.received, got) !=
                0)
            fail("the server has answered with other bytes");
        buffers_.give_back(buffer);
        if ((cqe.flags & IORING_CQE_F_MORE) == 0)
            receive(index);
        one.received += got;
        if (one.received < what_.message_size)
            return;
        one.received = 0;
        ++one.sequence;
        count_round_trips(1);
        if (what_.think.count() == 0)
            send(index);
        else
            thinking_.push_back({std::chrono::steady_clock::now() + what_.think, index});
    }

    void send_due() {
        if (thinking_.empty())
            return;
        // All think equally long, so the queue is in order.
        const auto now = std::chrono::steady_clock::now();
        for (; !thinking_.empty() && thinking_.front().due <= now; thinking_.pop_front())
            send(thinking_.front().index);
    }

    struct thought {
        std::chrono::steady_clock::time_point due;
        std::size_t index;
    };

    load_description what_;
    pattern pattern_;
    std::vector<client> clients_;
    server_counters counters_; // nobody asks how this side fares
    echo_ring ring_;
    buffer_ring buffers_;
    std::deque<thought> thinking_;
    bool begun_ = false;
};

} // namespace

std::unique_ptr<load_generator> make_ring_load(const load_description& what) {
    return std::make_unique<ring_load>(what);
}

} // namespace benchmark

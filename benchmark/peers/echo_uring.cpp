// What aura's sockets are measured against: the TCP echo loop one would write by hand on liburing.
//
// One submission per turn of the loop, everything that completed is answered in it. What differs is how a
// server receives (argument recv):
//   oneshot     a recv for each message: what an async_read_some of the caller's buffer is
//   poll_first  the same, told not to look before the socket says it is readable
//   adaptive    poll_first unless the last recv said that more is there
//   waitall     oneshot with MSG_WAITALL
//   multishot   one recv for all messages, into a buffer ring, answered from there
//   copied      the same, but copied into the connection's own buffer first, as async_read_some would have to
#include "peers/echo_ring.hpp"
#include "support/failure.hpp"
#include "support/served_load.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace benchmark;

enum class operation : std::uint32_t { accept, receive, send, close };

enum class receiving { oneshot, poll_first, adaptive, waitall, multishot, copied };

receiving receiving_named(const std::string& name) {
    constexpr const char* names[] = {"oneshot", "poll_first", "adaptive", "waitall", "multishot", "copied"};
    for (int i = 0; i < 6; ++i)
        if (name == names[i])
            return static_cast<receiving>(i);
    fail("recv is oneshot, poll_first, adaptive, waitall, multishot or copied");
}

struct settings {
    receiving recv;
    bool accept_multishot;
    bool close_on_ring;
    unsigned ring_flags;
};

constexpr unsigned no_buffer = ~0u;

struct connection {
    int fd = -1;
    unsigned sent = 0;          // of the message being sent
    unsigned length = 0;        // of the message being sent, or zero
    bool more = false;          // the socket was not empty after the last recv
    bool at_end = false;        // the peer has closed
    unsigned first = no_buffer; // what was received and is not yet answered, in order
    unsigned last = no_buffer;
    std::unique_ptr<std::byte[]> own;
};

class echo_server {
public:
    echo_server(const served_socket& socket, const settings& how)
        : socket_(socket)
        , how_(how)
        , size_(static_cast<unsigned>(socket.message_size))
        , ring_(how.ring_flags, socket.counters) {
        if (multishot())
            buffers_ = std::make_unique<buffer_ring>(ring_.get(), 2 * socket.connections, size_);
        arm_accept();
    }

    [[noreturn]] void run() {
        for (;;) {
            ring_.turn([this](const io_uring_cqe& cqe) { completed(cqe); });
            if (buffers_)
                buffers_->publish();
        }
    }

private:
    bool multishot() const { return how_.recv == receiving::multishot || how_.recv == receiving::copied; }

    io_uring_sqe* entry(operation what, unsigned index) {
        io_uring_sqe* const sqe = ring_.entry();
        sqe->user_data = static_cast<std::uint64_t>(what) << 32 | index;
        return sqe;
    }

    void completed(const io_uring_cqe& cqe) {
        const auto index = static_cast<unsigned>(cqe.user_data);
        switch (static_cast<operation>(cqe.user_data >> 32)) {
        case operation::accept:
            return accepted(cqe);
        case operation::receive:
            return multishot() ? received_into_ring(index, cqe) : received(index, cqe);
        case operation::send:
            return sent(index, cqe.res);
        case operation::close:
            return;
        }
    }

    // ---- accept and close ----

    void arm_accept() {
        io_uring_sqe* const sqe = ring_.entry();
        if (how_.accept_multishot)
            ::io_uring_prep_multishot_accept(sqe, socket_.fd, nullptr, nullptr, SOCK_CLOEXEC);
        else
            ::io_uring_prep_accept(sqe, socket_.fd, nullptr, nullptr, SOCK_CLOEXEC);
        sqe->user_data = static_cast<std::uint64_t>(operation::accept) << 32;
    }

    void accepted(const io_uring_cqe& cqe) {
        if (cqe.res < 0 && cqe.res != -ECONNABORTED)
            fail("accept", -cqe.res);
        if ((cqe.flags & IORING_CQE_F_MORE) == 0)
            arm_accept();
        if (cqe.res < 0)
            return;
        const int on = 1;
        ::setsockopt(cqe.res, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const unsigned index = free_slot();
        connection& one = connections_[index];
        one.fd = cqe.res;
        one.more = true; // a client that connects has something to say
        if (how_.recv != receiving::multishot && !one.own)
            one.own = std::make_unique_for_overwrite<std::byte[]>(size_);
        arm_receive(index);
    }

    unsigned free_slot() {
        if (free_.empty()) {
            connections_.emplace_back();
            return static_cast<unsigned>(connections_.size() - 1);
        }
        const unsigned index = free_.back();
        free_.pop_back();
        return index;
    }

    void close(unsigned index) {
        connection& one = connections_[index];
        if (how_.close_on_ring) {
            io_uring_sqe* const sqe = entry(operation::close, index);
            ::io_uring_prep_close(sqe, one.fd);
            sqe->user_data = static_cast<std::uint64_t>(operation::close) << 32;
        } else {
            ::close(one.fd);
        }
        one.fd = -1;
        one.at_end = false;
        free_.push_back(index);
    }

    // ---- receive ----

    void arm_receive(unsigned index) {
        connection& one = connections_[index];
        io_uring_sqe* const sqe = entry(operation::receive, index);
        if (multishot()) {
            ::io_uring_prep_recv_multishot(sqe, one.fd, nullptr, 0, 0);
            sqe->flags |= IOSQE_BUFFER_SELECT;
            sqe->buf_group = buffer_ring::group;
            return;
        }
        ::io_uring_prep_recv(sqe, one.fd, one.own.get(), size_,
                             how_.recv == receiving::waitall ? MSG_WAITALL : 0);
        if (how_.recv == receiving::poll_first || (how_.recv == receiving::adaptive && !one.more))
            sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    }

    void received(unsigned index, const io_uring_cqe& cqe) {
        if (cqe.res <= 0)
            return close(index);
        connection& one = connections_[index];
        one.more = (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
        one.length = static_cast<unsigned>(cqe.res);
        arm_send(index, one.own.get());
    }

    void received_into_ring(unsigned index, const io_uring_cqe& cqe) {
        connection& one = connections_[index];
        if (cqe.res > 0) {
            const unsigned buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
            buffers_->length(buffer) = static_cast<unsigned>(cqe.res);
            buffers_->next(buffer) = no_buffer;
            if (one.first == no_buffer)
                one.first = buffer;
            else
                buffers_->next(one.last) = buffer;
            one.last = buffer;
            if (one.length == 0)
                answer_next(index);
            if ((cqe.flags & IORING_CQE_F_MORE) == 0)
                arm_receive(index);
            return;
        }
        if (cqe.res == -ENOBUFS) {
            starved_.push_back(index);
            return;
        }
        one.at_end = true;
        if (one.length == 0)
            close(index);
    }

    void give_back(unsigned buffer) {
        buffers_->give_back(buffer);
        if (!starved_.empty()) {
            buffers_->publish();
            arm_receive(starved_.back());
            starved_.pop_back();
        }
    }

    // ---- send ----

    void answer_next(unsigned index) {
        connection& one = connections_[index];
        const unsigned buffer = one.first;
        one.length = buffers_->length(buffer);
        if (how_.recv == receiving::multishot)
            return arm_send(index, buffers_->data(buffer));
        std::memcpy(one.own.get(), buffers_->data(buffer), one.length);
        one.first = buffers_->next(buffer);
        give_back(buffer);
        arm_send(index, one.own.get());
    }

    void arm_send(unsigned index, const std::byte* data) {
        const connection& one = connections_[index];
        ::io_uring_prep_send(entry(operation::send, index), one.fd, data + one.sent, one.length - one.sent,
                             MSG_NOSIGNAL);
    }

    void sent(unsigned index, int result) {
        connection& one = connections_[index];
        if (result < 0) {
            one.length = one.sent = 0;
            // A multishot receive ends by itself, with the same error.
            if (!multishot())
                close(index);
            return;
        }
        one.sent += static_cast<unsigned>(result);
        const bool whole = one.sent == one.length;
        if (!multishot()) {
            if (!whole)
                return arm_send(index, one.own.get());
            one.sent = one.length = 0;
            return arm_receive(index);
        }
        if (!whole)
            return arm_send(index,
                            how_.recv == receiving::copied ? one.own.get() : buffers_->data(one.first));
        one.sent = one.length = 0;
        if (how_.recv == receiving::multishot) {
            const unsigned buffer = one.first;
            one.first = buffers_->next(buffer);
            give_back(buffer);
        }
        if (one.first != no_buffer)
            answer_next(index);
        else if (one.at_end)
            close(index);
    }

    const served_socket socket_;
    const settings how_;
    const unsigned size_;
    echo_ring ring_;
    std::unique_ptr<buffer_ring> buffers_;
    std::vector<connection> connections_;
    std::vector<unsigned> free_;
    std::vector<unsigned> starved_;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_uring");
    settings how{};
    how.recv = receiving_named(args.text("recv", "oneshot"));
    how.accept_multishot = args.text("accept", "multishot") == "multishot";
    how.close_on_ring = args.text("close", "call") == "ring";
    how.ring_flags = echo_ring::setup_flags(args.text("ring", "coop"));
    return run_under_load(args, [&how](const served_socket& socket) { echo_server(socket, how).run(); });
}

// churning_peers: a process of its own with many connections to a server, which come, ask, and go in several ways;
// without the library, so that what it says of the server is said by somebody else.
#pragma once

#include "support/scratch_file.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <random>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace test {

/// A request is an offset, the answer so many bytes of the server's file from there.
constexpr std::size_t answer_size = 512;
constexpr std::size_t served_file_size = 1 << 20;

/// What the peers have seen so far; they write one to their report every so often, the last one as they end.
struct peers_report {
    std::uint64_t connections = 0, answers = 0, wrong = 0;
    std::uint64_t cut_off = 0; ///< connections that the server has ended
    std::uint64_t refused = 0; ///< that did not come about
};

class churning_peers {
public:
    using clock = std::chrono::steady_clock;

    churning_peers(std::size_t count, std::vector<sockaddr_in> servers, int report)
        : servers_(std::move(servers))
        , report_(report)
        , peers_(count) {}

    /// Returns when `length` has passed; a report after each `interval`. False: something was wrong.
    bool run(std::chrono::milliseconds length, std::chrono::milliseconds interval) {
        for (std::size_t i = 0; i < peers_.size(); ++i)
            to_connect_.push_back(i);
        const auto begin = clock::now();
        for (auto next = begin + interval; next <= begin + length;) {
            connect_some();
            turn(std::chrono::ceil<std::chrono::milliseconds>(next - clock::now()));
            if (clock::now() < next)
                continue;
            next += interval;
            if (::write(report_, &seen_, sizeof seen_) != static_cast<ssize_t>(sizeof seen_))
                return false;
        }
        for (peer& p : peers_)
            leave(p);
        return seen_.wrong == 0;
    }

private:
    struct peer {
        int fd = -1;
        bool asked = false;
        unsigned rounds = 0;
        std::uint64_t offset = 0;
        std::size_t received = 0;
        std::array<unsigned char, answer_size> answer;
    };

    /// As many at once as a backlog holds.
    void connect_some() {
        for (int i = 0; i < 256 && !to_connect_.empty(); ++i) {
            peer& p = peers_[to_connect_.back()];
            const sockaddr_in& to = servers_[random_() % servers_.size()];
            p.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            const bool begun =
                p.fd >= 0 && (::connect(p.fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ||
                              errno == EINPROGRESS);
            if (!begun) { // the next turn tries again
                ++seen_.refused;
                leave(p);
                return;
            }
            p.asked = false;
            p.rounds = 1 + random_() % 4;
            epoll_event e{};
            e.events = EPOLLOUT;
            e.data.u64 = to_connect_.back();
            ::epoll_ctl(set_, EPOLL_CTL_ADD, p.fd, &e);
            to_connect_.pop_back();
        }
    }

    void turn(std::chrono::milliseconds longest) {
        std::array<epoll_event, 256> events;
        const int wait = to_connect_.empty() ? static_cast<int>(longest.count()) : 1;
        const int n = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), wait < 0 ? 0 : wait);
        for (int i = 0; i < n; ++i) {
            const std::uint64_t which = events[static_cast<std::size_t>(i)].data.u64;
            peer& p = peers_[which];
            if (p.asked ? receive(p) : ask(p, which))
                continue;
            leave(p);
            to_connect_.push_back(which);
        }
    }

    /// These return whether the connection goes on.
    bool ask(peer& p, std::uint64_t self) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            ++seen_.refused;
            return false;
        }
        ++seen_.connections;
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.u64 = self;
        ::epoll_ctl(set_, EPOLL_CTL_MOD, p.fd, &e);
        p.asked = true;
        if (random_() % 64 == 0)
            return true; // says nothing, until the server has had enough
        return send(p);
    }
    bool send(peer& p) {
        p.offset = random_() % (served_file_size - answer_size);
        p.received = 0;
        if (::send(p.fd, &p.offset, sizeof p.offset, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof p.offset)) {
            ++seen_.cut_off;
            return false;
        }
        switch (random_() % 32) {
        case 0: // goes without the answer
            return false;
        case 1: { // and by a reset
            const linger now{1, 0};
            ::setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            return false;
        }
        default:
            return true;
        }
    }
    bool receive(peer& p) {
        const auto n = ::recv(p.fd, p.answer.data() + p.received, answer_size - p.received, 0);
        if (n <= 0) {
            ++seen_.cut_off;
            return n < 0 && errno == EAGAIN;
        }
        p.received += static_cast<std::size_t>(n);
        if (p.received < answer_size)
            return true;
        ++seen_.answers;
        seen_.wrong += !scratch_file::matches(p.answer.data(), answer_size, p.offset);
        return --p.rounds != 0 && send(p);
    }

    static void leave(peer& p) {
        if (p.fd >= 0)
            ::close(p.fd);
        p.fd = -1;
    }

    const std::vector<sockaddr_in> servers_;
    const int report_;
    const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<peer> peers_;
    std::vector<std::size_t> to_connect_;
    std::minstd_rand random_{std::random_device()()};
    peers_report seen_;
};

} // namespace test

// accept: what waits for connections holds no socket, takes none that nobody asked for, and knows when the
// number it was given means another socket.
#include "support.hpp"

#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

using namespace aura_test;

namespace {

sockaddr_in loopback(unsigned short port = 0) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/// A listening socket; 0, or why there is none. As a server's: SO_REUSEADDR.
int listen_on(unsigned short port, int& fd) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in a = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0 && ::listen(fd, 64) == 0)
        return 0;
    const int error = errno;
    ::close(std::exchange(fd, -1));
    return error;
}

unsigned short port_of(int fd) {
    sockaddr_in a{};
    socklen_t size = sizeof a;
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size), 0);
    return ntohs(a.sin_port);
}

/// Whether a server can be started on the port now: 0, or the errno.
int start_again(unsigned short port) {
    int fd = -1;
    const int error = listen_on(port, fd);
    if (fd >= 0)
        ::close(fd);
    return error;
}

unique_fd connect_to(unsigned short port) {
    unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in a = loopback(port);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    return client;
}

int open_descriptors() {
    DIR* const all = ::opendir("/proc/self/fd");
    int count = 0;
    while (::readdir(all))
        ++count;
    ::closedir(all);
    return count;
}

/// What was started has been tried, on every ring, and waits.
void expect_waiting(const engine_ptr& engine) {
    for (int turn = 0; turn < 16; ++turn)
        EXPECT_EQ(aura_wait(engine.get(), 0), -ETIMEDOUT);
}

struct CAccept : testing::Test {
    CAccept() {
        EXPECT_EQ(listen_on(0, fd), 0);
        port = port_of(fd);
    }
    ~CAccept() override {
        if (fd >= 0)
            ::close(fd);
    }
    aura_engine_t* e() const { return engine.get(); }
    aura_request_t* accept(ended& x) {
        return aura_accept(e(), fd, nullptr, nullptr, SOCK_CLOEXEC, ended::note, &x);
    }
    /// Accepts that wait, on rings in turn.
    template <std::size_t N>
    void wait_for_connections(std::array<ended, N>& all) {
        for (ended& x : all)
            ASSERT_NE(accept(x), nullptr);
        expect_waiting(engine);
    }
    /// The connection that was accepted is that of `client`.
    static void expect_connected(const ended& x, const unique_fd& client) {
        EXPECT_EQ(x.calls, 1);
        ASSERT_GE(x.result, 0);
        const unique_fd server(static_cast<int>(x.result));
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ASSERT_EQ(::getpeername(server.get(), reinterpret_cast<sockaddr*>(&peer), &size), 0);
        EXPECT_EQ(ntohs(peer.sin_port), port_of(client.get()));
    }

    engine_ptr engine = make_engine(1);
    int fd = -1;
    unsigned short port = 0;
};

} // namespace

// ---- the port ----

/// A server in a process of its own, with accepts that wait on each of its rings, which is killed.
static void expect_free_after_kill(int rings) {
    constexpr int times = 10;
    for (int i = 0; i < times; ++i) {
        int tell[2];
        ASSERT_EQ(::pipe2(tell, O_CLOEXEC), 0);
        const ::pid_t child = ::fork();
        if (child == 0) {
            ::alarm(30);
            const engine_ptr engine = make_engine(rings, AURA_SELECT_ROUND_ROBIN);
            int fd = -1;
            listen_on(0, fd);
            std::vector<ended> all(static_cast<std::size_t>(2 * rings));
            for (ended& x : all)
                if (!aura_accept(engine.get(), fd, nullptr, nullptr, 0, ended::note, &x))
                    ::_exit(1);
            expect_waiting(engine);
            const unsigned short port = port_of(fd);
            if (::write(tell[1], &port, sizeof port) != sizeof port)
                ::_exit(2);
            aura_run(engine.get());
            ::_exit(3);
        }
        ::close(tell[1]);
        unsigned short port = 0;
        ASSERT_EQ(::read(tell[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
        ::close(tell[0]);
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(start_again(port), 0) << "time " << i << " of " << times;
    }
}

TEST(CKilledServer, LeavesItsPortAtOnce) {
    expect_free_after_kill(1);
}
TEST(CKilledServer, LeavesItsPortAtOnceWithSeveralRings) {
    expect_free_after_kill(3);
}

TEST_F(CAccept, ClosingEndsWhatWaitsAndFreesThePortAtOnce) {
    for (const int rings : {1, 3}) {
        engine = make_engine(rings, AURA_SELECT_ROUND_ROBIN);
        for (int i = 0; i < 5; ++i) {
            std::array<ended, 6> waiting;
            wait_for_connections(waiting);
            ended closed;
            ASSERT_NE(aura_close(e(), std::exchange(fd, -1), ended::note, &closed), nullptr);
            EXPECT_EQ(finish(engine, closed), 0);
            EXPECT_EQ(start_again(port), 0) << rings << " rings, time " << i;
            EXPECT_GE(aura_drain(e(), 20000), 0);
            for (const ended& x : waiting)
                EXPECT_EQ(x.result, -ECANCELED);
            ASSERT_EQ(listen_on(port, fd), 0);
        }
    }
}

TEST_F(CAccept, ClosingInACallbackOrInAChainEndsWhatWaitsElsewhere) {
    engine = make_engine(2, AURA_SELECT_ROUND_ROBIN);
    std::array<ended, 4> waiting;
    wait_for_connections(waiting);
    struct in_callback {
        CAccept& test;
        ended closed;
        static void close(aura_request_t*, ssize_t, void* self) {
            auto& c = *static_cast<in_callback*>(self);
            EXPECT_NE(aura_close(c.test.e(), std::exchange(c.test.fd, -1), ended::note, &c.closed), nullptr);
        }
    } here{*this, {}};
    ASSERT_NE(aura_timeout(e(), 0, in_callback::close, &here), nullptr);
    EXPECT_EQ(aura_drain(e(), 20000), 6);
    EXPECT_EQ(here.closed.result, 0);
    EXPECT_EQ(start_again(port), 0);
    for (const ended& x : waiting)
        EXPECT_EQ(x.result, -ECANCELED);

    ASSERT_EQ(listen_on(port, fd), 0);
    std::array<ended, 4> again;
    wait_for_connections(again);
    scratch_file file{16};
    ended closed[2];
    aura_op_t chain[2] = {};
    chain[0].type = chain[1].type = AURA_OP_CLOSE;
    chain[0].fd = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    chain[1].fd = std::exchange(fd, -1);
    for (int i = 0; i < 2; ++i) {
        chain[i].callback = ended::note;
        chain[i].user_data = &closed[i];
    }
    ASSERT_NE(aura_submit_linked(e(), chain, 2, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), 20000), 6);
    EXPECT_EQ(closed[1].result, 0);
    EXPECT_EQ(start_again(port), 0);
    for (const ended& x : again)
        EXPECT_EQ(x.result, -ECANCELED);
}

TEST_F(CAccept, DestroyingTheEngineFreesThePortWithTheSocket) {
    engine = make_engine(2, AURA_SELECT_ROUND_ROBIN);
    std::array<ended, 4> waiting;
    wait_for_connections(waiting);
    engine.reset();
    for (const ended& x : waiting)
        EXPECT_EQ(x.result, -ECANCELED);
    ::close(std::exchange(fd, -1));
    EXPECT_EQ(start_again(port), 0);
}

TEST_F(CAccept, ASocketClosedBehindItIsNotHeldEither) {
    std::array<ended, 2> waiting;
    wait_for_connections(waiting);
    ::close(std::exchange(fd, -1));
    EXPECT_EQ(start_again(port), 0);
    engine.reset();
    for (const ended& x : waiting)
        EXPECT_EQ(x.result, -ECANCELED);
}

// ---- who gets what ----

TEST_F(CAccept, ConnectionsAreGivenInTheOrderOfTheAccepts) {
    std::array<ended, 3> waiting;
    wait_for_connections(waiting);
    for (ended& x : waiting) {
        const unique_fd client = connect_to(port);
        finish(engine, x);
        expect_connected(x, client);
    }
}

TEST_F(CAccept, CancellingOneLeavesTheOthersInTheirOrder) {
    std::array<ended, 4> waiting;
    std::array<aura_request_t*, 4> handles;
    for (std::size_t i = 0; i < 4; ++i)
        handles[i] = accept(waiting[i]);
    expect_waiting(engine);
    EXPECT_EQ(aura_cancel(e(), handles[2]), 0); // in line
    EXPECT_EQ(finish(engine, waiting[2]), -ECANCELED);
    EXPECT_EQ(aura_cancel(e(), handles[0]), 0); // the one that is served next
    EXPECT_EQ(finish(engine, waiting[0]), -ECANCELED);
    for (const std::size_t i : {std::size_t{1}, std::size_t{3}}) {
        const unique_fd client = connect_to(port);
        finish(engine, waiting[i]);
        expect_connected(waiting[i], client);
    }
    EXPECT_EQ(aura_cancel(e(), handles[3]), -ENOENT);
}

TEST_F(CAccept, NothingIsTakenThatNobodyHasAskedFor) {
    std::array<ended, 3> waiting;
    wait_for_connections(waiting);
    std::vector<unique_fd> clients;
    for (int i = 0; i < 40; ++i)
        clients.push_back(connect_to(port));
    EXPECT_EQ(aura_drain(e(), 20000), 3);
    for (const ended& x : waiting)
        ::close(static_cast<int>(x.result));
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    int left = 0;
    for (int c; (c = ::accept(fd, nullptr, nullptr)) >= 0; ++left)
        ::close(c);
    EXPECT_EQ(left, 37);
}

TEST_F(CAccept, EveryRingServesItsOwnAccepts) {
    engine = make_engine(3, AURA_SELECT_ROUND_ROBIN);
    for (int i = 0; i < 4; ++i) {
        std::array<ended, 6> waiting;
        wait_for_connections(waiting);
        std::vector<unique_fd> clients;
        for (std::size_t c = 0; c < waiting.size(); ++c)
            clients.push_back(connect_to(port));
        EXPECT_EQ(aura_drain(e(), 20000) >= 0, true);
        for (const ended& x : waiting) {
            EXPECT_GE(x.result, 0);
            ::close(static_cast<int>(x.result));
        }
    }
}

/// As a server does: each callback accepts the next connection.
TEST_F(CAccept, ALoopOfAcceptsServesWhoComesAloneAndTogether) {
    struct server {
        CAccept& test;
        int served = 0;
        static void next(aura_request_t*, ssize_t result, void* self) {
            auto& s = *static_cast<server*>(self);
            if (result >= 0) {
                ++s.served;
                ::close(static_cast<int>(result));
                EXPECT_NE(aura_accept(s.test.e(), s.test.fd, nullptr, nullptr, 0, next, self), nullptr);
            } else {
                EXPECT_EQ(result, -ECANCELED);
            }
        }
    } s{*this};
    ASSERT_NE(aura_accept(e(), fd, nullptr, nullptr, 0, server::next, &s), nullptr);
    for (int round = 1; round <= 30; ++round) {
        std::vector<unique_fd> clients;
        for (int i = 0; i < round % 4 + 1; ++i)
            clients.push_back(connect_to(port));
        for (const int all = s.served + static_cast<int>(clients.size()); s.served < all;)
            ASSERT_GT(aura_wait(e(), 20000), 0);
    }
    ended closed;
    ASSERT_NE(aura_close(e(), std::exchange(fd, -1), ended::note, &closed), nullptr);
    EXPECT_GE(aura_drain(e(), 20000), 0);
    EXPECT_EQ(closed.result, 0);
}

TEST_F(CAccept, AChildThatSharesTheSocketServesWhatThisProcessDoesNotAskFor) {
    std::array<ended, 1> waiting;
    wait_for_connections(waiting);
    int tell[2];
    ASSERT_EQ(::pipe2(tell, O_CLOEXEC), 0);
    constexpr int clients = 40;
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::alarm(30);
        const engine_ptr own = make_engine(1);
        for (int i = 0; i < clients; ++i) {
            ended x;
            if (!aura_accept(own.get(), fd, nullptr, nullptr, 0, ended::note, &x))
                ::_exit(1);
            const auto served = static_cast<int>(finish(own, x));
            if (served < 0 || ::send(served, "x", 1, MSG_NOSIGNAL) != 1)
                ::_exit(2);
            ::close(served);
        }
        ::_exit(0);
    }
    for (int i = 0; i < clients; ++i) { // this process is busy meanwhile
        const unique_fd client = connect_to(port);
        const timeval patience{20, 0};
        ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        char c = 0;
        ASSERT_EQ(::recv(client.get(), &c, 1, 0), 1) << i;
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    ::close(tell[0]);
    ::close(tell[1]);
    EXPECT_EQ(waiting[0].calls, 0);
    const unique_fd client = connect_to(port);
    finish(engine, waiting[0]);
    expect_connected(waiting[0], client);
}

// ---- what a number means ----

TEST_F(CAccept, WhatDoesNotListenIsRefusedAtOnce) {
    const auto result_of = [&](int number) {
        ended x;
        EXPECT_NE(aura_accept(e(), number, nullptr, nullptr, 0, ended::note, &x), nullptr);
        return finish(engine, x);
    };
    for (int i = 0; i < 3; ++i) {
        const unique_fd idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(result_of(idle.get()), -EINVAL);
        const unique_fd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(result_of(datagrams.get()), -EOPNOTSUPP);
        const scratch_file file{16};
        const unique_fd regular(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_EQ(result_of(regular.get()), -ENOTSOCK);
        EXPECT_EQ(result_of(1000000), -EBADF);
    }
}

/// After the socket with this number has served one and waited for the next.
TEST_F(CAccept, ANumberThatMeansSomethingElseIsLookedAtAnew) {
    for (int i = 0; i < 3; ++i) {
        ended first, cancelled;
        accept(first);
        {
            const unique_fd client = connect_to(port);
            finish(engine, first);
            ::close(static_cast<int>(first.result));
        }
        aura_request_t* const waiting = accept(cancelled);
        expect_waiting(engine);
        EXPECT_EQ(aura_cancel(e(), waiting), 0);
        EXPECT_EQ(finish(engine, cancelled), -ECANCELED);
        const int number = fd;

        ::close(std::exchange(fd, -1));
        ended none;
        ASSERT_NE(aura_accept(e(), number, nullptr, nullptr, 0, ended::note, &none), nullptr);
        EXPECT_EQ(finish(engine, none), -EBADF);

        const unique_fd idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(idle.get(), number);
        ended refused;
        ASSERT_NE(aura_accept(e(), number, nullptr, nullptr, 0, ended::note, &refused), nullptr);
        EXPECT_EQ(finish(engine, refused), -EINVAL);

        int elsewhere = -1;
        ASSERT_EQ(listen_on(0, elsewhere), 0);
        fd = ::dup3(elsewhere, number, O_CLOEXEC); // in the place of the idle one
        (void)const_cast<unique_fd&>(idle).release();
        ::close(elsewhere);
        port = port_of(fd);
        ended served;
        accept(served);
        expect_waiting(engine);
        const unique_fd client = connect_to(port);
        finish(engine, served);
        expect_connected(served, client);
    }
}

TEST_F(CAccept, AnAcceptOnASocketThatIsGoneDoesNotKeepItsNumbersNextOneWaiting) {
    ended old[2], fresh;
    accept(old[0]);
    accept(old[1]);
    expect_waiting(engine);
    const unique_fd still_open(::dup(fd)); // the socket lives on under another number
    const int number = fd;
    ::close(fd);
    ASSERT_EQ(listen_on(0, fd), 0);
    ASSERT_EQ(fd, number);
    accept(fresh);
    EXPECT_EQ(finish(engine, old[0]), -ECANCELED);
    EXPECT_EQ(finish(engine, old[1]), -ECANCELED);
    const unique_fd stranger = connect_to(port); // of the old one
    expect_waiting(engine);
    const unique_fd client = connect_to(port_of(fd));
    finish(engine, fresh);
    expect_connected(fresh, client);
}

TEST_F(CAccept, SocketsThatComeAndGoLeaveNoDescriptors) {
    int before = 0;
    for (int i = 0; i < 100; ++i) {
        ended x;
        accept(x);
        expect_waiting(engine);
        {
            const unique_fd client = connect_to(port);
            finish(engine, x);
            ::close(static_cast<int>(x.result));
        }
        if (i % 2 == 0) {
            ::close(fd);
        } else {
            ended closed;
            ASSERT_NE(aura_close(e(), fd, ended::note, &closed), nullptr);
            EXPECT_EQ(finish(engine, closed), 0);
        }
        if (i == 3)
            before = open_descriptors();
        ASSERT_EQ(listen_on(0, fd), 0);
        port = port_of(fd);
    }
    ::close(std::exchange(fd, -1));
    EXPECT_LE(open_descriptors(), before);

    for (int round = 0; round < 2; ++round) { // under many numbers
        std::vector<unique_fd> others;
        for (int i = 0; i < 100; ++i) {
            int other = -1;
            ASSERT_EQ(listen_on(0, other), 0);
            others.emplace_back(other);
            ended x;
            aura_request_t* const r = aura_accept(e(), other, nullptr, nullptr, 0, ended::note, &x);
            expect_waiting(engine);
            EXPECT_EQ(aura_cancel(e(), r), 0);
            EXPECT_EQ(finish(engine, x), -ECANCELED);
        }
        others.clear();
    }
    EXPECT_LE(open_descriptors(), before + 130) << "sets of sockets that are gone";
    engine.reset();
    EXPECT_LT(open_descriptors(), before);
}

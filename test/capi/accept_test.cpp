// accept: what waits for connections takes none that nobody asked for, gives them in order, and knows when the
// number it was given means another socket.
#include "listening.hpp"

#include <atomic>
#include <dirent.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace test;

static int open_descriptors() {
    DIR* const all = ::opendir("/proc/self/fd");
    int count = 0;
    while (::readdir(all))
        ++count;
    ::closedir(all);
    return count;
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
        ssize_t got;
        do // a poll of this process's ring that fires interrupts a receive with a time limit
            got = ::recv(client.get(), &c, 1, 0);
        while (got < 0 && errno == EINTR);
        ASSERT_EQ(got, 1) << i << ": " << errno;
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

/// Threads drive the rings; accepts are under way to them when the socket is closed, and its number is
/// another socket's at once.
TEST_F(CAccept, NoAcceptOutlivesItsSocketIntoTheNextOneOfItsNumber) {
    engine = make_engine(3, AURA_SELECT_ROUND_ROBIN);
    std::atomic<int> left{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            EXPECT_EQ(aura_run(e()), 0);
            ++left;
        });
    const auto wait_for = [](const ended& x) {
        while (x.calls == 0)
            std::this_thread::yield();
    };
    for (int round = 0; round < 50; ++round) {
        std::array<ended, 5> waiting;
        for (ended& x : waiting)
            ASSERT_NE(accept(x), nullptr);
        if (round % 3 == 0)
            (void)connect_to(port);
        ended closed;
        const int number = fd;
        ASSERT_NE(aura_close(e(), number, ended::note, &closed), nullptr);
        wait_for(closed);
        EXPECT_EQ(closed.result, 0);
        ASSERT_EQ(listen_on(port, fd), 0); // binds at once
        const unique_fd client = connect_to(port);
        for (const ended& x : waiting)
            wait_for(x);
        int accepted = 0;
        for (const ended& x : waiting) {
            if (x.result >= 0) {
                ++accepted;
                ::close(static_cast<int>(x.result));
            } else {
                EXPECT_EQ(x.result, -ECANCELED);
            }
        }
        EXPECT_LE(accepted, round % 3 == 0 ? 1 : 0) << "a connection of the next socket";
        ended fresh;
        ASSERT_NE(accept(fresh), nullptr);
        wait_for(fresh);
        expect_connected(fresh, client);
    }
    while (left != 2) { // one may not be in aura_run() yet
        aura_stop(e());
        std::this_thread::yield();
    }
    for (std::thread& t : threads)
        t.join();
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

        {
            unique_fd idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            if (idle.get() != number) // it may have been the lowest that was free
                ASSERT_EQ(::dup3(idle.get(), number, O_CLOEXEC), number);
            else
                (void)idle.release();
        }
        ended refused;
        ASSERT_NE(aura_accept(e(), number, nullptr, nullptr, 0, ended::note, &refused), nullptr);
        EXPECT_EQ(finish(engine, refused), -EINVAL);

        int elsewhere = -1;
        ASSERT_EQ(listen_on(0, elsewhere), 0);
        fd = ::dup3(elsewhere, number, O_CLOEXEC); // in the place of the idle one
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
    int another = -1;
    ASSERT_EQ(listen_on(0, another), 0);
    ASSERT_EQ(::dup3(another, number, O_CLOEXEC), number);
    ::close(another);
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

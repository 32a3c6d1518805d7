// listening_port: a port is free as soon as who listened on it is dead, or has closed it, accepts pending or not.
#include "listening.hpp"

#include <csignal>
#include <sys/wait.h>
#include <vector>

using namespace test;

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
    const int other = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    const aura_op_t chain[] = {aura_op_close(other, ended::note, &closed[0]),
                               aura_op_close(std::exchange(fd, -1), ended::note, &closed[1])};
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

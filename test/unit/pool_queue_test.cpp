// pool_queue: what one backend hands to the pool: results, cancellation, numbers of files, wakes, fork.
#include "backend/pool/pool_queue.hpp"

#include "backend/system_calls.hpp"
#include "support/fake_backend.hpp"
#include "support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <random>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace aura::core;
using namespace test;

namespace {

/// Requests on `number`; a read of an empty pipe keeps its thread until the test writes to it.
struct PoolQueue : testing::Test {
    PoolQueue() {
        // Here, and not in /tmp: tmpfs of Linux 6.12 answers no read at once.
        char path[] = "./auraio-pool-queue-XXXXXX";
        file = ::mkstemp(path);
        name = path;
        EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    }
    ~PoolQueue() override {
        for (const int fd : {file, pipe[0], pipe[1]})
            ::close(fd);
        ::unlink(name.c_str());
    }

    plain_io& make(request_kind kind, int fd, std::uint64_t offset = 0) {
        io_request r;
        r.kind = kind;
        r.fd = fd;
        r.address = data + 16 * outcomes.size();
        r.length = transfers_file_data(kind) ? 4 : 0;
        r.offset = offset;
        if (kind == request_kind::ftruncate)
            r.length64 = 1000;
        outcomes.push_back(std::make_unique<outcome>());
        return *new plain_io(*outcomes.back(), r);
    }
    plain_io& start(request_kind kind, int fd, std::uint64_t offset = 0) {
        plain_io& op = make(kind, fd, offset);
        queue.start(op);
        return op;
    }
    /// Until so many have finished; in the order of their ends.
    std::vector<int> collect(std::size_t count) {
        op_queue done;
        while (done.size() < count) {
            if (!queue.arm()) {
                queue.collect(done);
                continue;
            }
            op_queue none;
            owner.wait(none, never); // until woken
            queue.collect(done);
        }
        std::vector<int> results;
        while (operation* const op = done.pop()) {
            results.push_back(static_cast<io_operation*>(op)->result());
            op->complete();
        }
        return results;
    }
    void let_go() { EXPECT_EQ(::write(pipe[1], "abcd", 4), 4); }
    void wait_until_under_way() {
        while (!queue.names(pipe[0]))
            std::this_thread::yield();
    }

    fake_machine machine;
    fake_backend owner{machine};
    pool_queue queue{owner, 2};
    int file = -1, pipe[2] = {-1, -1};
    std::string name;
    char data[4096] = {};
    std::vector<std::unique_ptr<outcome>> outcomes;
};

TEST_F(PoolQueue, CarriesRequestsOut) {
    start(request_kind::ftruncate, file);
    EXPECT_EQ(queue.pending(), 1u);
    EXPECT_EQ(collect(1), std::vector<int>{0});
    EXPECT_EQ(queue.pending(), 0u);
    struct stat s{};
    EXPECT_EQ(::fstat(file, &s), 0);
    EXPECT_EQ(s.st_size, 1000);
    start(request_kind::fsync, -1);
    EXPECT_EQ(collect(1), std::vector<int>{-EBADF});
}

TEST_F(PoolQueue, WhatWaitsIsCancelledAtOnceAndWhatIsUnderWayHasItsResult) {
    plain_io& first = start(request_kind::read, pipe[0], current_position);
    plain_io& second = start(request_kind::read, pipe[0], current_position);
    wait_until_under_way();
    plain_io& third = start(request_kind::fsync, file);
    start(request_kind::fsync, file); // two threads: these wait, or have been done by now
    queue.cancel(first);
    queue.cancel(third);
    EXPECT_EQ(queue.pending(), 4u);
    let_go();
    let_go();
    const std::vector<int> results = collect(4);
    EXPECT_EQ(std::count(results.begin(), results.end(), 4), 2);
    (void)second;
}

TEST_F(PoolQueue, CancelledBehindOthersItNeverBegins) {
    start(request_kind::read, pipe[0], current_position);
    start(request_kind::read, pipe[0], current_position);
    plain_io& sized = start(request_kind::ftruncate, file);
    queue.cancel(sized);
    EXPECT_EQ(collect(1), std::vector<int>{-ECANCELED}); // while both threads are away
    let_go();
    let_go();
    EXPECT_EQ(collect(2), (std::vector<int>{4, 4}));
    struct stat s{};
    EXPECT_EQ(::fstat(file, &s), 0);
    EXPECT_EQ(s.st_size, 0);
}

TEST_F(PoolQueue, ACloseWaitsForWhatHasItsNumber) {
    start(request_kind::read, pipe[0], current_position);
    wait_until_under_way();
    start(request_kind::close, pipe[0]);
    start(request_kind::fsync, -1); // done while the close is held back
    EXPECT_EQ(collect(1), std::vector<int>{-EBADF});
    EXPECT_GE(::fcntl(pipe[0], F_GETFD), 0);
    let_go();
    EXPECT_EQ(collect(2), (std::vector<int>{4, 0}));
    EXPECT_LT(::fcntl(pipe[0], F_GETFD), 0);
}

TEST_F(PoolQueue, NamesNumbersOfCallsUnderWay) {
    EXPECT_FALSE(queue.names(pipe[0]));
    start(request_kind::read, pipe[0], current_position);
    wait_until_under_way();
    EXPECT_FALSE(queue.names(file));
    let_go();
    collect(1);
    EXPECT_FALSE(queue.names(pipe[0]));
}

/// A request on a file that no object has, as the C library's.
class internal_io final : public extended_operation {
public:
    internal_io(descriptor& target, const io_request& r)
        : extended_operation(&run, r) {
        make_internal(target);
    }

private:
    static void run(operation& base, action) { delete static_cast<internal_io*>(&base); }
};

TEST_F(PoolQueue, WhatIsInTheCacheIsReadAtOnce) {
    EXPECT_EQ(::pwrite(file, "0123456789", 10, 0), 10);
    engine e(machine.options());
    const auto read_at = [&](std::uint64_t offset, std::uint32_t flags = 0) {
        io_request r;
        r.kind = request_kind::read;
        r.fd = file;
        r.address = data;
        r.length = 4;
        r.offset = offset;
        r.flags = flags;
        auto op = std::make_unique<internal_io>(e.shard_at(0).loose(), r);
        const int result = queue.start_file(*op);
        if (result == pool_queue::is_started)
            op.release(); // collect() ends it
        return result;
    };
    EXPECT_EQ(read_at(2), 4);
    EXPECT_EQ(std::string(data, 4), "2345");
    EXPECT_EQ(read_at(8), 2) << "the end of the file";
    EXPECT_EQ(read_at(100), 0);
    EXPECT_EQ(queue.pending(), 0u);
    EXPECT_EQ(read_at(6, in_worker), pool_queue::is_started) << "by a thread";
    EXPECT_EQ(queue.pending(), 1u);
    EXPECT_EQ(collect(1), std::vector<int>{4});
    EXPECT_EQ(std::string(data, 4), "6789");
}

TEST_F(PoolQueue, AWriteThatWasBrokenOffIsFinishedBehindWhatItHasWritten) {
    char text[] = "abcdefghi";
    iovec parts[] = {{text, 2}, {nullptr, 0}, {text + 2, 4}, {text + 6, 3}};
    const auto write_behind = [&](int moved, std::uint64_t offset) {
        EXPECT_EQ(::ftruncate(file, 0), 0);
        EXPECT_EQ(::lseek(file, moved, SEEK_SET), moved);
        io_request r;
        r.kind = request_kind::writev;
        r.fd = file;
        r.address = parts;
        r.length = 4;
        r.offset = offset;
        outcomes.push_back(std::make_unique<outcome>());
        plain_io& op = *new plain_io(*outcomes.back(), r);
        EXPECT_EQ(is_broken_off(op, moved), moved != 0 && moved != 9) << moved;
        queue.start_rest(op, moved);
        EXPECT_EQ(collect(1), std::vector<int>{9}) << moved;
        char got[16] = {};
        const ssize_t size = ::pread(file, got, sizeof got, 0);
        return size < 0 ? std::string("error") : std::string(got, static_cast<std::size_t>(size));
    };
    for (const std::uint64_t offset : {std::uint64_t{0}, current_position}) {
        for (const int moved : {0, 1, 2, 3, 5, 6, 8}) {
            const auto from = static_cast<std::size_t>(moved);
            EXPECT_EQ(write_behind(moved, offset), std::string(from, '\0') + std::string(text + from))
                << moved;
        }
    }
}

TEST_F(PoolQueue, ACancelledWriteTellsWhatItHasWritten) {
    start(request_kind::read, pipe[0], current_position);
    start(request_kind::read, pipe[0], current_position);
    for (const bool is_handed_over : {true, false}) {
        plain_io& op = make(request_kind::write, file);
        queue.start_rest(op, 3); // both threads are away, or about to be
        if (is_handed_over)
            queue.hand_over();
        queue.cancel(op);
        EXPECT_EQ(collect(1), std::vector<int>{3}) << is_handed_over;
    }
    let_go();
    let_go();
    EXPECT_EQ(collect(2), (std::vector<int>{4, 4}));
}

TEST_F(PoolQueue, AChildOfForkHasNothing) {
    start(request_kind::read, pipe[0], current_position);
    wait_until_under_way();
    start(request_kind::close, pipe[0]);
    const pid_t child = ::fork();
    if (child == 0) {
        if (queue.pending() != 0 || queue.names(pipe[0]) || !queue.arm())
            ::_exit(1);
        queue.abandon();      // waits for nobody
        if (AURAIO_TEST_TSAN) // allows no thread there
            ::_exit(0);
        start(request_kind::fsync, -1);
        ::_exit(collect(1) == std::vector<int>{-EBADF} ? 0 : 2);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    let_go();
    EXPECT_EQ(collect(2), (std::vector<int>{4, 0}));
}

TEST_F(PoolQueue, AbandonedItWaitsForWhatIsUnderWay) {
    plain_io& op = start(request_kind::read, pipe[0], current_position);
    wait_until_under_way();
    plain_io& waits = start(request_kind::close, pipe[0]);
    std::thread writer([this] { let_go(); });
    queue.abandon();
    writer.join();
    EXPECT_EQ(queue.pending(), 0u);
    EXPECT_EQ(std::string(data, 4), "abcd");
    op.destroy();
    waits.destroy();
}

/// Begun, cancelled, collected and forked at random; each ends once. Two rings' threads.
TEST(PoolQueueStress, EveryRequestEndsOnce) {
    const auto one_ring = [](unsigned seed) {
        fake_machine machine;
        fake_backend owner(machine);
        pool_queue queue(owner, 3);
        std::minstd_rand random(seed);
        std::vector<plain_io*> begun;
        outcome all;
        int started = 0, ended = 0;
        const auto collect = [&](bool wait) {
            op_queue done, none;
            if (wait && queue.arm())
                owner.wait(none, never);
            queue.collect(done);
            while (operation* const op = done.pop()) {
                std::erase(begun, static_cast<plain_io*>(op));
                const int result = static_cast<io_operation*>(op)->result();
                EXPECT_TRUE(result == -EBADF || result == -ECANCELED) << result;
                op->complete();
                ++ended;
            }
        };
        for (int i = 0; i < 3000; ++i) {
            begun.push_back(new plain_io(all)); // fsync(-1)
            ++started;
            queue.start(*begun.back());
            if (random() % 3 == 0)
                queue.cancel(*begun[random() % begun.size()]);
            if (random() % 4 == 0)
                collect(random() % 2 == 0);
        }
        while (queue.pending() != 0)
            collect(true);
        EXPECT_EQ(ended, started);
        EXPECT_EQ(all.completed, started);
    };
    std::atomic<bool> over{false};
    std::thread forker([&] {
        while (!over) {
            const pid_t child = ::fork();
            if (child == 0)
                ::_exit(worker_pool::threads() == 0 ? 0 : 1);
            int status = -1;
            ::waitpid(child, &status, 0);
            EXPECT_EQ(status, 0);
        }
    });
    std::thread other(one_ring, 1);
    one_ring(2);
    other.join();
    over = true;
    forker.join();
}

} // namespace

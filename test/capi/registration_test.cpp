// registration: registered buffers and files: life cycle, errors, and what in-flight operations keep.
#include "support.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <thread>
#include <utility>
#include <vector>

using namespace test;

namespace {

constexpr std::size_t block = 4096;

/// Buffers of the pool, registered or to be so.
struct buffers {
    explicit buffers(aura_engine_t* e, unsigned count = 4)
        : engine(e) {
        for (unsigned i = 0; i < count; ++i)
            all.push_back({aura_buffer_alloc(e, block), block});
    }
    ~buffers() {
        for (const iovec& v : all)
            aura_buffer_free(engine, v.iov_base);
    }
    buffers(const buffers&) = delete;
    int add() const { return aura_register_buffers(engine, all.data(), static_cast<unsigned>(all.size())); }
    char* operator[](std::size_t i) const { return static_cast<char*>(all[i].iov_base); }

    aura_engine_t* engine;
    std::vector<iovec> all;
};

unique_fd open_file(const scratch_file& f, int flags = O_RDWR) {
    return unique_fd(::open(f.path().c_str(), flags | O_CLOEXEC));
}

void expect_refused(const aura_request_t* r, int error) {
    EXPECT_EQ(r, nullptr);
    EXPECT_EQ(errno, error);
}

class CRegistration : public testing::Test {
protected:
    aura_engine_t* engine() const { return e.get(); }
    ssize_t result(const ended& done) const { return finish(e, done); }

    engine_ptr e = make_engine();
    scratch_file file{16 * block};
    unique_fd fd = open_file(file);
};

} // namespace

TEST_F(CRegistration, ReadsAndWritesRegisteredBuffers) {
    const buffers b(engine());
    ASSERT_EQ(b.add(), 0);
    ended read, part, write, again;
    ASSERT_TRUE(aura_read(engine(), fd.get(), aura_buf_fixed(1, 0), block, block, ended::note, &read));
    EXPECT_EQ(result(read), static_cast<ssize_t>(block));
    EXPECT_TRUE(scratch_file::matches(b[1], block, block));
    ASSERT_TRUE(aura_read(engine(), fd.get(), aura_buf_fixed(2, 1000), 96, 0, ended::note, &part));
    EXPECT_EQ(result(part), 96);
    EXPECT_TRUE(scratch_file::matches(b[2] + 1000, 96, 0));
    std::memset(b[3], 'x', block);
    ASSERT_TRUE(aura_write(engine(), fd.get(), aura_buf_fixed(3, 0), block, 0, ended::note, &write));
    EXPECT_EQ(result(write), static_cast<ssize_t>(block));
    char plain[block];
    ASSERT_TRUE(aura_read(engine(), fd.get(), aura_buf(plain), block, 0, ended::note, &again));
    EXPECT_EQ(result(again), static_cast<ssize_t>(block));
    EXPECT_EQ(std::memcmp(plain, b[3], block), 0);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_BUFFERS), 0);
}

TEST_F(CRegistration, RefusesWhatDoesNotFitABuffer) {
    const auto read = [&](aura_buf_t buf, std::size_t len) {
        return aura_read(engine(), fd.get(), buf, len, 0, nullptr, nullptr);
    };
    expect_refused(read(aura_buf_fixed(0, 0), 1), ENOENT);
    const buffers b(engine());
    ASSERT_EQ(b.add(), 0);
    expect_refused(read(aura_buf_fixed(4, 0), 1), EINVAL);
    expect_refused(read(aura_buf_fixed(-1, 0), 1), EINVAL);
    expect_refused(read(aura_buf_fixed(0, 0), block + 1), EOVERFLOW);
    expect_refused(read(aura_buf_fixed(0, block), 1), EOVERFLOW);
    expect_refused(read(aura_buf_fixed(0, SIZE_MAX), 2), EOVERFLOW);
    expect_refused(aura_read(nullptr, fd.get(), aura_buf_fixed(0, 0), 1, 0, nullptr, nullptr), EINVAL);
    EXPECT_EQ(aura_drain(engine(), -1), 0);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_BUFFERS), 0);
    expect_refused(read(aura_buf_fixed(0, 0), 1), ENOENT);
}

TEST_F(CRegistration, RefusesTablesTheKernelRefuses) {
    const buffers b(engine());
    EXPECT_EQ(aura_register_buffers(nullptr, b.all.data(), 1), -EINVAL);
    EXPECT_EQ(aura_register_buffers(engine(), nullptr, 1), -EINVAL);
    EXPECT_EQ(aura_register_buffers(engine(), b.all.data(), 0), -EINVAL);
    EXPECT_EQ(aura_register_buffers(engine(), b.all.data(), 16385), -EINVAL);
    void* hole = ::mmap(nullptr, block, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::munmap(hole, block);
    const iovec bad[] = {b.all[0], {hole, block}};
    EXPECT_EQ(aura_register_buffers(engine(), bad, 2), -EFAULT);
    ASSERT_EQ(b.add(), 0);
    EXPECT_EQ(b.add(), -EBUSY);
    EXPECT_EQ(errno, EBUSY);

    const int fds[] = {fd.get(), 1 << 20};
    EXPECT_EQ(aura_register_files(engine(), nullptr, 1), -EINVAL);
    EXPECT_EQ(aura_register_files(engine(), fds, 0), -EINVAL);
    EXPECT_EQ(aura_register_files(nullptr, fds, 1), -EINVAL);
    EXPECT_EQ(aura_register_files(engine(), fds, 2), -EBADF);
    EXPECT_EQ(aura_register_files(engine(), fds, 1), 0);
    EXPECT_EQ(aura_register_files(engine(), fds, 1), -EBUSY);
}

TEST_F(CRegistration, UnregisteringNeedsARegistration) {
    EXPECT_EQ(aura_unregister(nullptr, AURA_REG_BUFFERS), -EINVAL);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_BUFFERS), -ENOENT);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_FILES), -ENOENT);
    ended never;
    EXPECT_EQ(aura_unregister_async(engine(), AURA_REG_FILES, ended::note, &never), -ENOENT);
    EXPECT_EQ(aura_unregister_async(nullptr, AURA_REG_FILES, nullptr, nullptr), -EINVAL);
    EXPECT_EQ(aura_update_file(engine(), 0, fd.get()), -ENOENT);
    EXPECT_EQ(aura_drain(engine(), -1), 0);
    EXPECT_EQ(never.calls, 0);
}

TEST_F(CRegistration, WhatWasStartedBeforeCompletes) {
    const buffers b(engine(), 32);
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(b.add(), 0);
        std::array<ended, 32> done;
        for (int i = 0; i < 32; ++i)
            ASSERT_TRUE(aura_read(engine(), fd.get(), aura_buf_fixed(i, 0), block, i % 16 * 4096, ended::note,
                                  &done[static_cast<std::size_t>(i)]));
        ASSERT_EQ(aura_unregister(engine(), AURA_REG_BUFFERS), 0);
        for (const ended& d : done) {
            EXPECT_EQ(d.calls, 1);
            EXPECT_EQ(d.result, static_cast<ssize_t>(block));
        }
    }
}

TEST_F(CRegistration, DrainsUntilTheLastOperationHasEnded) {
    const buffers b(engine());
    const pipe_ends pipe;
    ASSERT_EQ(b.add(), 0);
    ended read, first, second;
    ASSERT_TRUE(aura_read(engine(), pipe.read_end, aura_buf_fixed(0, 0), block, AURA_CURRENT_POSITION,
                          ended::note, &read));
    ASSERT_EQ(aura_unregister_async(engine(), AURA_REG_BUFFERS, ended::note, &first), 0);
    ASSERT_EQ(aura_unregister_async(engine(), AURA_REG_BUFFERS, ended::note, &second), 0);
    for (int i = 0; i < 3; ++i)
        aura_poll(engine());
    EXPECT_EQ(first.calls, 0);
    expect_refused(aura_read(engine(), fd.get(), aura_buf_fixed(0, 0), 1, 0, nullptr, nullptr), EBUSY);
    EXPECT_EQ(b.add(), -EBUSY);
    EXPECT_EQ(aura_drain(engine(), 0), -ETIMEDOUT);
    ended plain; // others are unaffected
    char c;
    ASSERT_TRUE(aura_read(engine(), fd.get(), aura_buf(&c), 1, 0, ended::note, &plain));
    EXPECT_EQ(result(plain), 1);

    ASSERT_EQ(::write(pipe.write_end, "abc", 3), 3);
    EXPECT_EQ(result(read), 3);
    EXPECT_EQ(result(first), 0);
    EXPECT_EQ(result(second), 0);
    EXPECT_EQ(b.add(), 0);
}

TEST_F(CRegistration, AnEndThatWasOnlyAskedForIsWaitedForByDrain) {
    const buffers b(engine());
    ASSERT_EQ(b.add(), 0);
    EXPECT_EQ(aura_request_unregister(nullptr, AURA_REG_BUFFERS), -EINVAL);
    EXPECT_EQ(aura_request_unregister(engine(), AURA_REG_FILES), -ENOENT);
    ended read;
    ASSERT_TRUE(aura_read(engine(), fd.get(), aura_buf_fixed(0, 0), block, 0, ended::note, &read));
    EXPECT_EQ(aura_request_unregister(engine(), AURA_REG_BUFFERS), 0);
    EXPECT_EQ(b.add(), -EBUSY);
    EXPECT_GE(aura_drain(engine(), -1), 1);
    EXPECT_EQ(read.result, static_cast<ssize_t>(block));
    EXPECT_EQ(b.add(), 0); // the former one has ended
}

TEST_F(CRegistration, AChainGoesOnOnlyWhileItsBufferIsRegistered) {
    const buffers b(engine());
    const pipe_ends pipe;
    ASSERT_EQ(b.add(), 0);
    ended first, second, over;
    const aura_op_t chain[] = {
        aura_op_read(pipe.read_end, aura_buf_fixed(0, 0), 3, AURA_CURRENT_POSITION, ended::note, &first),
        aura_op_write(fd.get(), aura_buf_fixed(0, 0), 3, 0, ended::note, &second)};
    ASSERT_TRUE(aura_submit_linked(engine(), chain, 2, nullptr));
    ASSERT_EQ(aura_unregister_async(engine(), AURA_REG_BUFFERS, ended::note, &over), 0);
    while (aura_poll(engine()) > 0) {
    }
    ASSERT_EQ(::write(pipe.write_end, "abc", 3), 3);
    EXPECT_EQ(result(first), 3);
    EXPECT_EQ(result(second), -EBUSY);
    EXPECT_EQ(result(over), 0);
    EXPECT_EQ(aura_submit_linked(engine(), chain, 2, nullptr), nullptr);
    EXPECT_EQ(errno, ENOENT);
}

TEST_F(CRegistration, IsDeferredInACallback) {
    struct state {
        aura_engine_t* engine;
        ended over;
        int unregister = 1, again = 1, refused = 0;
    } s{engine(), {}};
    const buffers b(engine());
    ASSERT_EQ(b.add(), 0);
    ASSERT_TRUE(aura_read(
        engine(), fd.get(), aura_buf_fixed(0, 0), block, 0,
        [](aura_request_t*, ssize_t, void* user_data) {
            auto& self = *static_cast<state*>(user_data);
            self.unregister = aura_unregister(self.engine, AURA_REG_BUFFERS);
            self.again = aura_unregister_async(self.engine, AURA_REG_BUFFERS, ended::note, &self.over);
            aura_read(self.engine, 0, aura_buf_fixed(0, 0), 1, 0, nullptr, nullptr);
            self.refused = errno;
        },
        &s));
    EXPECT_EQ(result(s.over), 0);
    EXPECT_EQ(s.unregister, 0);
    EXPECT_EQ(s.again, 0);
    EXPECT_EQ(s.refused, EBUSY);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_BUFFERS), -ENOENT);
}

TEST_F(CRegistration, UsesRegisteredFiles) {
    const buffers b(engine());
    const scratch_file other_file(block);
    ASSERT_EQ(b.add(), 0);
    const int fds[] = {-1, fd.get()};
    ASSERT_EQ(aura_register_files(engine(), fds, 2), 0);
    ended read, both, sync, vector, chain;
    char data[block];
    ASSERT_TRUE(aura_read(engine(), AURA_FIXED_FILE | 1, aura_buf(data), block, block, ended::note, &read));
    EXPECT_EQ(result(read), static_cast<ssize_t>(block));
    EXPECT_TRUE(scratch_file::matches(data, block, block));
    ASSERT_TRUE(aura_write(engine(), AURA_FIXED_FILE | 1, aura_buf_fixed(0, 0), 10, 0, ended::note, &both));
    EXPECT_EQ(result(both), 10);
    ASSERT_TRUE(aura_fsync(engine(), AURA_FIXED_FILE | 1, ended::note, &sync));
    EXPECT_EQ(result(sync), 0);
    iovec parts[] = {{data, 10}, {data + 100, 20}};
    ASSERT_TRUE(aura_readv(engine(), AURA_FIXED_FILE | 1, parts, 2, 0, ended::note, &vector));
    EXPECT_EQ(result(vector), 30);
    const aura_op_t ops[] = {aura_op_writev(AURA_FIXED_FILE | 1, parts, 2, 0, nullptr, nullptr),
                             aura_op_fdatasync(AURA_FIXED_FILE | 1, ended::note, &chain)};
    ASSERT_TRUE(aura_submit_linked(engine(), ops, 2, nullptr));
    EXPECT_EQ(result(chain), 0);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_FILES), 0);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_BUFFERS), 0);
}

TEST_F(CRegistration, RefusesFilesThatAreNotThere) {
    char c;
    const auto read = [&](int f) { return aura_read(engine(), f, aura_buf(&c), 1, 0, nullptr, nullptr); };
    expect_refused(read(AURA_FIXED_FILE | 0), ENOENT);
    const int fds[] = {-1, fd.get()};
    ASSERT_EQ(aura_register_files(engine(), fds, 2), 0);
    expect_refused(read(AURA_FIXED_FILE | 0), EBADF);
    expect_refused(read(AURA_FIXED_FILE | 2), EINVAL);
    expect_refused(read(-1), EBADF);
    expect_refused(read(AT_FDCWD), EBADF);
    expect_refused(aura_fsync(engine(), AURA_FIXED_FILE | 0, nullptr, nullptr), EBADF);
    const aura_op_t op = aura_op_ftruncate(AURA_FIXED_FILE | 1, 0, nullptr, nullptr);
    expect_refused(aura_submit_linked(engine(), &op, 1, nullptr), EBADF);
    expect_refused(aura_close(engine(), AURA_FIXED_FILE | 1, nullptr, nullptr), EBADF);
    expect_refused(aura_fallocate(engine(), AURA_FIXED_FILE | 1, 0, 0, 1, nullptr, nullptr), EBADF);
    expect_refused(aura_recv(engine(), AURA_FIXED_FILE | 1, &c, 1, 0, nullptr, nullptr), EBADF);
    aura_op_t flagged = aura_op_fsync(fd.get(), nullptr, nullptr);
    flagged.flags = 1;
    expect_refused(aura_submit_linked(engine(), &flagged, 1, nullptr), EINVAL);
    EXPECT_EQ(aura_update_file(engine(), 2, fd.get()), -EINVAL);
    EXPECT_EQ(aura_update_file(engine(), -1, fd.get()), -EINVAL);
    EXPECT_EQ(aura_update_file(nullptr, 0, fd.get()), -EINVAL);
    EXPECT_EQ(aura_update_file(engine(), 0, 1 << 20), -EBADF);
    EXPECT_EQ(aura_update_file(engine(), 0, -2), -EBADF);
    EXPECT_EQ(aura_update_file(engine(), 1, -1), 0);
    expect_refused(read(AURA_FIXED_FILE | 1), EBADF);
    EXPECT_EQ(aura_drain(engine(), -1), 0);
}

TEST_F(CRegistration, AReplacedFileIsUsedByWhatIsStartedLater) {
    pipe_ends blocked;
    const scratch_file other(block);
    const int second = ::open(other.path().c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::pwrite(second, "second", 6, 0), 6);
    const int fds[] = {fd.get(), blocked.read_end};
    ASSERT_EQ(aura_register_files(engine(), fds, 2), 0);
    ended before;
    char old[8] = {}, now[8] = {};
    ASSERT_TRUE(aura_read(engine(), AURA_FIXED_FILE | 1, aura_buf(old), 3, AURA_CURRENT_POSITION, ended::note,
                          &before));
    for (int i = 0; i < 200; ++i) { // more than a ring is told one by one
        ASSERT_EQ(aura_update_file(engine(), 0, i % 2 == 0 ? second : fd.get()), 0);
        ended after;
        ASSERT_TRUE(aura_read(engine(), AURA_FIXED_FILE | 0, aura_buf(now), 6, 0, ended::note, &after));
        EXPECT_EQ(result(after), 6);
        EXPECT_EQ(std::memcmp(now, "second", 6) == 0, i % 2 == 0);
    }
    for (int i = 0; i < 200; ++i)
        ASSERT_EQ(aura_update_file(engine(), 0, i % 2 == 0 ? fd.get() : second), 0);
    ended last;
    ASSERT_TRUE(aura_read(engine(), AURA_FIXED_FILE | 0, aura_buf(now), 6, 0, ended::note, &last));
    EXPECT_EQ(result(last), 6);
    EXPECT_EQ(std::memcmp(now, "second", 6), 0);
    ASSERT_EQ(aura_update_file(engine(), 1, -1), 0); // the read that is pending has its file
    ASSERT_EQ(::write(blocked.write_end, "old", 3), 3);
    EXPECT_EQ(result(before), 3);
    EXPECT_EQ(std::memcmp(old, "old", 3), 0);
    aura_poll(engine()); // "until its next turn"
    ::close(std::exchange(blocked.read_end, -1));
    pollfd end{blocked.write_end, 0, 0}; // an error is told unasked
    EXPECT_EQ(::poll(&end, 1, 5000), 1);
    EXPECT_TRUE((end.revents & POLLERR) != 0) << "a ring holds the file that was replaced";
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_FILES), 0);
    ::close(second);
}

TEST_F(CRegistration, WhatStillWaitsNeverReachesTheNextFileOfItsEntry) {
    const scratch_file other(0);
    const unique_fd second(::open(other.path().c_str(), O_RDWR | O_CLOEXEC));
    const std::vector<char> text(block, 'x');
    ASSERT_EQ(::pwrite(second.get(), text.data(), block, 0), static_cast<ssize_t>(block));
    aura_storage_t one;
    aura_storage_init(&one);
    one.max_in_flight = 1;
    ASSERT_EQ(aura_set_storage(engine(), nullptr, &one), 0);
    const int fds[] = {fd.get()};
    ASSERT_EQ(aura_register_files(engine(), fds, 1), 0);
    std::array<ended, 16> reads;
    std::vector<std::array<char, block>> memory(reads.size());
    for (std::size_t i = 0; i < reads.size(); ++i)
        ASSERT_TRUE(aura_read(engine(), AURA_FIXED_FILE | 0, aura_buf(memory[i].data()), block, 0,
                              ended::note, &reads[i]));
    aura_poll(engine()); // some are under way, the others wait for them
    ASSERT_EQ(aura_update_file(engine(), 0, second.get()), 0);
    int refused = 0;
    for (std::size_t i = 0; i < reads.size(); ++i) {
        const ssize_t n = result(reads[i]);
        refused += n == -EBADF;
        EXPECT_TRUE(n == -EBADF || scratch_file::matches(memory[i].data(), block, 0)) << i << ": " << n;
    }
    EXPECT_GT(refused, 0);
    EXPECT_EQ(aura_unregister(engine(), AURA_REG_FILES), 0);
}

TEST_F(CRegistration, EveryRingHasIt) {
    const engine_ptr several = make_engine(4, AURA_SELECT_ROUND_ROBIN);
    const buffers b(several.get(), 16);
    const int fds[] = {fd.get()};
    ASSERT_EQ(b.add(), 0);
    ASSERT_EQ(aura_register_files(several.get(), fds, 1), 0);
    std::array<ended, 16> done;
    for (int i = 0; i < 16; ++i)
        ASSERT_TRUE(aura_read(several.get(), AURA_FIXED_FILE | 0, aura_buf_fixed(i, 0), block, i * 4096,
                              ended::note, &done[static_cast<std::size_t>(i)]));
    for (std::size_t i = 0; i < 16; ++i) {
        EXPECT_EQ(finish(several, done[i]), static_cast<ssize_t>(block));
        EXPECT_TRUE(scratch_file::matches(b[i], block, i * block));
    }
    EXPECT_EQ(aura_unregister(several.get(), AURA_REG_FILES), 0);
    EXPECT_EQ(aura_unregister(several.get(), AURA_REG_BUFFERS), 0);
}

TEST_F(CRegistration, EndsWhileOtherThreadsStartOperations) {
    const engine_ptr several = make_engine(2, AURA_SELECT_ROUND_ROBIN);
    const buffers b(several.get());
    std::atomic<int> left{0};
    const auto run = [&] {
        aura_run(several.get());
        ++left;
    };
    std::thread runners[] = {std::thread(run), std::thread(run)};
    std::atomic<bool> stop{false};
    std::atomic<int> started{0}, completed{0}, wrong{0};
    struct counters {
        std::atomic<int>&completed, &wrong;
    } counts{completed, wrong};
    std::thread starter([&] {
        while (!stop) {
            if (started - completed > 64) {
                std::this_thread::yield();
                continue;
            }
            ++started;
            if (!aura_read(
                    several.get(), fd.get(), aura_buf_fixed(0, 0), block, 0,
                    [](aura_request_t*, ssize_t result, void* user_data) {
                        auto& c = *static_cast<counters*>(user_data);
                        if (result != static_cast<ssize_t>(block) && result != -EBUSY && result != -ENOENT)
                            ++c.wrong;
                        ++c.completed;
                    },
                    &counts)) {
                if (errno != ENOENT && errno != EBUSY)
                    ++wrong;
                --started;
            }
        }
    });
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(b.add(), 0);
        const int before = completed;
        while (completed == before)
            std::this_thread::yield();
        ASSERT_EQ(aura_unregister(several.get(), AURA_REG_BUFFERS), 0);
    }
    stop = true;
    starter.join();
    while (left != 2) { // one may not be in aura_run() yet
        aura_stop(several.get());
        std::this_thread::yield();
    }
    for (std::thread& t : runners)
        t.join();
    EXPECT_GE(aura_drain(several.get(), -1), 0);
    EXPECT_EQ(started, completed);
    EXPECT_EQ(wrong, 0);
}

TEST_F(CRegistration, AnEngineMayBeDestroyedWhileDraining) {
    engine_ptr doomed = make_engine();
    const iovec memory{aura_buffer_alloc(doomed.get(), block), block};
    const pipe_ends pipe;
    ASSERT_EQ(aura_register_buffers(doomed.get(), &memory, 1), 0);
    ended read, over;
    ASSERT_TRUE(aura_read(doomed.get(), pipe.read_end, aura_buf_fixed(0, 0), block, AURA_CURRENT_POSITION,
                          ended::note, &read));
    aura_poll(doomed.get());
    ASSERT_EQ(aura_unregister_async(doomed.get(), AURA_REG_BUFFERS, ended::note, &over), 0);
    aura_buffer_free(doomed.get(), memory.iov_base); // only its address is used from here on
    doomed.reset();
    EXPECT_EQ(read.calls, 1);
    EXPECT_EQ(read.result, -ECANCELED);
    EXPECT_EQ(over.calls, 1);
    EXPECT_EQ(over.result, 0);
}

TEST_F(CRegistration, IsRefusedWhileTheEngineIsDestroyed) {
    struct state {
        aura_engine_t* engine;
        int fd, buffers = 0, files = 0, update = 0, unregister = 0;
    } s{aura_create(), fd.get()};
    const pipe_ends pipe;
    char c;
    ASSERT_TRUE(aura_read(
        s.engine, pipe.read_end, aura_buf(&c), 1, AURA_CURRENT_POSITION,
        [](aura_request_t*, ssize_t, void* user_data) {
            auto& self = *static_cast<state*>(user_data);
            static char memory[16];
            const iovec v{memory, sizeof memory};
            self.buffers = aura_register_buffers(self.engine, &v, 1);
            self.files = aura_register_files(self.engine, &self.fd, 1);
            self.update = aura_update_file(self.engine, 0, self.fd);
            self.unregister = aura_unregister(self.engine, AURA_REG_FILES);
        },
        &s));
    ASSERT_EQ(aura_destroy(s.engine), 0);
    EXPECT_EQ(s.buffers, -ESHUTDOWN);
    EXPECT_EQ(s.files, -ESHUTDOWN);
    EXPECT_EQ(s.update, -ESHUTDOWN);
    EXPECT_EQ(s.unregister, -ESHUTDOWN);
}

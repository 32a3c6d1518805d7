// Rings and threads: how many rings there are, who serves those whose thread has left, what small queues do.
#include <auraio/auraio.hpp>

#include "support/counter.hpp"
#include "support/descriptor_famine.hpp"
#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <latch>
#include <optional>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

class AdoptableRings : public testing::TestWithParam<ring_configuration> {};
class AllRings : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, AdoptableRings, testing::ValuesIn(adoptable_rings), configuration_name);
INSTANTIATE_TEST_SUITE_P(Flags, AllRings, testing::ValuesIn(all_rings), configuration_name);

TEST(RingConfigurations, AreAllThere) {
    std::string left_out;
    for (const ring_configuration& c : both(every_adoptable_one, every_deferred_one))
        if (existing({c}).empty())
            left_out += std::string(" ") + c.name;
    if (!left_out.empty())
        GTEST_SKIP() << "this kernel has no such rings, and no test runs on them:" << left_out;
}

TEST_P(AdoptableRings, EachRunningThreadHasItsOwn) {
    auto options = GetParam().options();
    options.implicit_strands = true; // nobody takes a ring over from handlers that wait for each other
    aura::io_context ctx(options);
    EXPECT_EQ(ctx.ring_count(), 1u);
    auto work = net::make_work_guard(ctx);
    constexpr unsigned count = 4;
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::vector<std::thread> running;
    for (unsigned i = 0; i < count; ++i)
        running.emplace_back([&] { ctx.run(); });
    // Functions that wait for each other need as many threads at once: any idle one takes work of the
    // context; once all are there, each of the four rings has one of its own.
    std::barrier all(count);
    const auto meet = [&](std::latch& met) {
        all.arrive_and_wait();
        {
            std::lock_guard guard(mutex);
            threads.insert(std::this_thread::get_id());
        }
        met.count_down();
    };
    std::latch in_context(count), on_rings(count);
    for (unsigned i = 0; i < count; ++i)
        net::post(ctx, [&] { meet(in_context); });
    in_context.wait();
    for (unsigned i = 0; i < count; ++i)
        net::post(ctx.ring_executor(i), [&] { meet(on_rings); });
    on_rings.wait();
    work.reset();
    for (auto& t : running)
        t.join();
    EXPECT_EQ(threads.size(), count);
    EXPECT_EQ(ctx.ring_count(), count);
}

TEST_P(AdoptableRings, OneThreadServesAllThereAre) {
    aura::io_context ctx(GetParam().options());
    constexpr unsigned count = 5;
    scratch_file contents(count * 4096);
    std::vector<aura::random_access_file> files;
    std::vector<aura::steady_timer> timers;
    std::vector<std::vector<char>> buffers(count, std::vector<char>(4096));
    unsigned posted = 0, read = 0, fired = 0;
    for (unsigned i = 0; i < count; ++i) {
        auto ring = ctx.ring_executor(i);
        net::post(ring, [&] { ++posted; });
        files.emplace_back(ring, contents.path(), aura::file_base::read_only);
        files.back().async_read_some_at(
            i * 4096, net::buffer(buffers[i]), [&, i](aura::error_code ec, std::size_t n) {
                EXPECT_FALSE(ec) << ec.message();
                EXPECT_TRUE(scratch_file::matches(buffers[i].data(), n, i * 4096));
                ++read;
            });
        timers.emplace_back(ring, 5ms * i);
        timers.back().async_wait([&](aura::error_code ec) {
            EXPECT_FALSE(ec);
            ++fired;
        });
    }
    ctx.run();
    EXPECT_EQ(posted, count);
    EXPECT_EQ(read, count);
    EXPECT_EQ(fired, count);
}

TEST_P(AdoptableRings, ThreadsThatComeAndGoMakeNoMoreRingsThanThereWereThreads) {
    aura::io_context ctx(GetParam().options());
    auto work = net::make_work_guard(ctx);
    for (int round = 0; round < 20; ++round) {
        std::thread a([&] { ctx.run_one(); });
        std::thread b([&] { ctx.run_one(); });
        net::post(ctx, [] {});
        net::post(ctx, [] {});
        a.join();
        b.join();
    }
    // Not one a round. Where the thread that looks after a ring without one is not run for 100 ms, there is one more.
    EXPECT_LE(ctx.ring_count(), 4u);
}

TEST_P(AdoptableRings, ARingWhoseThreadLeftIsServedByASleepingOne) {
    auto options = GetParam().options();
    // Each thread keeps its ring however long the two wait for each other.
    options.implicit_strands = true;
    aura::io_context ctx(options);
    auto work = net::make_work_guard(ctx);
    // Two threads on two rings; then one leaves, and the other has nothing to do.
    std::thread stays([&] { ctx.run(); });
    std::thread leaves([&] { ctx.run_one(); });
    std::barrier meet(2);
    for (unsigned i = 0; i < 2; ++i)
        net::post(ctx, [&] { meet.arrive_and_wait(); }); // needs both threads at once
    leaves.join();
    ASSERT_EQ(ctx.ring_count(), 2u);

    // Both rings work: functions, timers and polled I/O, from outside.
    for (unsigned i = 0; i < 2; ++i) {
        auto ring = ctx.ring_executor(i);
        counter done;
        int pipe[2];
        ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
        aura::stream_file reader(ring, pipe[0]);
        char text[8];
        reader.async_read_some(net::buffer(text), [&](aura::error_code ec, std::size_t n) {
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_EQ(n, 2u);
            done.add();
        });
        aura::steady_timer timer(ring, 10ms);
        timer.async_wait([&](aura::error_code ec) {
            EXPECT_FALSE(ec);
            done.add();
        });
        net::post(ring, [&] { done.add(); });
        EXPECT_EQ(::write(pipe[1], "hi", 2), 2);
        EXPECT_TRUE(done.await(3));
        ::close(pipe[1]);
    }
    work.reset();
    stays.join();
    EXPECT_EQ(ctx.ring_count(), 2u);
}

TEST_P(AllRings, QueuesSmallerThanTheLoadLoseNothing) {
    auto options = GetParam().options();
    options.sq_entries = 4;
    options.cq_entries = 8;
    aura::io_context ctx(options);
    constexpr std::size_t count = 2000;
    scratch_file contents(64 * 512);
    aura::random_access_file file(ctx, contents.path(), aura::file_base::read_only);
    std::vector<char> memory(count * 512);
    std::size_t done = 0;
    for (std::size_t i = 0; i < count; ++i)
        file.async_read_some_at(i % 64 * 512, net::buffer(&memory[i * 512], 512),
                                [&, i](aura::error_code ec, std::size_t n) {
                                    EXPECT_FALSE(ec) << ec.message();
                                    EXPECT_TRUE(scratch_file::matches(&memory[i * 512], n, i % 64 * 512));
                                    ++done;
                                });
    ctx.run();
    EXPECT_EQ(done, count);
}

TEST_P(AllRings, RunsRepeatedlyInTheSameThread) {
    aura::io_context ctx(GetParam().options());
    aura::steady_timer timer(ctx);
    for (int round = 0; round < 10; ++round) {
        bool fired = false, called = false;
        timer.expires_after(1ms);
        timer.async_wait([&](aura::error_code ec) { fired = !ec; });
        net::post(ctx.ring_executor(0), [&] { called = true; });
        ctx.run();
        EXPECT_TRUE(fired && called);
        ctx.restart();
    }
}

TEST(DeferredRings, ASecondThreadGetsAnError) {
    if (deferred_rings.empty())
        GTEST_SKIP() << "this kernel has no such rings";
    aura::io_context_options options;
    options.task_work = aura::task_run::deferred;
    aura::io_context ctx(options);
    net::post(ctx, [] {});
    EXPECT_EQ(ctx.run(), 1u);
    ctx.restart();
    net::post(ctx, [] {});
    std::thread([&] {
        try {
            ctx.run();
            ADD_FAILURE() << "run() in a second thread was not refused";
        } catch (const aura::system_error& e) {
            EXPECT_EQ(e.code().value(), EEXIST);
            EXPECT_NE(std::string(e.what()).find("single thread"), std::string::npos) << e.what();
        }
    }).join();
    EXPECT_EQ(ctx.run(), 1u); // nothing was lost
}

/// A context of task_run::deferred, and the thread that its rings obey.
class ObedientRing : public testing::Test {
protected:
    void SetUp() override {
        if (deferred_rings.empty())
            GTEST_SKIP() << "this kernel has no such rings";
        aura::io_context_options options;
        options.task_work = aura::task_run::deferred;
        options.concurrency_hint = 1;
        ctx_.emplace(options);
    }
    ~ObedientRing() override { join(); }

    void join() {
        if (!thread_.joinable())
            return;
        again_.count_down();
        thread_.join();
    }

    /// Its first stay in run() ends when all that is posted has run; the second begins with join().
    void run_twice(std::function<void()> at_the_end) {
        thread_ = std::thread([this, at_the_end] {
            ctx_->poll();
            left_.count_down();
            again_.wait();
            ctx_->restart();
            ctx_->run();
            at_the_end();
        });
        left_.wait();
    }

    std::optional<aura::io_context> ctx_;
    std::latch left_{1}, again_{1};
    std::thread thread_;
};

TEST_F(ObedientRing, ObjectsMayBeClosedAndDestroyedByOtherThreads) {
    using net::ip::tcp;
    std::optional<aura::ip::tcp::acceptor> acceptor(std::in_place, *ctx_,
                                                    tcp::endpoint(net::ip::address_v4::loopback(), 0));
    std::optional<aura::ip::tcp::socket> destroyed(std::in_place, *ctx_), closed(std::in_place, *ctx_);
    destroyed->open(tcp::v4());
    closed->open(tcp::v4());
    int aborted = 0;
    const auto count = [&](aura::error_code ec, auto&&...) {
        aborted += ec == net::error::operation_aborted;
    };
    acceptor->async_accept(count);
    acceptor->async_accept(count);
    std::array<char, 1> byte{};
    net::io_context other;
    // Both connections stay silent.
    tcp::acceptor peer(other, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    destroyed->connect(peer.local_endpoint());
    closed->connect(peer.local_endpoint());
    destroyed->async_read_some(net::buffer(byte), count);
    closed->async_read_some(net::buffer(byte), count);
    run_twice([&] { ctx_.reset(); });
    const auto port = acceptor->local_endpoint();
    acceptor.reset();
    destroyed.reset();
    closed->close();
    closed.reset();
    EXPECT_EQ(aborted, 0) << "the ring obeys its thread alone";
    join();
    EXPECT_EQ(aborted, 4);
    tcp::acceptor(other, port); // the port is free
}

TEST_F(ObedientRing, FilesAndPipesMayBeClosedByOtherThreads) {
    int aborted = 0, ended = 0;
    const auto count = [&](aura::error_code ec, std::size_t) {
        ++ended;
        aborted += ec == net::error::operation_aborted;
    };
    aura::readable_pipe reader(*ctx_), second_reader(*ctx_);
    aura::writable_pipe writer(*ctx_), second_writer(*ctx_);
    net::connect_pipe(reader, writer);
    net::connect_pipe(second_reader, second_writer);
    std::array<char, 4> bytes{};
    const test::scratch_file contents(4096);
    aura::random_access_file file(*ctx_, contents.path(), aura::file_base::read_only);
    reader.async_read_some(net::buffer(bytes, 1), count);
    second_reader.async_read_some(net::buffer(bytes, 1), count);
    file.async_read_some_at(0, net::buffer(bytes), count);
    run_twice([] {});
    reader.close();
    const int fd = second_reader.release();
    file.close();
    join();
    EXPECT_EQ(ended, 3);
    EXPECT_GE(aborted, 2); // the file may have been read
    aura::error_code ec;
    writer.write_some(net::buffer("x", 1), ec);
    EXPECT_EQ(ec, net::error::broken_pipe);
    second_writer.write_some(net::buffer("x", 1));
    EXPECT_EQ(::read(fd, bytes.data(), 1), 1) << "what was released took a byte";
    ::close(fd);
}

TEST_F(ObedientRing, AnotherThreadMayDestroyTheContextWhenNothingIsPending) {
    run_twice([] {});
    join();
    ctx_.reset();
}

TEST(OneRing, ThreadsTakeTurns) {
    aura::io_context_options options;
    options.concurrency_hint = 1;
    options.implicit_strands = true; // one at a time, however long the processor is taken from a handler
    aura::io_context ctx(options);
    auto work = net::make_work_guard(ctx);
    std::atomic<int> inside{0};
    std::atomic<bool> overlap{false};
    std::vector<std::thread> running;
    for (int i = 0; i < 3; ++i)
        running.emplace_back([&] {
            for (int k = 0; k < 300; ++k)
                ctx.run_one();
        });
    for (int i = 0; i < 900; ++i)
        net::post(ctx, [&] {
            if (inside.fetch_add(1) != 0)
                overlap = true;
            inside.fetch_sub(1);
        });
    for (auto& t : running)
        t.join();
    EXPECT_FALSE(overlap);
    EXPECT_EQ(ctx.ring_count(), 1u);
}

TEST(Limits, ARingThatCannotBeMadeIsAnErrorOfRunAndNothingIsLost) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors to look at an exception";
    auto options = aura::options_from_environment();
    options.keep_ring = false; // that of an earlier context would do
    aura::io_context ctx(options);
    bool ran = false;
    net::post(ctx, [&] { ran = true; });
    rlimit before;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 3; // the next descriptor would be number 3 or higher
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    try {
        ctx.run();
        ADD_FAILURE() << "run() succeeded without descriptors";
    } catch (const aura::system_error& e) {
        EXPECT_EQ(e.code().value(), EMFILE) << e.what();
        EXPECT_NE(std::string(e.what()).find("RLIMIT_NOFILE"), std::string::npos) << e.what();
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_FALSE(ran);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_TRUE(ran);
}

} // namespace

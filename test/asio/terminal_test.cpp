// Terminals: what does not fit into them waits there, and must not hold the thread that serves everything
// else.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_stream_descriptor.hpp>

#include AURAIO_ASIO(write.hpp)

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <string>
#include <termios.h>
#include <thread>
#include <unistd.h>

namespace net = test::net;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library>
using descriptor_of = net::posix::basic_stream_descriptor<typename Library::executor>;

/// Both ends of a pseudo-terminal that changes nothing of what passes. The ends belong to whom they are
/// given.
struct terminal {
    terminal() {
        master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0)
            return;
        char name[64];
        if (::ptsname_r(master, name, sizeof name) == 0)
            slave = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
            return;
        make_raw(1);
    }
    void make_raw(cc_t least) const {
        termios t;
        ::tcgetattr(slave, &t);
        ::cfmakeraw(&t);
        t.c_cc[VMIN] = least;
        t.c_cc[VTIME] = 0;
        ::tcsetattr(slave, TCSANOW, &t);
    }
    int master = -1;
    int slave = -1;
};

/// Of terminals.
int open_descriptors() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone; // the directory itself
        count += read_symlink(entry.path(), gone).string().starts_with("/dev/pt") ? 1 : 0;
    }
    return count;
}

/// Reads away what waits in `fd` should the test take too long, so that a thread that is held there comes
/// back.
class rescue {
public:
    explicit rescue(int fd)
        : thread_([this, fd] {
            std::unique_lock lock(mutex_);
            while (!ended_.wait_for(lock, std::chrono::seconds(25), [this] { return over_; })) {
                was_needed = true;
                char bytes[4096];
                for (int i = 0; i < 100 && ::read(fd, bytes, sizeof bytes) > 0; ++i) {
                }
            }
        }) {}
    ~rescue() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        ended_.notify_one();
        thread_.join();
    }
    bool was_needed = false;

private:
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;
    std::thread thread_;
};

template <class Library>
class Terminal : public testing::Test {
protected:
    void SetUp() override {
        if (pty_.slave < 0)
            GTEST_SKIP() << "no pseudo-terminal to be had here";
    }
    typename Library::context ctx_;
    terminal pty_;
    std::string big_ = std::string(200000, 'q');
    char memory_[64] = {};
};
TYPED_TEST_SUITE(Terminal, test::libraries, test::library_names);

TYPED_TEST(Terminal, WhatDoesNotFitIsLeftToTheNextWrite) {
    for (const bool to_master : {false, true}) {
        SCOPED_TRACE(to_master ? "master" : "slave");
        terminal pty;
        const int other = to_master ? pty.slave : pty.master;
        descriptor_of<TypeParam> d(this->ctx_, to_master ? pty.master : pty.slave);
        ::fcntl(other, F_SETFL, O_NONBLOCK);
        rescue watch(other);
        // All of it arrives, although nothing is read from the other end but by handlers of the same thread.
        std::size_t read = 0;
        bool written = false;
        typename TypeParam::steady_timer timer(this->ctx_);
        auto tick = [&](auto& self) -> void {
            timer.expires_after(std::chrono::milliseconds(1));
            timer.async_wait([&](error_code ec) {
                EXPECT_FALSE(ec);
                char bytes[4096];
                for (ssize_t n; (n = ::read(other, bytes, sizeof bytes)) > 0;)
                    read += static_cast<std::size_t>(n);
                if (!written || read < this->big_.size())
                    self(self);
            });
        };
        tick(tick);
        net::async_write(d, net::buffer(this->big_), exactly_once([&](error_code ec, std::size_t n) {
                             EXPECT_FALSE(ec);
                             EXPECT_EQ(n, this->big_.size());
                             written = true;
                         }));
        this->ctx_.restart();
        this->ctx_.run();
        EXPECT_EQ(read, this->big_.size());
        EXPECT_FALSE(watch.was_needed) << "the thread was held by the terminal";
        ::close(other);
    }
}

TYPED_TEST(Terminal, AWriteThatNobodyReadsIsCancelledAndClosed) {
    for (const bool to_master : {false, true}) {
        for (const bool close : {false, true}) {
            SCOPED_TRACE(std::string(to_master ? "master" : "slave") + (close ? " closed" : " cancelled"));
            terminal pty;
            const int other = to_master ? pty.slave : pty.master;
            descriptor_of<TypeParam> d(this->ctx_, to_master ? pty.master : pty.slave);
            rescue watch(other);
            error_code result;
            net::async_write(d, net::buffer(this->big_),
                             exactly_once([&](error_code ec, std::size_t) { result = ec; }));
            typename TypeParam::steady_timer timer(this->ctx_, std::chrono::milliseconds(20));
            timer.async_wait(exactly_once([&](error_code) {
                error_code ec;
                if (close)
                    d.close(ec);
                else
                    d.cancel(ec);
                EXPECT_FALSE(ec);
            }));
            this->ctx_.restart();
            this->ctx_.run();
            EXPECT_TRUE(result == net::error::operation_aborted || result == net::error::bad_descriptor)
                << result.message();
            EXPECT_FALSE(watch.was_needed) << "the thread was held by the terminal";
            ::close(other);
        }
    }
}

TYPED_TEST(Terminal, ThatAnswersWithNothingHasEnded) {
    this->pty_.make_raw(0);
    descriptor_of<TypeParam> d(this->ctx_, this->pty_.slave);
    d.async_read_some(net::buffer(this->memory_), exactly_once([](error_code ec, std::size_t n) {
                          EXPECT_EQ(ec, net::error::eof);
                          EXPECT_EQ(n, 0u);
                      }));
    this->ctx_.run();
    ASSERT_EQ(::write(this->pty_.master, "ab", 2), 2);
    d.wait(descriptor_of<TypeParam>::wait_read);
    d.async_read_some(net::buffer(this->memory_), exactly_once([](error_code ec, std::size_t n) {
                          EXPECT_FALSE(ec);
                          EXPECT_EQ(n, 2u);
                      }));
    this->ctx_.restart();
    this->ctx_.run();
    ::close(this->pty_.master);
}

TYPED_TEST(Terminal, IsReadAndLeavesNoDescriptorBehind) {
    const int before = open_descriptors();
    {
        terminal pty;
        descriptor_of<TypeParam> in(this->ctx_, pty.slave), out(this->ctx_, pty.master);
        std::string got;
        for (int i = 0; i < 2; ++i) {
            in.async_read_some(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t n) {
                                   EXPECT_FALSE(ec);
                                   got.append(this->memory_, n);
                               }));
            this->ctx_.restart();
            this->ctx_.poll();
            out.async_write_some(net::buffer("line", 4), exactly_once([&](error_code ec, std::size_t n) {
                                     EXPECT_FALSE(ec);
                                     EXPECT_EQ(n, 4u);
                                 }));
            this->ctx_.restart();
            this->ctx_.run();
        }
        EXPECT_EQ(got, "lineline");
        in.async_read_some(net::buffer(this->memory_), exactly_once([](error_code ec, std::size_t) {
                               EXPECT_EQ(ec, net::error::operation_aborted);
                           }));
        this->ctx_.restart();
        this->ctx_.poll();
        in.cancel();
        this->ctx_.restart();
        this->ctx_.run();
    }
    EXPECT_EQ(open_descriptors(), before);
}

#if AURAIO_TEST_HAS_AURA
TEST(TerminalOfOurs, KeepsItsMode) {
    terminal pty;
    if (pty.slave < 0)
        GTEST_SKIP() << "no pseudo-terminal to be had here";
    aura::io_context ctx;
    descriptor_of<test::this_library> d(ctx, pty.slave);
    d.async_write_some(net::buffer("x", 1), exactly_once([](error_code ec, std::size_t n) {
                           EXPECT_FALSE(ec);
                           EXPECT_EQ(n, 1u);
                       }));
    ctx.run();
    EXPECT_EQ(d.native_handle(), pty.slave);
    EXPECT_EQ(::fcntl(pty.slave, F_GETFL) & O_NONBLOCK, 0) << "others share it";
    EXPECT_EQ(d.release(), pty.slave);
    ctx.restart();
    ctx.poll();
    char c;
    EXPECT_EQ(::read(pty.master, &c, 1), 1);
    EXPECT_EQ(::write(pty.slave, "y", 1), 1) << "released, not closed";
    ::close(pty.slave);
    ::close(pty.master);
}
#endif

} // namespace

// What Asio's objects do beyond the system call of the same name, on Linux: each body runs on Asio's and on
// ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"
#include "support/scratch_file.hpp"

#include <auraio/asio/basic_socket_acceptor.hpp>
#include <auraio/asio/basic_stream_descriptor.hpp>
#include <auraio/asio/basic_stream_socket.hpp>
#if AURAIO_TEST_HAS_AURA
#include <auraio/random_access_file.hpp>
#endif

#include <auraio/asio/basic_datagram_socket.hpp>

#include AURAIO_ASIO(ip/tcp.hpp)
#include AURAIO_ASIO(ip/udp.hpp)
#include AURAIO_ASIO(local/stream_protocol.hpp)

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace net = test::net;
using net::ip::tcp;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library>
using socket_of = net::basic_stream_socket<tcp, typename Library::executor>;
template <class Library>
using acceptor_of = net::basic_socket_acceptor<tcp, typename Library::executor>;
template <class Library>
using descriptor_of = net::posix::basic_stream_descriptor<typename Library::executor>;

const tcp::endpoint any_port(net::ip::address_v4::loopback(), 0);

/// A number that was open a moment ago, and is not taken by what a context opens for itself.
int closed_number() {
    const int low = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int fd = ::fcntl(low, F_DUPFD_CLOEXEC, 500);
    ::close(low);
    ::close(fd);
    return fd;
}

int tcp_socket() {
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/// An option of Asio's own level that it does not know either.
struct impossible_option {
    template <class Protocol>
    int level(const Protocol& p) const {
        return net::socket_base::enable_connection_aborted().level(p);
    }
    template <class Protocol>
    int name(const Protocol&) const {
        return 2;
    }
    template <class Protocol>
    int* data(const Protocol&) {
        return &value;
    }
    template <class Protocol>
    const int* data(const Protocol&) const {
        return &value;
    }
    template <class Protocol>
    std::size_t size(const Protocol&) const {
        return sizeof value;
    }
    template <class Protocol>
    void resize(const Protocol&, std::size_t) {}
    int value = 1;
};

template <class Library>
class SmallPrint : public testing::Test {
protected:
    typename Library::context ctx_;
    char memory_[64] = {};
};
TYPED_TEST_SUITE(SmallPrint, test::libraries, test::library_names);

TYPED_TEST(SmallPrint, BufferSizesAreWhatWasSet) {
    const auto check = [](auto& socket) {
        using base = net::socket_base;
        base::receive_buffer_size in(65536);
        base::send_buffer_size out(32768);
        socket.set_option(in);
        socket.set_option(out);
        for (int i = 0; i < 3; ++i) { // what was got can be set, and got again
            socket.get_option(in);
            socket.get_option(out);
            EXPECT_EQ(in.value(), 65536);
            EXPECT_EQ(out.value(), 32768);
            socket.set_option(in);
            socket.set_option(out);
        }
    };
    socket_of<TypeParam> stream(this->ctx_, tcp::v4());
    check(stream);
    acceptor_of<TypeParam> acceptor(this->ctx_, tcp::v4());
    check(acceptor);
    net::basic_datagram_socket<net::ip::udp, typename TypeParam::executor> datagram(this->ctx_,
                                                                                    net::ip::udp::v4());
    check(datagram);
}

TYPED_TEST(SmallPrint, AnOptionThatNoSystemHasIsInvalid) {
    socket_of<TypeParam> socket(this->ctx_, tcp::v4());
    error_code ec;
    impossible_option option;
    socket.set_option(option, ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    socket.get_option(option, ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
}

TYPED_TEST(SmallPrint, ConnectWaitsAlsoOnANonBlockingSocket) {
    acceptor_of<TypeParam> acceptor(this->ctx_, any_port);
    const tcp::endpoint there = acceptor.local_endpoint();
    error_code ec;
    {
        socket_of<TypeParam> socket(this->ctx_, tcp::v4());
        socket.non_blocking(true);
        socket.connect(there, ec);
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_TRUE(socket.non_blocking());
        socket.read_some(net::buffer(this->memory_), ec);
        EXPECT_EQ(ec, net::error::would_block);
    }
    acceptor.close();
    socket_of<TypeParam> socket(this->ctx_, tcp::v4());
    socket.non_blocking(true);
    socket.connect(there, ec);
    EXPECT_EQ(ec, net::error::connection_refused);
}

TYPED_TEST(SmallPrint, AFullBacklogIsSaidByANonBlockingConnect) {
    using local = net::local::stream_protocol;
    using local_acceptor = net::basic_socket_acceptor<local, typename TypeParam::executor>;
    using local_socket = net::basic_stream_socket<local, typename TypeParam::executor>;
    const std::string name("\0small print test ", 18);
    const local::endpoint there(name + TypeParam::name + std::to_string(::getpid()));
    local_acceptor acceptor(this->ctx_, there);
    acceptor.listen(0);
    std::vector<local_socket> clients;
    error_code ec;
    for (int i = 0; i < 8 && !ec; ++i) {
        clients.emplace_back(this->ctx_, local());
        clients.back().non_blocking(true);
        clients.back().connect(there, ec);
    }
    if (std::is_same_v<TypeParam, test::plain_asio> && !ec)
        GTEST_SKIP() << "this version of Asio calls such a socket connected";
    EXPECT_EQ(ec, net::error::no_buffer_space);
}

TYPED_TEST(SmallPrint, WhatIsNotOpenIsNotAssigned) {
    const auto check = [](auto assign) {
        EXPECT_EQ(assign(closed_number()), net::error::bad_descriptor);
        EXPECT_EQ(assign(-1), net::error::bad_descriptor);
        const int path = ::open("/", O_PATH | O_CLOEXEC);
        EXPECT_EQ(assign(path), net::error::bad_descriptor) << "a place in the file system only";
        ::close(path);
    };
    check([this](int fd) {
        socket_of<TypeParam> object(this->ctx_);
        error_code ec;
        object.assign(tcp::v4(), fd, ec);
        EXPECT_FALSE(object.is_open());
        return ec;
    });
    check([this](int fd) {
        acceptor_of<TypeParam> object(this->ctx_);
        error_code ec;
        object.assign(tcp::v4(), fd, ec);
        EXPECT_FALSE(object.is_open());
        return ec;
    });
    check([this](int fd) {
        descriptor_of<TypeParam> object(this->ctx_);
        error_code ec;
        object.assign(fd, ec);
        EXPECT_FALSE(object.is_open());
        return ec;
    });
}

TYPED_TEST(SmallPrint, ANumberIsAssignedOnce) {
    const int fd = tcp_socket();
    socket_of<TypeParam> first(this->ctx_, tcp::v4(), fd), second(this->ctx_);
    error_code ec;
    second.assign(tcp::v4(), fd, ec);
    EXPECT_EQ(ec.value(), EEXIST);
    EXPECT_FALSE(second.is_open());
    first.assign(tcp::v4(), fd, ec);
    EXPECT_EQ(ec, net::error::already_open);
    first.release(ec);
    second.assign(tcp::v4(), fd, ec);
    EXPECT_FALSE(ec) << "it has been given up: " << ec.message();
    socket_of<TypeParam> moved(std::move(second));
    second.assign(tcp::v4(), fd, ec);
    EXPECT_EQ(ec.value(), EEXIST);
    moved.close();

    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    {
        descriptor_of<TypeParam> in(this->ctx_, pipe[0]), out(this->ctx_, pipe[1]), again(this->ctx_);
        again.assign(pipe[0], ec);
        EXPECT_EQ(ec.value(), EEXIST);
    }
}

/// Descriptors without an inode of their own, by what makes them.
const std::vector<std::pair<const char*, int (*)()>> nameless{
    {"eventfd", [] { return ::eventfd(0, EFD_CLOEXEC); }},
    {"timerfd", [] { return ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); }},
    {"inotify", [] { return ::inotify_init1(IN_CLOEXEC); }},
    {"terminal", [] { return ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC); }},
};

TYPED_TEST(SmallPrint, ANumberWithoutAnInodeIsAssignedOnceToo) {
    for (const auto& [kind, make] : nameless) {
        SCOPED_TRACE(kind);
        const int fd = make();
        ASSERT_GE(fd, 0);
        error_code ec;
        descriptor_of<TypeParam> first(this->ctx_, fd), second(this->ctx_);
        second.assign(fd, ec);
        EXPECT_EQ(ec.value(), EEXIST);
        EXPECT_FALSE(second.is_open());
        const int duplicate = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
        second.assign(duplicate, ec);
        EXPECT_FALSE(ec) << "it is another number: " << ec.message();
        second.close();
        first.release();
        second.assign(fd, ec);
        EXPECT_FALSE(ec) << "it has been given up: " << ec.message();
        second.close();

        typename TypeParam::context other;
        const int shared = make();
        descriptor_of<TypeParam> here(this->ctx_, shared), there(other);
        there.assign(shared, ec);
        EXPECT_FALSE(ec) << "another context: " << ec.message();
        there.release();
        there.assign(shared, ec);
        EXPECT_FALSE(ec) << ec.message();
        there.release();
        first.assign(shared, ec);
        EXPECT_EQ(ec.value(), EEXIST);
    }
}

TYPED_TEST(SmallPrint, ANumberWithoutAnInodeThatWasClosedBehindAnObjectCanMeanAnother) {
    for (const auto& [kind, make] : nameless) {
        SCOPED_TRACE(kind);
        for (const bool duplicated : {false, true}) {
            const int fd = make();
            descriptor_of<TypeParam> stale(this->ctx_, fd), fresh(this->ctx_);
            const int duplicate = duplicated ? ::fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
            ::close(fd);
            ASSERT_EQ(make(), fd);
            error_code ec;
            fresh.assign(fd, ec);
            EXPECT_FALSE(ec) << ec.message();
            stale.release();
            fresh.close();
            if (duplicated)
                ::close(duplicate);
        }
    }
}

TYPED_TEST(SmallPrint, ANumberWithoutAnInodeIsAssignedOnceInAChildOfForkToo) {
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    descriptor_of<TypeParam> first(this->ctx_, fd);
    this->ctx_.notify_fork(net::execution_context::fork_prepare);
    const pid_t child = ::fork();
    if (child == 0) {
        this->ctx_.notify_fork(net::execution_context::fork_child);
        error_code ec;
        descriptor_of<TypeParam> second(this->ctx_);
        second.assign(fd, ec);
        const bool known = ec.value() == EEXIST;
        first.close(ec); // must not change what the parent knows
        ::_exit(known ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    this->ctx_.notify_fork(net::execution_context::fork_parent);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    descriptor_of<TypeParam> second(this->ctx_);
    error_code ec;
    second.assign(fd, ec);
    EXPECT_EQ(ec.value(), EEXIST);
}

TYPED_TEST(SmallPrint, ANumberThatWasClosedBehindAnObjectCanMeanAnotherOne) {
    const int fd = tcp_socket();
    socket_of<TypeParam> stale(this->ctx_, tcp::v4(), fd), fresh(this->ctx_);
    ::close(fd);
    ASSERT_EQ(tcp_socket(), fd);
    error_code ec;
    fresh.assign(tcp::v4(), fd, ec);
    EXPECT_FALSE(ec) << ec.message();
    stale.release(ec);
    EXPECT_FALSE(ec);
}

TYPED_TEST(SmallPrint, ClosingWhatWasClosedBehindAnObjectFails) {
    const int fd = tcp_socket();
    socket_of<TypeParam> socket(this->ctx_, tcp::v4(), fd);
    ::close(fd);
    error_code ec;
    socket.close(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    EXPECT_FALSE(socket.is_open());
    socket.close(ec);
    EXPECT_FALSE(ec) << "nothing is open";

    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    descriptor_of<TypeParam> descriptor(this->ctx_, null);
    ::close(null);
    descriptor.close(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
}

TYPED_TEST(SmallPrint, BlockingModeOverridesWhatTheDescriptorHad) {
    const auto check = [](auto& object) {
        object.native_non_blocking(true);
        EXPECT_TRUE(object.native_non_blocking());
        EXPECT_FALSE(object.non_blocking());
        object.non_blocking(true);
        error_code ec;
        object.native_non_blocking(false, ec);
        EXPECT_EQ(ec, net::error::invalid_argument);
        object.non_blocking(false);
        EXPECT_FALSE(object.native_non_blocking());
        EXPECT_EQ(::fcntl(object.native_handle(), F_GETFL) & O_NONBLOCK, 0);
    };
    socket_of<TypeParam> socket(this->ctx_, tcp::v4());
    check(socket);
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    descriptor_of<TypeParam> in(this->ctx_, pipe[0]), out(this->ctx_, pipe[1]);
    check(in);
}

TYPED_TEST(SmallPrint, WhatIsNoSocketSaysSo) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    socket_of<TypeParam> socket(this->ctx_, tcp::v4(), ::open("/dev/null", O_RDWR | O_CLOEXEC));
    error_code ec;
    EXPECT_FALSE(socket.at_mark(ec));
    EXPECT_EQ(ec, net::error::not_socket);
    EXPECT_EQ(socket.available(ec), 0u);
    EXPECT_EQ(ec, net::error::not_socket);
    socket_of<TypeParam> closed(this->ctx_);
    closed.available(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TYPED_TEST(SmallPrint, ReadinessOfWhatHasNone) {
    const auto check = [this](int fd) {
        descriptor_of<TypeParam> d(this->ctx_, fd);
        for (const auto what : {descriptor_of<TypeParam>::wait_read, descriptor_of<TypeParam>::wait_write,
                                descriptor_of<TypeParam>::wait_error}) {
            d.async_wait(what, exactly_once([](error_code ec) {
                             EXPECT_EQ(ec, net::error::operation_not_supported) << ec.message();
                         }));
            this->ctx_.restart();
            this->ctx_.run();
        }
        error_code ec;
        d.wait(descriptor_of<TypeParam>::wait_read, ec);
        EXPECT_FALSE(ec) << "poll(2) says ready";
    };
    const test::scratch_file file(100);
    check(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    check(::open("/dev/null", O_RDWR | O_CLOEXEC));
    descriptor_of<TypeParam> closed(this->ctx_);
    error_code ec;
    closed.wait(descriptor_of<TypeParam>::wait_read, ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
}

#if AURAIO_TEST_HAS_AURA
TEST(SmallPrintOfFiles, AssignLooksAtWhatItIsGiven) {
    aura::io_context ctx;
    aura::random_access_file file(ctx);
    error_code ec;
    file.assign(closed_number(), ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    const int path = ::open("/", O_PATH | O_CLOEXEC);
    file.assign(path, ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    ::close(path);
    EXPECT_FALSE(file.is_open());
}

TEST(SmallPrintOfFiles, ABlockDeviceHasASize) {
    aura::io_context ctx;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/block")) {
        std::uint64_t sectors = 0;
        unsigned major = 0, minor = 0;
        char colon = 0;
        std::ifstream(entry.path() / "size") >> sectors;
        std::ifstream(entry.path() / "dev") >> major >> colon >> minor;
        const char* const node = "./auraio-test-block";
        if (sectors == 0 || ::mknod(node, S_IFBLK | 0600, ::makedev(major, minor)) != 0)
            continue;
        aura::random_access_file device(ctx);
        error_code ec;
        device.open(node, aura::file_base::read_only, ec);
        ::unlink(node);
        if (ec)
            continue;
        EXPECT_EQ(device.size(), sectors * 512);
        return;
    }
    GTEST_SKIP() << "no block device whose node may be made and read here (needs root)";
}
#endif

} // namespace

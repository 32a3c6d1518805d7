// Waiting for readiness: half-closed connections, urgent data, transfers of null_buffers; one test body on
// Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_stream_descriptor.hpp>
#include <auraio/asio/basic_stream_socket.hpp>
#include <auraio/detail/null_buffers.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using tcp = net::ip::tcp;
using namespace std::chrono_literals;

namespace {

template <class Library>
class Readiness : public testing::Test {
protected:
    using socket = net::basic_stream_socket<tcp, typename Library::executor>;

    Readiness()
        : a_(ctx_)
        , b_(ctx_) {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        tcp::endpoint e(net::ip::address_v4::loopback(), 0);
        EXPECT_EQ(::bind(listener, e.data(), static_cast<socklen_t>(e.size())), 0);
        EXPECT_EQ(::listen(listener, 1), 0);
        socklen_t size = static_cast<socklen_t>(e.capacity());
        EXPECT_EQ(::getsockname(listener, e.data(), &size), 0);
        a_.connect(e);
        b_.assign(tcp::v4(), ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        ::close(listener);
    }

    /// Nothing more can be sent by a_.
    void fill() {
        std::vector<char> much(1 << 20);
        for (int refused = 0; refused < 3;) {
            pollfd p{a_.native_handle(), POLLOUT, 0};
            if (::poll(&p, 1, 20) == 1 &&
                ::send(a_.native_handle(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                refused = 0;
            else
                ++refused;
        }
    }
    /// a_ knows that b_ sends no more.
    void half_close() {
        b_.shutdown(socket::shutdown_send);
        pollfd p{a_.native_handle(), POLLRDHUP, 0};
        EXPECT_EQ(::poll(&p, 1, 10'000), 1);
    }
    void poll() {
        for (int i = 0; i < 5; ++i) {
            ctx_.restart();
            ctx_.poll();
        }
    }
    void run_until(const bool& done) {
        ctx_.restart();
        while (!done && ctx_.run_one_for(20s) != 0) {
        }
        EXPECT_TRUE(done);
    }

    typename Library::context ctx_;
    socket a_, b_;
};
TYPED_TEST_SUITE(Readiness, test::libraries, test::library_names);

TYPED_TEST(Readiness, AFullSocketIsNotWritableBecauseThePeerSendsNoMore) {
    this->fill();
    this->half_close();
    bool done = false;
    this->a_.async_wait(tcp::socket::wait_write, exactly_once([&](error_code ec) {
                            EXPECT_FALSE(ec) << ec.message();
                            done = true;
                        }));
    this->poll();
    EXPECT_FALSE(done);
    std::vector<char> much(1 << 20);
    while (::recv(this->b_.native_handle(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
    this->run_until(done);
}

TYPED_TEST(Readiness, AHalfClosedConnectionIsNoError) {
    bool done = false;
    error_code result;
    this->a_.async_wait(tcp::socket::wait_error, exactly_once([&](error_code ec) {
                            result = ec;
                            done = true;
                        }));
    this->poll();
    this->half_close();
    this->poll();
    EXPECT_FALSE(done);
    this->a_.cancel();
    this->run_until(done);
    EXPECT_EQ(result, net::error::operation_aborted);
}

TYPED_TEST(Readiness, UrgentDataThatHasNotComeIsWaitedFor) {
    bool done = false;
    char c = 0;
    this->b_.async_receive(net::buffer(&c, 1), tcp::socket::message_out_of_band,
                           exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec) << ec.message();
                               EXPECT_EQ(n, 1u);
                               done = true;
                           }));
    this->poll();
    EXPECT_FALSE(done);
    this->a_.send(net::buffer("!", 1), tcp::socket::message_out_of_band);
    this->run_until(done);
    EXPECT_EQ(c, '!');
}

/// There is ordinary data, and no error.
TYPED_TEST(Readiness, AnErrorQueueIsWaitedForAlsoWhenThereIsData) {
    ASSERT_EQ(::send(this->a_.native_handle(), "x", 1, 0), 1);
    bool done = false;
    char c = 0;
    error_code result;
    this->b_.async_receive(net::buffer(&c, 1), MSG_ERRQUEUE, exactly_once([&](error_code ec, std::size_t) {
                               result = ec;
                               done = true;
                           }));
    this->poll();
    EXPECT_FALSE(done);
    this->b_.cancel();
    this->run_until(done);
    EXPECT_EQ(result, net::error::operation_aborted);
}

#if defined(AURAIO_HAS_NULL_BUFFERS)
TYPED_TEST(Readiness, ATransferOfNullBuffersIsAWait) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    net::posix::basic_stream_descriptor<typename TypeParam::executor> pipe(this->ctx_, ends[0]);
    bool received = false, read = false, sent = false;
    const auto expect = [](bool& done) {
        return exactly_once([&done](error_code ec, std::size_t n) {
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_EQ(n, 0u);
            done = true;
        });
    };
    this->b_.async_receive(net::null_buffers(), expect(received));
    pipe.async_read_some(net::null_buffers(), expect(read));
    this->poll();
    EXPECT_FALSE(received);
    EXPECT_FALSE(read);
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    ASSERT_EQ(::send(this->a_.native_handle(), "y", 1, 0), 1);
    this->run_until(read);
    this->run_until(received);
    this->a_.async_send(net::null_buffers(), expect(sent));
    this->run_until(sent);
    char c = 0;
    EXPECT_EQ(this->b_.receive(net::null_buffers()), 0u);
    EXPECT_EQ(::recv(this->b_.native_handle(), &c, 1, MSG_DONTWAIT), 1) << "nothing was taken";
    ::close(ends[1]);
}
#endif

} // namespace

// Stream sockets, TCP and UNIX: one test body on Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library, class Protocol>
struct stream_of {
    using library = Library;
    using protocol = Protocol;
};

struct stream_names {
    template <class Stream>
    static std::string GetName(int) {
        const bool tcp = std::is_same_v<typename Stream::protocol, net::ip::tcp>;
        return std::string(Stream::library::name) + (tcp ? "_tcp" : "_unix");
    }
};

using streams = testing::Types<stream_of<test::plain_asio, net::ip::tcp>,
#if AURAIO_TEST_HAS_AURA
                               stream_of<test::this_library, net::ip::tcp>,
                               stream_of<test::this_library, net::local::stream_protocol>,
#endif
                               stream_of<test::plain_asio, net::local::stream_protocol>>;

template <class Stream>
class StreamSocket : public testing::Test {
protected:
    using protocol = typename Stream::protocol;
    using executor = typename Stream::library::executor;
    using socket = net::basic_stream_socket<protocol, executor>;
    static constexpr bool is_tcp = std::is_same_v<protocol, net::ip::tcp>;

    StreamSocket()
        : a_(ctx_)
        , b_(ctx_) {
        connect(a_, b_);
    }

    template <class First, class Second>
    void connect(First& first, Second& second) {
        if constexpr (is_tcp) {
            net::basic_socket_acceptor<protocol, executor> acceptor(
                ctx_, typename protocol::endpoint(net::ip::address_v4::loopback(), 0));
            first.connect(acceptor.local_endpoint());
            acceptor.accept(second);
        } else {
            int fds[2];
            ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
            first.assign(protocol(), fds[0]);
            second.assign(protocol(), fds[1]);
        }
    }

    void run() {
        ctx_.restart();
        ctx_.run();
    }

    /// What a read of everything that is on its way to `from` gives; it waits for `expected` bytes.
    std::string read(socket& from, std::size_t expected) {
        std::string data(expected, '\0');
        net::read(from, net::buffer(data));
        return data;
    }

    typename Stream::library::context ctx_;
    socket a_, b_;
    char memory_[64] = {};
};
TYPED_TEST_SUITE(StreamSocket, streams, stream_names);

TYPED_TEST(StreamSocket, BytesArriveInOrderWhoeverWaits) {
    EXPECT_EQ(this->a_.send(net::buffer("one", 3)), 3u);
    EXPECT_EQ(this->a_.write_some(net::buffer("two", 3)), 3u);
    EXPECT_EQ(this->read(this->b_, 6), "onetwo");
    bool came = false;
    {
        const test::initiation here;
        net::async_read(this->b_, net::buffer(this->memory_, 5),
                        exactly_once([&](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec);
                            EXPECT_EQ(std::string(this->memory_, n), "12345");
                            came = true;
                        }));
        this->a_.async_send(net::buffer("12", 2), exactly_once([&](error_code ec, std::size_t n) {
                                EXPECT_FALSE(ec);
                                EXPECT_EQ(n, 2u);
                                this->a_.send(net::buffer("345", 3));
                            }));
    }
    this->run();
    EXPECT_TRUE(came);
}

TYPED_TEST(StreamSocket, EmptyBuffersCompleteAtOnceAndMoveNothing) {
    // Also with nothing to read, where any other receive would wait.
    EXPECT_EQ(this->b_.receive(net::buffer(this->memory_, 0)), 0u);
    EXPECT_EQ(this->a_.send(net::const_buffer()), 0u);
    int calls = 0;
    const auto empty = [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 0u);
        ++calls;
    };
    {
        const test::initiation here;
        this->b_.async_receive(net::buffer(this->memory_, 0), exactly_once(empty));
        this->b_.async_read_some(net::mutable_buffer(), exactly_once(empty));
        this->a_.async_send(net::const_buffer(), exactly_once(empty));
    }
    this->run();
    EXPECT_EQ(calls, 3);
}

TYPED_TEST(StreamSocket, TheEndIsEofAndHalfCloseLeavesTheOtherHalf) {
    this->a_.shutdown(net::socket_base::shutdown_send);
    error_code ec;
    EXPECT_EQ(this->b_.receive(net::buffer(this->memory_), 0, ec), 0u);
    EXPECT_EQ(ec, net::error::eof);
    this->b_.async_receive(net::buffer(this->memory_), exactly_once([](error_code e, std::size_t n) {
                               EXPECT_EQ(e, net::error::eof);
                               EXPECT_EQ(n, 0u);
                           }));
    this->run();
    EXPECT_THROW(this->b_.read_some(net::buffer(this->memory_)), test::system_error);
    this->b_.send(net::buffer("back", 4));
    EXPECT_EQ(this->read(this->a_, 4), "back");
    this->a_.send(net::buffer("x", 1), 0, ec);
    EXPECT_EQ(ec, net::error::broken_pipe);
}

TYPED_TEST(StreamSocket, AGonePeerIsAnErrorWithoutASignal) {
    this->b_.close();
    error_code sync, async;
    // TCP learns of it by the answer to the first.
    for (int i = 0; i < 1000 && !sync; ++i)
        this->a_.send(net::buffer("x", 1), 0, sync);
    this->a_.async_send(net::buffer("x", 1), exactly_once([&](error_code ec, std::size_t) { async = ec; }));
    this->run();
    EXPECT_TRUE(sync == net::error::broken_pipe || sync == net::error::connection_reset) << sync.message();
    EXPECT_EQ(async, net::error::broken_pipe);
}

TYPED_TEST(StreamSocket, PeekLeavesWhatItShows) {
    this->a_.send(net::buffer("peek", 4));
    EXPECT_EQ(this->b_.receive(net::buffer(this->memory_), net::socket_base::message_peek), 4u);
    std::string seen;
    this->b_.async_receive(net::buffer(this->memory_), net::socket_base::message_peek,
                           exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               seen.assign(this->memory_, n);
                           }));
    this->run();
    EXPECT_EQ(seen, "peek");
    EXPECT_EQ(this->b_.available(), 4u);
    EXPECT_EQ(this->read(this->b_, 4), "peek");
}

TYPED_TEST(StreamSocket, OutOfBandDataHasItsOwnWay) {
    if constexpr (TestFixture::is_tcp) {
        bool urgent = false;
        this->b_.async_wait(
            TestFixture::socket::wait_error, exactly_once([&](error_code ec) {
                EXPECT_FALSE(ec);
                urgent = true;
                EXPECT_TRUE(this->b_.at_mark());
                EXPECT_EQ(this->b_.receive(net::buffer(this->memory_), net::socket_base::message_out_of_band),
                          1u);
                EXPECT_EQ(this->memory_[0], '!');
            }));
        this->a_.async_send(net::buffer("!", 1), net::socket_base::message_out_of_band,
                            exactly_once([](error_code ec, std::size_t n) {
                                EXPECT_FALSE(ec);
                                EXPECT_EQ(n, 1u);
                            }));
        this->run();
        EXPECT_TRUE(urgent);
    } else {
        GTEST_SKIP() << "UNIX sockets have no out-of-band data everywhere";
    }
}

TYPED_TEST(StreamSocket, SequencesOfManyBuffers) {
    // Asio hands at most 64 (IOV_MAX, if less) of them to a call; a composed operation gets through.
    constexpr std::size_t count = 200;
    std::string out(count * 3, '\0'), in(count * 3, '\0');
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<char>('a' + i % 26);
    std::vector<net::const_buffer> from;
    std::vector<net::mutable_buffer> to;
    for (std::size_t i = 0; i < count; ++i) {
        from.emplace_back(out.data() + 3 * i, 3);
        to.emplace_back(in.data() + 3 * i, 3);
    }
    std::size_t first = 0;
    this->a_.async_send(from, exactly_once([&](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec);
                            first = n;
                        }));
    this->run();
    EXPECT_GT(first, 0u);
    EXPECT_LE(first, out.size());
    net::write(this->a_, net::buffer(out) + first);
    net::async_read(this->b_, to, exactly_once([&](error_code ec, std::size_t n) {
                        EXPECT_FALSE(ec);
                        EXPECT_EQ(n, out.size());
                    }));
    this->run();
    EXPECT_EQ(in, out);
}

TYPED_TEST(StreamSocket, NonBlockingConcernsSynchronousCallsOnly) {
    EXPECT_FALSE(this->b_.non_blocking());
    this->b_.non_blocking(true);
    EXPECT_TRUE(this->b_.non_blocking());
    error_code ec;
    EXPECT_EQ(this->b_.receive(net::buffer(this->memory_), 0, ec), 0u);
    EXPECT_EQ(ec, net::error::would_block);
    bool came = false;
    this->b_.async_receive(net::buffer(this->memory_), exactly_once([&](error_code e, std::size_t n) {
                               EXPECT_FALSE(e);
                               EXPECT_EQ(n, 1u);
                               came = true;
                           }));
    this->ctx_.poll();
    EXPECT_FALSE(came);
    this->a_.send(net::buffer("x", 1));
    this->run();
    EXPECT_TRUE(came);
    this->b_.non_blocking(false);
    this->b_.native_non_blocking(true);
    EXPECT_TRUE(this->b_.native_non_blocking());
    EXPECT_FALSE(this->b_.non_blocking());
}

TYPED_TEST(StreamSocket, SeveralReceivesAreServedInTheirOrder) {
    std::string order;
    std::array<char, 3> cell{};
    for (std::size_t i = 0; i < cell.size(); ++i)
        this->b_.async_receive(net::buffer(&cell[i], 1), exactly_once([&, i](error_code ec, std::size_t n) {
                                   EXPECT_FALSE(ec);
                                   EXPECT_EQ(n, 1u);
                                   order += cell[i];
                               }));
    this->ctx_.poll();
    this->a_.send(net::buffer("abc", 3));
    this->run();
    EXPECT_EQ(order, "abc");
}

TYPED_TEST(StreamSocket, CancelAndCloseEndWhatIsPending) {
    int aborted = 0;
    const auto is_aborted = [&](error_code ec, std::size_t n) {
        EXPECT_EQ(ec, net::error::operation_aborted);
        EXPECT_EQ(n, 0u);
        ++aborted;
    };
    this->b_.async_receive(net::buffer(this->memory_), exactly_once(is_aborted));
    this->b_.async_wait(TestFixture::socket::wait_read,
                        exactly_once([&](error_code ec) { is_aborted(ec, 0); }));
    this->ctx_.poll();
    this->b_.cancel();
    this->run();
    EXPECT_EQ(aborted, 2);
    EXPECT_TRUE(this->b_.is_open());
    this->b_.async_receive(net::buffer(this->memory_), exactly_once(is_aborted));
    this->ctx_.restart();
    this->ctx_.poll();
    this->b_.close();
    EXPECT_FALSE(this->b_.is_open());
    this->run();
    EXPECT_EQ(aborted, 3);
    this->b_.async_receive(net::buffer(this->memory_), exactly_once([](error_code ec, std::size_t) {
                               EXPECT_EQ(ec, net::error::bad_descriptor);
                           }));
    this->run();
}

TYPED_TEST(StreamSocket, MovesTakePendingOperationsAlong) {
    bool came = false;
    this->b_.async_receive(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               EXPECT_EQ(n, 2u);
                               came = true;
                           }));
    typename TestFixture::socket moved(std::move(this->b_));
    EXPECT_FALSE(this->b_.is_open());
    this->a_.send(net::buffer("ab", 2));
    this->run();
    EXPECT_TRUE(came);
    // The other way, over an open one, which is closed.
    typename TestFixture::socket c(this->ctx_), d(this->ctx_);
    this->connect(c, d);
    c = std::move(moved);
    EXPECT_TRUE(c.is_open());
    error_code ec;
    d.receive(net::buffer(this->memory_), 0, ec);
    EXPECT_EQ(ec, net::error::eof);
    this->a_.send(net::buffer("cd", 2));
    EXPECT_EQ(this->read(c, 2), "cd");
    // What was moved from can be opened again.
    this->connect(this->b_, moved);
    moved.send(net::buffer("ef", 2));
    EXPECT_EQ(this->read(this->b_, 2), "ef");
}

TYPED_TEST(StreamSocket, AMoreGeneralSocketTakesItOver) {
    using general = net::basic_stream_socket<net::generic::stream_protocol, typename TestFixture::executor>;
    general taken(std::move(this->b_));
    EXPECT_FALSE(this->b_.is_open());
    this->a_.send(net::buffer("ab", 2));
    bool came = false;
    taken.async_receive(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec);
                            came = n == 2;
                        }));
    this->run();
    EXPECT_TRUE(came);
    using erased = net::basic_stream_socket<typename TestFixture::protocol, net::any_io_executor>;
    erased same(std::move(this->a_));
    same.send(net::buffer("cd", 2));
    EXPECT_EQ(taken.receive(net::buffer(this->memory_)), 2u);
}

TYPED_TEST(StreamSocket, ReleaseEndsWhatIsPendingAndLeavesTheDescriptor) {
    bool aborted = false;
    this->b_.async_receive(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t) {
                               EXPECT_EQ(ec, net::error::operation_aborted);
                               aborted = true;
                           }));
    this->ctx_.poll();
    const int fd = this->b_.release();
    EXPECT_FALSE(this->b_.is_open());
    this->run();
    EXPECT_TRUE(aborted);
    this->a_.send(net::buffer("ab", 2));
    EXPECT_EQ(::recv(fd, this->memory_, sizeof this->memory_, 0), 2);
    typename TestFixture::socket again(this->ctx_);
    if constexpr (TestFixture::is_tcp)
        again.assign(net::ip::tcp::v4(), fd);
    else
        again.assign(typename TestFixture::protocol(), fd);
    again.send(net::buffer("cd", 2));
    EXPECT_EQ(this->read(this->a_, 2), "cd");
    error_code ec;
    again.assign(again.local_endpoint().protocol(), fd, ec);
    EXPECT_EQ(ec, net::error::already_open);
}

TYPED_TEST(StreamSocket, OptionsAndEndpoints) {
    this->a_.set_option(net::socket_base::send_buffer_size(20000));
    net::socket_base::send_buffer_size size;
    this->a_.get_option(size);
    EXPECT_GE(size.value(), 20000);
    EXPECT_EQ(this->a_.remote_endpoint(), this->b_.local_endpoint());
    if constexpr (TestFixture::is_tcp) {
        this->a_.set_option(net::ip::tcp::no_delay(true));
        net::ip::tcp::no_delay no_delay;
        this->a_.get_option(no_delay);
        EXPECT_TRUE(no_delay.value());
        EXPECT_TRUE(this->a_.local_endpoint().address().is_loopback());
    }
    typename TestFixture::socket closed(this->ctx_);
    error_code ec;
    closed.set_option(net::socket_base::keep_alive(true), ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    closed.remote_endpoint(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
}

TYPED_TEST(StreamSocket, EveryTokenWorks) {
    this->a_.send(net::buffer("12345", 5));
    auto future = this->b_.async_receive(net::buffer(this->memory_, 1), net::use_future);
    this->run();
    EXPECT_EQ(future.get(), 1u);
    int done = 0;
    this->b_.async_receive(net::buffer(this->memory_, 1), test::deferred)([&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        done += static_cast<int>(n);
    });
    this->b_.async_receive(net::buffer(this->memory_, 1), net::detached);
    this->run();
    net::co_spawn(
        this->ctx_,
        [&]() -> net::awaitable<void> {
            done += static_cast<int>(
                co_await this->b_.async_receive(net::buffer(this->memory_, 1), net::use_awaitable));
            auto [ec, n] = co_await this->b_.async_receive(net::buffer(this->memory_, 1),
                                                           test::as_tuple(net::use_awaitable));
            EXPECT_FALSE(ec);
            done += static_cast<int>(n);
        },
        net::detached);
    this->run();
    EXPECT_EQ(done, 3);
    EXPECT_EQ(this->b_.available(), 0u);
}

TYPED_TEST(StreamSocket, HandlersRunWhereTheirExecutorSays) {
    net::thread_pool pool(1);
    std::atomic<bool> elsewhere{false};
    const auto here = std::this_thread::get_id();
    this->a_.send(net::buffer("x", 1));
    this->b_.async_receive(net::buffer(this->memory_),
                           net::bind_executor(pool.get_executor(), [&](error_code ec, std::size_t) {
                               EXPECT_FALSE(ec);
                               elsewhere = std::this_thread::get_id() != here;
                           }));
    this->run();
    pool.join();
    EXPECT_TRUE(elsewhere);
}

TYPED_TEST(StreamSocket, OneOperationIsCancelledBySlotAndTheOthersStay) {
    net::cancellation_signal signal;
    std::string order;
    this->b_.async_wait(TestFixture::socket::wait_read,
                        net::bind_cancellation_slot(signal.slot(), [&](error_code ec) {
                            EXPECT_EQ(ec, net::error::operation_aborted);
                            order += 'c';
                        }));
    this->b_.async_receive(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec);
                               EXPECT_EQ(n, 1u);
                               order += 'r';
                           }));
    this->ctx_.poll();
    signal.emit(net::cancellation_type::total);
    this->ctx_.restart();
    this->ctx_.poll();
    this->a_.send(net::buffer("x", 1));
    this->run();
    EXPECT_EQ(order, "cr");
}

} // namespace

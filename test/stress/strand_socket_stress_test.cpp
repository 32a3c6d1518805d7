// strand_socket_stress: sessions on make_strand(ctx), as Beast's servers have them, over four threads, with
// closes and cancellations at random moments from everywhere.
#include <auraio/auraio.hpp>

#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace std::chrono_literals;
using net::ip::tcp;

namespace {

using strand = net::strand<aura::executor>;
using socket_type = net::basic_stream_socket<tcp, strand>;
using acceptor_type = net::basic_socket_acceptor<tcp, strand>;

/// What both ends count: every operation that was started ends once.
struct totals {
    std::atomic<std::uint64_t> started{0}, ended{0}, bytes{0}, overlaps{0}, surprises{0};
    std::atomic<int> sessions{0}, clients{0};
};

unsigned random_below(unsigned limit) {
    static std::atomic<unsigned> seed{1};
    static thread_local std::minstd_rand engine(seed++);
    return static_cast<unsigned>(engine()) % limit;
}

/// One end of a connection: reads and writes at once, until it is closed, by the other or by chance.
class session : public std::enable_shared_from_this<session> {
public:
    session(socket_type s, totals& t)
        : socket_(std::move(s))
        , timer_(socket_.get_executor())
        , totals_(t) {
        ++totals_.sessions;
    }
    ~session() { --totals_.sessions; }

    void start() {
        net::dispatch(socket_.get_executor(), [self = shared_from_this()] {
            self->read();
            self->write();
            self->tick();
        });
    }

    /// From any thread: close, cancel, or half-close, in the strand, as the threads of a server would.
    void disturb() {
        net::post(socket_.get_executor(), [self = shared_from_this(), what = random_below(4)] {
            const inside here(*self);
            aura::error_code ec;
            switch (what) {
            case 0:
                self->socket_.close(ec);
                break;
            case 1:
                self->socket_.shutdown(tcp::socket::shutdown_send, ec);
                break;
            default:
                self->socket_.cancel(ec);
                break;
            }
        });
    }

private:
    /// No two handlers of one strand at a time.
    class inside {
    public:
        explicit inside(session& s)
            : session_(s) {
            if (session_.busy_.exchange(true))
                ++session_.totals_.overlaps;
        }
        ~inside() { session_.busy_ = false; }
        inside(const inside&) = delete;

    private:
        session& session_;
    };

    template <class F>
    auto handler(F f) {
        ++totals_.started;
        return [self = shared_from_this(), f](aura::error_code ec, std::size_t n = 0) {
            ++self->totals_.ended;
            const inside here(*self);
            f(*self, ec, n);
        };
    }

    /// Whether to go on after `ec`: a cancelled operation is started again as long as the socket is open.
    bool goes_on(aura::error_code ec) {
        if (!ec || ec == net::error::operation_aborted)
            return socket_.is_open();
        if (ec != net::error::eof && ec != net::error::connection_reset && ec != net::error::broken_pipe)
            ++totals_.surprises;
        aura::error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
        return false;
    }

    void read() {
        socket_.async_read_some(net::buffer(in_),
                                handler([](session& self, aura::error_code ec, std::size_t n) {
                                    self.totals_.bytes += n;
                                    if (self.goes_on(ec))
                                        self.read();
                                }));
    }
    void write() {
        socket_.async_write_some(net::buffer(out_, 1 + random_below(sizeof out_)),
                                 handler([](session& self, aura::error_code ec, std::size_t) {
                                     if (self.goes_on(ec))
                                         self.write();
                                 }));
    }
    void tick() {
        timer_.expires_after(std::chrono::microseconds(100 + random_below(3000)));
        timer_.async_wait(handler([](session& self, aura::error_code, std::size_t) {
            if (!self.socket_.is_open())
                return;
            if (random_below(8) == 0)
                self.disturb();
            if (random_below(8) == 0)
                self.socket_.close();
            else
                self.tick();
        }));
    }

    socket_type socket_;
    net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>, strand>
        timer_;
    totals& totals_;
    std::atomic<bool> busy_{false};
    std::array<char, 2048> in_{}, out_{};
};

/// Beast's listener: acceptor and accepts on strands of the context.
class listener : public std::enable_shared_from_this<listener> {
public:
    listener(aura::io_context& ctx, totals& t)
        : context_(ctx)
        , acceptor_(net::make_strand(ctx), tcp::endpoint(net::ip::address_v4::loopback(), 0))
        , totals_(t) {}

    tcp::endpoint where() const { return acceptor_.local_endpoint(); }
    void accept() {
        acceptor_.async_accept(net::make_strand(context_),
                               [self = shared_from_this()](aura::error_code ec, socket_type s) {
                                   if (!ec)
                                       std::make_shared<session>(std::move(s), self->totals_)->start();
                                   if (self->acceptor_.is_open())
                                       self->accept();
                               });
    }
    void close() {
        net::post(acceptor_.get_executor(), [self = shared_from_this()] { self->acceptor_.close(); });
    }

private:
    aura::io_context& context_;
    acceptor_type acceptor_;
    totals& totals_;
};

/// Connects, over and over, until told to stop; each connection becomes a session.
class client : public std::enable_shared_from_this<client> {
public:
    client(aura::io_context& ctx, const tcp::endpoint& to, totals& t, const std::atomic<bool>& stop)
        : context_(ctx)
        , to_(to)
        , totals_(t)
        , stop_(stop) {}

    void connect() {
        const strand here = net::make_strand(context_);
        socket_.emplace(here);
        net::dispatch(here, [self = shared_from_this()] {
            self->socket_->async_connect(self->to_, [self](aura::error_code ec) { self->next(ec); });
            if (random_below(16) == 0)
                self->socket_->cancel();
        });
    }

private:
    void next(aura::error_code ec) {
        if (!ec) {
            ++totals_.clients;
            const auto s = std::make_shared<session>(std::move(*socket_), totals_);
            s->start();
            s->disturb();
        } else if (ec != net::error::operation_aborted && !stop_) {
            ++totals_.surprises;
        }
        if (!stop_ && ++made_ < most)
            connect();
    }

    static constexpr int most = 500; // ports are not free again at once

    aura::io_context& context_;
    tcp::endpoint to_;
    totals& totals_;
    const std::atomic<bool>& stop_;
    int made_ = 0;
    std::optional<socket_type> socket_;
};

TEST(StrandSocketStress, FourThreadsWithRandomCancelAndClose) {
    aura::io_context ctx(4);
    totals t;
    std::atomic<bool> stop{false};
    const auto server = std::make_shared<listener>(ctx, t);
    server->accept();
    for (int i = 0; i < 16; ++i)
        std::make_shared<client>(ctx, server->where(), t, stop)->connect();
    aura::steady_timer end(ctx, 2s);
    end.async_wait([&](aura::error_code) {
        stop = true;
        server->close();
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] { ctx.run(); }); // returns when the last session has ended
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(t.started, t.ended);
    EXPECT_EQ(t.sessions, 0);
    EXPECT_EQ(t.overlaps, 0u);
    EXPECT_EQ(t.surprises, 0u);
    EXPECT_GT(t.clients, 16);
    EXPECT_GT(t.bytes, 0u);
    RecordProperty("connections", t.clients.load());
    EXPECT_FALSE(ctx.stock_reactor_active());
}

} // namespace

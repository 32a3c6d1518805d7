// session_moves_stress: connections that go to another ring with every operation, while others cancel and close them.
#include <auraio/auraio.hpp>

#include "core/loop/session_load.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;
using aura::ip::tcp;

namespace {

constexpr unsigned connections = 12, messages = 200;

/// Echoes what it gets. Its lock is what Asio asks of who uses one socket in several threads.
class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket s)
        : socket_(std::move(s)) {}

    void read() {
        std::lock_guard guard(mutex_);
        if (!socket_.is_open())
            return;
        reading_ = true;
        socket_.async_read_some(net::buffer(data_),
                                net::bind_cancellation_slot(
                                    signal_.slot(), [self = shared_from_this()](auto ec, std::size_t size) {
                                        self->got(ec, size);
                                    }));
    }

    /// From another thread. `what`: close it, or cancel its read one way or the other.
    void disturb(unsigned what) {
        std::lock_guard guard(mutex_);
        if (!socket_.is_open())
            return;
        if (what == 0)
            socket_.close();
        else if (reading_ && what % 2 == 0)
            socket_.cancel();
        else if (reading_)
            signal_.emit(net::cancellation_type::total);
    }

private:
    void got(const aura::error_code& ec, std::size_t size) {
        std::unique_lock guard(mutex_);
        reading_ = false;
        if (ec && ec != net::error::operation_aborted)
            return;
        if (size == 0 || !socket_.is_open()) {
            guard.unlock();
            read();
            return;
        }
        net::async_write(socket_, net::buffer(data_, size), [self = shared_from_this()](auto e, std::size_t) {
            if (!e)
                self->read();
        });
    }

    std::mutex mutex_;
    tcp::socket socket_;
    net::cancellation_signal signal_;
    bool reading_ = false;
    std::array<char, 64> data_;
};

struct every_start_moves {
    every_start_moves() { aura::core::session_load::every_start_moves = true; }
    ~every_start_moves() { aura::core::session_load::every_start_moves = false; }
};

class server {
public:
    server()
        : acceptor_(context, {net::ip::address_v4::loopback(), 0}) {
        accept();
        for (std::thread& t : threads_)
            t = std::thread([this] { context.run(); });
    }
    ~server() { end(); }

    /// Until nothing is left to do.
    void end() {
        if (!threads_[0].joinable())
            return;
        {
            std::lock_guard guard(mutex_);
            acceptor_.close();
        }
        for (std::thread& t : threads_)
            t.join();
    }

    std::shared_ptr<session> any(unsigned which) {
        std::lock_guard guard(mutex_);
        for (std::size_t tries = 0; tries != sessions_.size(); ++tries)
            if (auto s = sessions_[(which + tries) % sessions_.size()].lock())
                return s;
        return nullptr;
    }
    std::uint64_t moved() const {
        std::uint64_t sum = 0;
        for (const auto& ring : context.stats().rings)
            sum += ring.sessions_moved;
        return sum;
    }
    tcp::endpoint where() {
        std::lock_guard guard(mutex_);
        return acceptor_.local_endpoint();
    }

    aura::io_context context;

private:
    void accept() {
        std::lock_guard guard(mutex_);
        if (!acceptor_.is_open())
            return;
        acceptor_.async_accept([this](auto ec, tcp::socket s) {
            if (ec)
                return;
            auto fresh = std::make_shared<session>(std::move(s));
            {
                std::lock_guard also(mutex_);
                sessions_.push_back(fresh);
            }
            fresh->read();
            accept();
        });
    }

    tcp::acceptor acceptor_;
    std::mutex mutex_; // guards all but the threads
    std::vector<std::weak_ptr<session>> sessions_;
    std::array<std::thread, 4> threads_;
};

/// Sends numbers and expects them back. False: the other side has closed.
bool talk(tcp::socket& s, std::uint32_t number, std::atomic<unsigned>& wrong) {
    aura::error_code ec;
    std::uint32_t answer = 0;
    net::write(s, net::buffer(&number, sizeof number), ec);
    if (!ec)
        net::read(s, net::buffer(&answer, sizeof answer), ec);
    if (!ec && answer != number)
        ++wrong;
    return !ec;
}

TEST(SessionMovesStress, NoByteIsLostOrOutOfOrder) {
    const every_start_moves moving;
    server served;
    std::atomic<unsigned> wrong{0}, lost{0};
    std::vector<std::thread> clients;
    for (unsigned i = 0; i != connections; ++i)
        clients.emplace_back([&] {
            aura::io_context own;
            tcp::socket s(own);
            s.connect(served.where());
            for (std::uint32_t n = 0; n != messages; ++n)
                if (!talk(s, n, wrong))
                    ++lost;
        });
    for (std::thread& t : clients)
        t.join();
    served.end();
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(lost, 0u);
}

TEST(SessionMovesStress, OthersMayCancelAndCloseThem) {
    const every_start_moves moving;
    server served;
    std::atomic<unsigned> wrong{0};
    std::atomic<bool> over{false};
    std::vector<std::thread> clients;
    for (unsigned i = 0; i != connections; ++i)
        clients.emplace_back([&] {
            aura::io_context own;
            tcp::socket s(own);
            s.connect(served.where());
            for (std::uint32_t n = 0; n != messages; ++n)
                if (!talk(s, n, wrong)) { // the server has closed it
                    s = tcp::socket(own);
                    s.connect(served.where());
                }
        });
    std::array<std::thread, 2> disturbers;
    for (std::size_t i = 0; i != disturbers.size(); ++i)
        disturbers[i] = std::thread([&, i] {
            std::minstd_rand random(static_cast<unsigned>(i + 1));
            while (!over) {
                if (const auto s = served.any(static_cast<unsigned>(random())))
                    s->disturb(static_cast<unsigned>(random() % 64));
                std::this_thread::yield();
            }
        });
    for (std::thread& t : clients)
        t.join();
    over = true;
    for (std::thread& t : disturbers)
        t.join();
    served.end();
    EXPECT_EQ(wrong, 0u);
}

TEST(SessionMovesStress, AMoveIsCounted) {
    const every_start_moves moving;
    server served;
    std::atomic<unsigned> wrong{0};
    aura::io_context own;
    tcp::socket s(own);
    s.connect(served.where());
    // All threads have a ring from some moment on, and from then on each start moves.
    std::uint32_t n = 0;
    do
        ASSERT_TRUE(talk(s, n++, wrong));
    while (n % 64 != 0 || served.moved() < 10);
    s.close();
    served.end();
    EXPECT_EQ(wrong, 0u);
}

} // namespace

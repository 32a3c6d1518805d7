// io_context::dump(): what it says of operations that are known to be pending, and of threads that are stuck.
#include <auraio/auraio.hpp>

#include "support/counter.hpp"

#include <array>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>

#include <asio.hpp>
#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

AssertionResult has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos ? AssertionSuccess()
                                                : AssertionFailure() << '"' << part << "\" is not in:\n"
                                                                     << text;
}

std::string dump_of(aura::io_context& context) {
    std::ostringstream out;
    context.dump(out);
    return out.str();
}

std::string number(unsigned short port) {
    return std::to_string(port);
}

struct handler_with_a_name {
    void operator()(aura::error_code, std::size_t) const {}
};

/// A connection of which nothing comes.
struct silent_connection {
    explicit silent_connection(aura::io_context& context)
        : acceptor(context, {asio::ip::address_v4::loopback(), 0})
        , near(context)
        , far(context) {
        near.connect(acceptor.local_endpoint());
        acceptor.accept(far);
    }
    aura::ip::tcp::acceptor acceptor;
    aura::ip::tcp::socket near, far;
};

TEST(Dump, TellsWhatIsPendingOnWhichObject) {
    aura::io_context context;
    silent_connection c(context);
    std::array<char, 8> first{}, second{};
    c.near.async_receive(asio::buffer(first), handler_with_a_name());
    c.near.async_receive(asio::buffer(second), handler_with_a_name());
    c.acceptor.async_accept([](aura::error_code, aura::ip::tcp::socket) {});
    aura::steady_timer timer(context, 1h);
    timer.async_wait([](aura::error_code) {});
    aura::system_timer other(context, 1h);
    other.async_wait([](aura::error_code) {});
    context.poll();
    asio::post(context.ring_executor(0), [] {});
    const std::string text = dump_of(context);
    EXPECT_TRUE(has(text, "process " + std::to_string(::getpid()))) << "in a process";
    EXPECT_TRUE(has(text, std::string("backend ") + std::string(context.backend())));
    EXPECT_TRUE(has(text, "ring 0: no thread is in run() for it"));
    EXPECT_TRUE(has(text, "descriptor " + std::to_string(c.near.native_handle()) +
                              ": TCP 127.0.0.1:" + number(c.near.local_endpoint().port()) +
                              ", peer 127.0.0.1:" + number(c.acceptor.local_endpoint().port())));
    EXPECT_TRUE(has(text, ": TCP listening 127.0.0.1:" + number(c.acceptor.local_endpoint().port())));
    EXPECT_TRUE(has(text, "recv, waits for the one before it"));
    EXPECT_TRUE(has(text, "    accept, "));
    EXPECT_TRUE(has(text, "timer due in 3"));
    EXPECT_TRUE(has(text, "timer of a clock that may be set"));
}

TEST(Dump, TellsHowOldRequestsAre) {
    aura::io_context context;
    silent_connection c(context);
    std::array<char, 8> data{};
    c.near.async_receive(asio::buffer(data), handler_with_a_name());
    context.poll();
    EXPECT_TRUE(has(dump_of(context), ", begun "));
    aura::steady_timer timer(context, 200ms); // when it is due the request is older, to some steps
    timer.async_wait([](aura::error_code) {});
    context.run_one();
    EXPECT_TRUE(has(dump_of(context), " ago\n"));
}

TEST(Dump, NamesTheHandler) {
    aura::io_context context;
    silent_connection c(context);
    std::array<char, 8> data{};
    c.near.async_receive(asio::buffer(data), handler_with_a_name());
    context.poll();
    EXPECT_TRUE(has(dump_of(context), "handler_with_a_name")) << "this program is not stripped";
}

TEST(Dump, AsksTheThreadsOfTheRings) {
    aura::io_context context;
    auto work = asio::make_work_guard(context);
    std::jthread runner([&] { context.run(); });
    test::counter started;
    aura::steady_timer timer(context.ring_executor(0), 1h);
    asio::post(context.ring_executor(0), [&] {
        timer.async_wait([](aura::error_code) {});
        started.add();
    });
    EXPECT_TRUE(started.await(1));
    std::string text = dump_of(context);
    for (int i = 0; i < 20 && has(text, "DOES NOT COME BACK"); ++i) // a busy machine runs it late
        text = dump_of(context);
    EXPECT_TRUE(has(text, "ring 0: thread "));
    EXPECT_TRUE(has(text, "timer due in "));
    EXPECT_FALSE(has(text, "DOES NOT COME BACK"));
    context.stop();
}

TEST(Dump, SaysOfAThreadThatIsStuckForHowLong) {
    aura::io_context context;
    test::counter stuck, leave;
    asio::post(context.ring_executor(0), [&] {
        stuck.add();
        EXPECT_TRUE(leave.await(1));
    });
    std::jthread runner([&] { context.run(); });
    EXPECT_TRUE(stuck.await(1));
    const auto began = std::chrono::steady_clock::now();
    const std::string text = dump_of(context);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 250ms);
    leave.add();
    EXPECT_TRUE(
        has(text, "DOES NOT COME BACK TO ITS LOOP: in a handler, or in several without a pause, for "));
    EXPECT_TRUE(has(text, "What is pending is not known"));
}

TEST(Dump, CanBeAskedForByAHandler) {
    aura::io_context context;
    aura::steady_timer timer(context, 1h);
    timer.async_wait([](aura::error_code) {});
    std::string text;
    asio::post(context.ring_executor(0), [&] {
        text = dump_of(context);
        timer.cancel();
    });
    context.run();
    EXPECT_TRUE(has(text, "in the handler that asks"));
    EXPECT_TRUE(has(text, "timer due in "));
}

TEST(Dump, TellsSignalsAndLookUps) {
    aura::io_context context;
    aura::signal_set signals(context, SIGUSR2);
    signals.async_wait([](aura::error_code, int) {});
    context.poll();
    const std::string text = dump_of(context);
    EXPECT_TRUE(has(text, "ring 0: 1 wait for one of the signals " + std::to_string(SIGUSR2)));
    EXPECT_TRUE(has(text, "the library's own")) << "the pipe by which signals come";
}

} // namespace

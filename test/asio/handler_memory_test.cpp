// The memory of operations: each comes from its handler's allocator, which may look at what it is for, and is
// given back before the handler is called.
#include "support/counting_allocator.hpp"
#include "support/every_initiation.hpp"
#include "support/strict_allocator.hpp"

#include <chrono>

namespace {

namespace net = test::net;

auto strict_handler(test::strict_memory& memory, int& calls) {
    return test::with_allocator(test::strict_allocator<void>(memory), [&memory, &calls](const auto&...) {
        ++calls;
        EXPECT_TRUE(memory.is_empty()) << "the handler was called before the operation's memory had gone";
    });
}

/// Calls with a handler that has such an allocator.
struct strictly {
    template <class Start>
    void operator()(aura::io_context& ctx, Start start) const {
        test::strict_memory memory;
        int calls = 0;
        start(strict_handler(memory, calls));
        ctx.restart();
        ctx.run_for(std::chrono::seconds(30));
        EXPECT_EQ(calls, 1);
        EXPECT_GE(memory.allocations(), 1);
    }
};

/// The same with an executor beside, which the handler has to be submitted to.
struct strictly_on_a_strand {
    template <class Start>
    void operator()(aura::io_context& ctx, Start start) const {
        test::strict_memory memory;
        int calls = 0;
        start(net::bind_executor(net::make_strand(ctx), strict_handler(memory, calls)));
        ctx.restart();
        ctx.run_for(std::chrono::seconds(30));
        EXPECT_EQ(calls, 1);
        EXPECT_GE(memory.allocations(), 1);
    }
};

template <class Each>
class HandlerMemory : public testing::Test {
protected:
    test::every_initiation<Each> each_{Each()};
};
using ways = testing::Types<strictly, strictly_on_a_strand>;
TYPED_TEST_SUITE(HandlerMemory, ways);

TYPED_TEST(HandlerMemory, Executors) {
    this->each_.executors();
}
TYPED_TEST(HandlerMemory, StreamSockets) {
    this->each_.stream_sockets();
}
TYPED_TEST(HandlerMemory, MessageSockets) {
    this->each_.message_sockets();
}
TYPED_TEST(HandlerMemory, Acceptors) {
    this->each_.acceptors();
}
TYPED_TEST(HandlerMemory, TimersAndSignals) {
    this->each_.timers_and_signals();
}
TYPED_TEST(HandlerMemory, Descriptors) {
    this->each_.descriptors();
}
TYPED_TEST(HandlerMemory, Resolvers) {
    this->each_.resolvers();
}
TYPED_TEST(HandlerMemory, Files) {
    this->each_.files();
}
TYPED_TEST(HandlerMemory, Paths) {
    this->each_.paths();
}

TEST(HandlerMemoryAtTheEnd, IsGivenBackByTheDestructorOfTheContext) {
    test::strict_memory memory;
    int calls = 0;
    {
        aura::io_context ctx;
        test::objects::steady_timer timer(ctx, std::chrono::hours(1));
        timer.async_wait(strict_handler(memory, calls));
        net::post(ctx, strict_handler(memory, calls));
        net::post(ctx.ring_executor(0), strict_handler(memory, calls));
        EXPECT_EQ(memory.allocations(), 3);
    }
    EXPECT_TRUE(memory.is_empty());
    EXPECT_EQ(calls, 0);
}

} // namespace

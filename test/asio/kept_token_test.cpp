// Tokens whose operations are kept for later, with the types of their arguments: deferred, senders. A
// function that declares one value category and returns another does not compile with them.
#include "support/every_initiation.hpp"

#include <chrono>
#include <tuple>
#include <type_traits>
#include <utility>

namespace {

struct kept_t {};

/// What an initiating function returns for kept_t. Args are as they were given, lvalues and rvalues.
template <class Initiation, class... Args>
class kept_operation {
public:
    template <class I>
    explicit kept_operation(I&& initiation, Args... args)
        : initiation_(std::forward<I>(initiation))
        , arguments_(static_cast<Args>(args)...) {}

    template <class Handler>
    void start(Handler handler) {
        std::apply([&](auto&... a) { std::move(initiation_)(std::move(handler), static_cast<Args>(a)...); },
                   arguments_);
    }

private:
    Initiation initiation_;
    std::tuple<std::decay_t<Args>...> arguments_;
};

} // namespace

AURAIO_NET_OPEN
template <class Signature>
class async_result<kept_t, Signature> {
public:
    template <class Initiation, class Token, class... Args>
    static auto initiate(Initiation&& i, Token&&, Args&&... args) {
        return kept_operation<std::decay_t<Initiation>, Args&&...>(std::forward<Initiation>(i),
                                                                   std::forward<Args>(args)...);
    }
};
AURAIO_NET_CLOSE

namespace {

/// Keeps the operation, sees that nothing has happened, starts it and waits for its end.
struct keep {
    template <class Start>
    void operator()(aura::io_context& ctx, Start start) const {
        auto operation = start(kept_t());
        ctx.restart();
        EXPECT_EQ(ctx.poll(), 0u) << "it was started by being made";
        int calls = 0;
        operation.start([&](const auto&... result) {
            ++calls;
            if constexpr (sizeof...(result) != 0) {
                EXPECT_FALSE(std::get<0>(std::tie(result...)));
            }
        });
        ctx.restart();
        ctx.run_for(std::chrono::seconds(30));
        EXPECT_EQ(calls, 1);
    }
};

TEST(KeptToken, Executors) {
    test::every_initiation(keep()).executors();
    test::every_initiation(keep()).erased_executor();
}
TEST(KeptToken, StreamSockets) {
    test::every_initiation(keep()).stream_sockets();
}
TEST(KeptToken, MessageSockets) {
    test::every_initiation(keep()).message_sockets();
}
TEST(KeptToken, Acceptors) {
    test::every_initiation(keep()).acceptors();
}
TEST(KeptToken, TimersAndSignals) {
    test::every_initiation(keep()).timers_and_signals();
}
TEST(KeptToken, Descriptors) {
    test::every_initiation(keep()).descriptors();
}
TEST(KeptToken, Resolvers) {
    test::every_initiation(keep()).resolvers();
}
TEST(KeptToken, Files) {
    test::every_initiation(keep()).files();
}
TEST(KeptToken, Paths) {
    test::every_initiation(keep()).paths();
}

} // namespace

// execution_context: services of the context, the order in which they shut down, are destroyed and hear of
// forks.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;

using journal = std::vector<std::string>;

/// A service that writes down what happens to it. Each Name is a type of its own.
template <char Name>
class recorder : public net::execution_context::service {
public:
    using key_type = recorder;
    static inline net::execution_context::id id;

    explicit recorder(net::execution_context& owner)
        : service(owner) {}
    recorder(net::execution_context& owner, journal& j)
        : service(owner)
        , journal_(&j) {}
    ~recorder() override { write("destroyed"); }

private:
    void shutdown() override {
        if (!std::exchange(shut_down_, true)) // newer versions of Asio call it twice
            write("shutdown");
    }
    void notify_fork(net::execution_context::fork_event event) override {
        write(event == net::execution_context::fork_prepare  ? "prepare"
              : event == net::execution_context::fork_parent ? "parent"
                                                             : "child");
    }
    void write(const std::string& what) {
        if (journal_)
            journal_->push_back(std::string(1, Name) + " " + what);
    }

    journal* journal_ = nullptr;
    bool shut_down_ = false;
};

template <class Library>
class ExecutionContext : public testing::Test {};
TYPED_TEST_SUITE(ExecutionContext, test::libraries, test::library_names);

TYPED_TEST(ExecutionContext, MakesAServiceOnFirstUse) {
    typename TypeParam::context ctx;
    EXPECT_FALSE(net::has_service<recorder<'a'>>(ctx));
    auto& service = net::use_service<recorder<'a'>>(ctx);
    EXPECT_TRUE(net::has_service<recorder<'a'>>(ctx));
    EXPECT_EQ(&net::use_service<recorder<'a'>>(ctx), &service);
    EXPECT_EQ(&service.context(), &ctx);
    EXPECT_FALSE(net::has_service<recorder<'b'>>(ctx));
}

TYPED_TEST(ExecutionContext, RefusesAServiceTwiceOrOfAnotherContext) {
    typename TypeParam::context ctx, other;
    net::make_service<recorder<'a'>>(ctx);
    EXPECT_THROW(net::make_service<recorder<'a'>>(ctx), net::service_already_exists);
    auto foreign = std::make_unique<recorder<'b'>>(other);
    EXPECT_THROW(net::add_service(ctx, foreign.get()), net::invalid_service_owner);
    EXPECT_FALSE(net::has_service<recorder<'b'>>(ctx));
}

TYPED_TEST(ExecutionContext, ShutsAllServicesDownBeforeItDestroysOneLastMadeFirst) {
    journal j;
    {
        typename TypeParam::context ctx;
        net::make_service<recorder<'a'>>(ctx, j);
        net::make_service<recorder<'b'>>(ctx, j);
        net::make_service<recorder<'c'>>(ctx, j);
    }
    EXPECT_EQ(
        j, (journal{"c shutdown", "b shutdown", "a shutdown", "c destroyed", "b destroyed", "a destroyed"}));
}

TYPED_TEST(ExecutionContext, ShutsServicesDownBeforeItDestroysPendingHandlers) {
    journal j;
    {
        typename TypeParam::context ctx;
        net::make_service<recorder<'a'>>(ctx, j);
        net::post(ctx, [guard = test::on_destruction([&] { j.emplace_back("handler"); })] {});
    }
    EXPECT_EQ(j, (journal{"a shutdown", "handler", "a destroyed"}));
}

TYPED_TEST(ExecutionContext, TellsServicesOfForksNewestFirstBeforeAndOldestFirstAfter) {
    journal j;
    typename TypeParam::context ctx;
    net::make_service<recorder<'a'>>(ctx, j);
    net::make_service<recorder<'b'>>(ctx, j);
    ctx.notify_fork(net::execution_context::fork_prepare);
    ctx.notify_fork(net::execution_context::fork_parent);
    EXPECT_EQ(j, (journal{"b prepare", "a prepare", "a parent", "b parent"}));
    ctx.run(); // still usable
}

/// A service that posts and waits in its shutdown, as those of libraries that own connections do.
template <class Library>
class busy_service : public net::execution_context::service {
public:
    using key_type = busy_service;
    static inline net::execution_context::id id;

    explicit busy_service(net::execution_context& owner)
        : service(owner)
        , timer_(static_cast<typename Library::context&>(owner)) {
        timer_.expires_after(std::chrono::hours(1));
        timer_.async_wait([token = token_, never = test::never_called()](auto...) mutable { never(); });
    }
    std::weak_ptr<int> token() const { return token_; }

private:
    void shutdown() override {
        net::post(timer_.get_executor(),
                  [token = token_, never = test::never_called()]() mutable { never(); });
        timer_.cancel();
        token_.reset();
    }

    std::shared_ptr<int> token_ = std::make_shared<int>();
    typename Library::steady_timer timer_;
};

TYPED_TEST(ExecutionContext, AServiceMayPostAndCancelWhileItShutsDown) {
    std::weak_ptr<int> token;
    {
        typename TypeParam::context ctx;
        token = net::use_service<busy_service<TypeParam>>(ctx).token();
        ctx.poll();
        EXPECT_FALSE(token.expired());
    }
    EXPECT_TRUE(token.expired());
}

} // namespace

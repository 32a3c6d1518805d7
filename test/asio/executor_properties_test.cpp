// executor: the standard properties, equality, conversion to type-erased executors, work tracking.
#include "support/counting_allocator.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace {

namespace net = test::net;
namespace execution = test::net::execution;

template <class Library>
class ExecutorProperties : public testing::Test {};
TYPED_TEST_SUITE(ExecutorProperties, test::libraries, test::library_names);

TYPED_TEST(ExecutorProperties, AreThoseOfAsio) {
    using executor = typename TypeParam::executor;
    using model = net::io_context::executor_type;
    static_assert(execution::is_executor_v<executor>);
    static_assert(std::is_nothrow_copy_constructible_v<executor>);
    static_assert(std::is_nothrow_move_constructible_v<executor>);
    static_assert(std::is_copy_assignable_v<executor> && std::is_move_assignable_v<executor>);
    static_assert(std::is_convertible_v<executor, net::any_io_executor>);

    static_assert(net::can_require_v<executor, execution::blocking_t::possibly_t>);
    static_assert(net::can_require_v<executor, execution::blocking_t::never_t>);
    static_assert(!net::can_require_v<executor, execution::blocking_t::always_t>);
    static_assert(net::can_require_v<executor, execution::relationship_t::fork_t>);
    static_assert(net::can_require_v<executor, execution::relationship_t::continuation_t>);
    static_assert(net::can_require_v<executor, execution::outstanding_work_t::tracked_t>);
    static_assert(net::can_require_v<executor, execution::outstanding_work_t::untracked_t>);
    static_assert(net::can_require_v<executor, execution::allocator_t<void>>);
    static_assert(net::can_require_v<executor, execution::allocator_t<std::allocator<int>>>);

    static_assert(net::can_query_v<executor, execution::blocking_t>);
    static_assert(net::can_query_v<executor, execution::relationship_t>);
    static_assert(net::can_query_v<executor, execution::outstanding_work_t>);
    static_assert(net::can_query_v<executor, execution::mapping_t>);
    static_assert(net::can_query_v<executor, execution::context_t>);
    static_assert(net::can_query_v<executor, execution::allocator_t<void>>);
    static_assert(net::can_query_v<executor, execution::occupancy_t> ==
                  net::can_query_v<model, execution::occupancy_t>);
    static_assert(std::is_same_v<typename net::query_result<executor, execution::context_t>::type,
                                 typename TypeParam::context&>);
}

TYPED_TEST(ExecutorProperties, BeginAsPossiblyForkUntracked) {
    typename TypeParam::context ctx;
    const auto executor = ctx.get_executor();
    EXPECT_EQ(&net::query(executor, execution::context), &ctx);
    EXPECT_EQ(net::query(executor, execution::blocking), execution::blocking.possibly);
    EXPECT_EQ(net::query(executor, execution::relationship), execution::relationship.fork);
    EXPECT_EQ(net::query(executor, execution::outstanding_work), execution::outstanding_work.untracked);
    EXPECT_EQ(net::query(executor, execution::mapping), execution::mapping.thread);
}

TYPED_TEST(ExecutorProperties, RequireSetsOneAndKeepsTheOthers) {
    typename TypeParam::context ctx;
    auto never = net::require(ctx.get_executor(), execution::blocking.never);
    EXPECT_EQ(net::query(never, execution::blocking), execution::blocking.never);
    auto continuation = net::require(never, execution::relationship.continuation);
    EXPECT_EQ(net::query(continuation, execution::blocking), execution::blocking.never);
    EXPECT_EQ(net::query(continuation, execution::relationship), execution::relationship.continuation);
    {
        auto tracked = net::require(continuation, execution::outstanding_work.tracked);
        EXPECT_EQ(net::query(tracked, execution::outstanding_work), execution::outstanding_work.tracked);
        EXPECT_EQ(net::query(tracked, execution::relationship), execution::relationship.continuation);
        auto untracked = net::require(tracked, execution::outstanding_work.untracked);
        EXPECT_TRUE(untracked == continuation);
    }
    auto fork = net::require(continuation, execution::relationship.fork);
    auto possibly = net::require(fork, execution::blocking.possibly);
    EXPECT_EQ(possibly, ctx.get_executor());
    EXPECT_EQ(&net::query(continuation, execution::context), &ctx);
}

TYPED_TEST(ExecutorProperties, PreferSetsSeveral) {
    typename TypeParam::context ctx;
    auto executor =
        net::prefer(ctx.get_executor(), execution::blocking.never, execution::relationship.continuation);
    EXPECT_EQ(net::query(executor, execution::blocking), execution::blocking.never);
    EXPECT_EQ(net::query(executor, execution::relationship), execution::relationship.continuation);
}

TYPED_TEST(ExecutorProperties, TakePartInEquality) {
    typename TypeParam::context ctx, other;
    const auto executor = ctx.get_executor();
    const auto copy = executor;
    EXPECT_TRUE(executor == copy);
    EXPECT_FALSE(executor != copy);
    EXPECT_TRUE(executor == ctx.get_executor());
    EXPECT_TRUE(executor != other.get_executor());
    EXPECT_TRUE(executor != net::require(executor, execution::blocking.never));
    EXPECT_TRUE(executor != net::require(executor, execution::relationship.continuation));
    EXPECT_TRUE(net::require(executor, execution::blocking.never) ==
                net::require(executor, execution::blocking.never));
}

TYPED_TEST(ExecutorProperties, SurviveTypeErasure) {
    typename TypeParam::context ctx;
    net::any_io_executor any = ctx.get_executor();
    ASSERT_TRUE(any);
    EXPECT_EQ(&any.context(), &ctx);
    EXPECT_EQ(net::query(any, execution::blocking), execution::blocking.possibly);
    ASSERT_NE(any.template target<typename TypeParam::executor>(), nullptr);
    EXPECT_EQ(*any.template target<typename TypeParam::executor>(), ctx.get_executor());
    EXPECT_EQ(any, net::any_io_executor(ctx.get_executor()));

    any = net::require(any, execution::blocking.never);
    EXPECT_EQ(net::query(any, execution::blocking), execution::blocking.never);
    any = net::prefer(any, execution::relationship.continuation);
    EXPECT_EQ(net::query(any, execution::relationship), execution::relationship.continuation);
    EXPECT_NE(any, net::any_io_executor(ctx.get_executor()));
}

TYPED_TEST(ExecutorProperties, SurviveAStrand) {
    typename TypeParam::context ctx;
    net::strand<typename TypeParam::executor> strand(ctx.get_executor());
    EXPECT_EQ(&net::query(strand, execution::context), &ctx);
    EXPECT_EQ(strand.get_inner_executor(), ctx.get_executor());
    auto never = net::require(strand, execution::blocking.never);
    EXPECT_EQ(net::query(never, execution::blocking), execution::blocking.never);
    net::any_io_executor any = strand;
    EXPECT_EQ(&any.context(), &ctx);
    EXPECT_EQ(strand, strand);
    EXPECT_NE(strand, net::strand<typename TypeParam::executor>(ctx.get_executor()));
}

TYPED_TEST(ExecutorProperties, FitAnyExecutorsOfOneDemand) {
    typename TypeParam::context ctx;
    using never_blocking = execution::any_executor<execution::context_as_t<net::execution_context&>,
                                                   execution::blocking_t::never_t>;
    never_blocking never = net::require(ctx.get_executor(), execution::blocking.never);
    bool ran = false;
    net::post(ctx, [&] {
        test::execute_on(never, [&] { ran = true; });
        EXPECT_FALSE(ran);
    });
    ctx.run();
    EXPECT_TRUE(ran);
    EXPECT_EQ(&net::query(never, execution::context_as<net::execution_context&>), &ctx);
}

TYPED_TEST(ExecutorProperties, TrackedExecutorsAreWork) {
    typename TypeParam::context ctx;
    std::optional tracked(net::require(ctx.get_executor(), execution::outstanding_work.tracked));
    auto has_work = [&] {
        EXPECT_EQ(ctx.poll(), 0u);
        return !ctx.stopped();
    };
    EXPECT_TRUE(has_work());
    std::optional copy(*tracked);
    tracked.reset();
    EXPECT_TRUE(has_work());
    std::optional moved(std::move(*copy));
    copy.reset();
    EXPECT_TRUE(has_work());
    copy = *moved; // assigns to an empty one
    *copy = *moved;
    *copy = std::move(*moved);
    moved.reset();
    EXPECT_TRUE(has_work());
    copy.reset();
    EXPECT_FALSE(has_work());
}

TYPED_TEST(ExecutorProperties, AssigningATrackedExecutorMovesTheWorkToItsContext) {
    typename TypeParam::context first, second;
    std::optional tracked(net::require(first.get_executor(), execution::outstanding_work.tracked));
    *tracked = net::require(second.get_executor(), execution::outstanding_work.tracked);
    first.poll();
    EXPECT_TRUE(first.stopped());
    second.poll();
    EXPECT_FALSE(second.stopped());
    tracked.reset();
    second.poll();
    EXPECT_TRUE(second.stopped());
}

TYPED_TEST(ExecutorProperties, TheLastTrackedExecutorEndsRun) {
    typename TypeParam::context ctx;
    net::any_io_executor tracked =
        net::prefer(net::any_io_executor(ctx.get_executor()), execution::outstanding_work.tracked);
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_FALSE(ctx.stopped());
    net::post(ctx, [&] { tracked = net::any_io_executor(); });
    EXPECT_EQ(ctx.run(), 1u);
}

TYPED_TEST(ExecutorProperties, ARequiredAllocatorAllocatesFunctions) {
    typename TypeParam::context ctx;
    test::allocation_log log;
    auto executor =
        net::require(ctx.get_executor(), execution::allocator(test::counting_allocator<int>(log)));
    EXPECT_EQ(net::query(executor, execution::allocator), test::counting_allocator<int>(log));
    auto never = net::require(executor, execution::blocking.never);
    int live_inside = -1;
    test::execute_on(never, [&] { live_inside = log.live; });
    EXPECT_EQ(log.allocations, 1);
    ctx.run();
    EXPECT_EQ(live_inside, 0); // given back before the function ran
    EXPECT_EQ(log.live, 0);

    auto plain = net::require(never, execution::allocator);
    test::execute_on(plain, [] {});
    ctx.restart();
    ctx.run();
    EXPECT_EQ(log.allocations, 1);
}

/// What the executors of Asio had before they had properties; newer versions may be without.
template <class Executor>
concept has_older_members = requires(const Executor& executor, void (*function)(), std::allocator<void> a) {
    executor.context();
    executor.on_work_started();
    executor.on_work_finished();
    executor.post(function, a);
    executor.dispatch(function, a);
    executor.defer(function, a);
};

template <class Executor>
void use_older_members(Executor executor, int& stage) {
    const std::allocator<void> a;
    executor.dispatch([&stage] { EXPECT_EQ(stage++, 0); }, a); // inline
    executor.post([&stage] { EXPECT_GE(stage++, 2); }, a);
    executor.defer([&stage] { EXPECT_GE(stage++, 2); }, a);
    EXPECT_EQ(stage++, 1);
    executor.on_work_finished();
}

TYPED_TEST(ExecutorProperties, OlderMembersAreThereWhereAsioHasThem) {
    using executor = typename TypeParam::executor;
    static_assert(has_older_members<executor> == has_older_members<net::io_context::executor_type>);
    if constexpr (has_older_members<executor>) {
        typename TypeParam::context ctx;
        EXPECT_EQ(&ctx.get_executor().context(), &ctx);
        ctx.get_executor().on_work_started();
        EXPECT_EQ(ctx.poll(), 0u);
        EXPECT_FALSE(ctx.stopped());
        int stage = 0;
        net::dispatch(ctx, [&] { use_older_members(ctx.get_executor(), stage); });
        EXPECT_EQ(ctx.run(), 3u);
        EXPECT_EQ(stage, 4);
    } else {
        GTEST_SKIP() << "this version of Asio has no executors with on_work_started()";
    }
}

} // namespace

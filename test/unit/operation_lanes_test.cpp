// operation_lanes: order, lanes and sequence numbers, without an engine.
#include "auraio/core/io/operation_lanes.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <string>

namespace {

using aura::core::operation_lanes;
using aura::core::ordered_operation;
using lane = aura::core::request_lane;

class named_operation final : public ordered_operation {
public:
    named_operation(char its_name, lane its_lane)
        : ordered_operation([](aura::core::operation&, aura::core::action) {})
        , name(its_name)
        , in(its_lane) {}
    const char name;
    const lane in;
};

class OperationLanes : public testing::Test {
protected:
    /// One more begins: its name, in lower case when it has to wait.
    std::string start(char name, lane l) {
        auto& op = operations_.emplace_back(name, l);
        lanes_.append(op);
        return std::string(1, lanes_.enter(op, l) ? static_cast<char>(name | 0x20) : name);
    }
    /// One ends: who has its turn after that.
    std::string end(char name) {
        named_operation& op = of(name);
        std::string next;
        if (lanes_.leave(op.in)) {
            auto& turn =
                static_cast<named_operation&>(lanes_.next_in(op.in, op, [](const ordered_operation& o) {
                    return static_cast<const named_operation&>(o).in;
                }));
            operation_lanes::take_turn(turn);
            next = turn.name;
        }
        lanes_.remove(op);
        return next;
    }
    void give_up(char name) {
        lanes_.withdraw(of(name), of(name).in);
        lanes_.remove(of(name));
    }
    std::string pending() const {
        std::string all;
        for (const ordered_operation* op = lanes_.oldest(); op; op = op->following())
            all += static_cast<const named_operation&>(*op).name;
        return all;
    }
    named_operation& of(char name) {
        for (named_operation& op : operations_)
            if (op.name == name)
                return op;
        throw name;
    }

    operation_lanes lanes_;

private:
    std::deque<named_operation> operations_;
};

TEST_F(OperationLanes, SayWhenTheFirstComesAndTheLastGoes) {
    named_operation a('A', lane::none), b('B', lane::none);
    EXPECT_TRUE(lanes_.empty());
    EXPECT_TRUE(lanes_.append(a));
    EXPECT_FALSE(lanes_.append(b));
    EXPECT_EQ(pending(), "AB");
    EXPECT_FALSE(lanes_.remove(a));
    EXPECT_EQ(pending(), "B");
    EXPECT_TRUE(lanes_.remove(b));
    EXPECT_TRUE(lanes_.empty());
    EXPECT_TRUE(lanes_.append(a)); // again
    EXPECT_TRUE(lanes_.remove(a));
}

TEST_F(OperationLanes, KeepTheOrderWhoeverIsRemoved) {
    for (const char name : {'A', 'B', 'C', 'D'})
        start(name, lane::none);
    end('B');
    EXPECT_EQ(pending(), "ACD");
    end('D');
    EXPECT_EQ(pending(), "AC");
    start('E', lane::none);
    end('A');
    EXPECT_EQ(pending(), "CE");
}

TEST_F(OperationLanes, LetOneOfEachLaneGo) {
    EXPECT_EQ(start('A', lane::in), "A");
    EXPECT_EQ(start('B', lane::in), "b");
    EXPECT_EQ(start('C', lane::out), "C");
    EXPECT_EQ(start('D', lane::none), "D"); // at an offset: with no order
    EXPECT_EQ(start('E', lane::out), "e");
    EXPECT_EQ(start('F', lane::in), "f");
    EXPECT_EQ(lanes_.count(), 5u);
    EXPECT_TRUE(lanes_.any_waits());

    EXPECT_EQ(end('D'), "");
    EXPECT_EQ(end('A'), "B");
    EXPECT_EQ(end('C'), "E");
    EXPECT_EQ(end('B'), "F");
    EXPECT_FALSE(lanes_.any_waits());
    EXPECT_EQ(end('E'), "");
    EXPECT_EQ(end('F'), "");
    EXPECT_TRUE(lanes_.empty());
    EXPECT_EQ(start('G', lane::in), "G");
}

TEST_F(OperationLanes, PassOverWhoHasGivenUp) {
    start('A', lane::in);
    EXPECT_EQ(start('B', lane::in), "b");
    EXPECT_EQ(start('C', lane::in), "c");
    give_up('B');
    EXPECT_EQ(pending(), "AC");
    EXPECT_EQ(end('A'), "C");
    EXPECT_EQ(end('C'), "");

    start('D', lane::out);
    start('E', lane::out);
    give_up('E');
    EXPECT_FALSE(lanes_.any_waits());
    EXPECT_EQ(end('D'), "");
    EXPECT_EQ(lanes_.count(), 0u);
}

TEST_F(OperationLanes, KnowWhoWasCancelledOnTheWay) {
    EXPECT_FALSE(lanes_.was_cancelled(0));
    lanes_.cancel_before(5);
    EXPECT_TRUE(lanes_.was_cancelled(4));
    EXPECT_FALSE(lanes_.was_cancelled(5));
    lanes_.cancel_before(3); // heard of late
    EXPECT_TRUE(lanes_.was_cancelled(4));
}

} // namespace

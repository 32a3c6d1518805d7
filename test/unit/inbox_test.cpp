// inbox: order, and who is told to wake the consumer.
#include <auraio/core/operation/inbox.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace aura::core;

namespace {

struct item : operation {
    item()
        : operation([](operation&, action) {}) {}
    int value = 0;
};

TEST(Inbox, KeepsOrder) {
    inbox box;
    std::array<item, 5> items;
    for (int i = 0; i < 5; ++i) {
        items[static_cast<std::size_t>(i)].value = i;
        EXPECT_FALSE(box.push(items[static_cast<std::size_t>(i)]));
    }
    EXPECT_TRUE(box.maybe_nonempty());
    op_queue out;
    EXPECT_EQ(box.take(out), 5u);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(static_cast<item*>(out.pop())->value, i);
    EXPECT_FALSE(box.maybe_nonempty());
}

TEST(Inbox, TellsExactlyOneProducerThatTheConsumerSleeps) {
    inbox box;
    item a, b;
    EXPECT_TRUE(box.try_sleep());
    EXPECT_TRUE(box.sleeping());
    EXPECT_TRUE(box.push(a));
    EXPECT_FALSE(box.sleeping());
    EXPECT_FALSE(box.push(b));
    EXPECT_FALSE(box.rouse());
    op_queue out;
    EXPECT_EQ(box.take(out), 2u);
    while (out.pop()) {
    }
}

TEST(Inbox, DoesNotSleepOnWhatHasArrived) {
    inbox box;
    item a;
    EXPECT_FALSE(box.push(a));
    EXPECT_FALSE(box.try_sleep());
    op_queue out;
    box.take(out);
    out.pop();
    EXPECT_TRUE(box.try_sleep());
    box.awake();
    EXPECT_FALSE(box.sleeping());
}

TEST(Inbox, RouseWakesOnceAndHandsOverNothing) {
    inbox box;
    EXPECT_FALSE(box.rouse());
    EXPECT_TRUE(box.try_sleep());
    EXPECT_TRUE(box.rouse());
    EXPECT_FALSE(box.rouse());
    op_queue out;
    EXPECT_EQ(box.take(out), 0u);
}

TEST(Inbox, ManyProducersLoseNothingAndEverySleepIsEndedOnce) {
    constexpr int producers = 3, each = 20000;
    inbox box;
    std::vector<std::unique_ptr<std::array<item, each>>> items;
    std::atomic<int> wakes{0};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p)
        items.push_back(std::make_unique<std::array<item, each>>());
    for (int p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                item& it = (*items[static_cast<std::size_t>(p)])[static_cast<std::size_t>(i)];
                it.value = p * each + i;
                if (box.push(it)) {
                    ++wakes;
                    wakes.notify_one();
                }
            }
        });
    int received = 0, sleeps = 0;
    std::array<int, producers> last{-1, -1, -1};
    while (received < producers * each) {
        op_queue out;
        box.take(out);
        while (operation* op = out.pop()) {
            const int value = static_cast<item*>(op)->value;
            int& before = last[static_cast<std::size_t>(value / each)];
            EXPECT_LT(before, value);
            before = value;
            ++received;
        }
        if (received < producers * each && box.try_sleep()) {
            wakes.wait(sleeps); // somebody must end this sleep
            ++sleeps;
        }
    }
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(wakes, sleeps);
}

TEST(OpQueue, SpliceRemoveAndDestruction) {
    static int destroyed;
    destroyed = 0;
    struct counted : operation {
        counted()
            : operation([](operation& op, action what) {
                destroyed += what == action::destroy;
                delete static_cast<counted*>(&op);
            }) {}
    };
    {
        op_queue a, b;
        auto *one = new counted, *two = new counted, *three = new counted;
        a.push(*one);
        b.push(*two);
        b.push(*three);
        a.splice(b);
        EXPECT_TRUE(b.empty());
        EXPECT_EQ(a.size(), 3u);
        EXPECT_TRUE(a.remove(*three));
        EXPECT_FALSE(a.remove(*three));
        a.push(*three); // the tail is right again
        EXPECT_EQ(a.pop(), one);
        one->destroy();
        EXPECT_EQ(destroyed, 1);
    }
    EXPECT_EQ(destroyed, 3);
}

} // namespace

// readiness_table: registrations, generations, and what is known not to be ready, as transcripts without a kernel.
#include "backend/epoll/readiness_table.hpp"

#include <gtest/gtest.h>

using namespace aura::core;
using namespace aura::core::epoll;

namespace {

class waiter final : public operation {
public:
    waiter()
        : operation([](operation&, action) {}) {}
};

const int one_owner = 0;
const int another_owner = 0;
constexpr event_set in = EPOLLIN, out = EPOLLOUT;

bool known_not_ready(readiness_table& table, int fd, const void* owner, event_set events) {
    const watched* const w = table.find(fd);
    return w && readiness_table::is_known_not_ready(*w, owner, events);
}

TEST(ReadinessTable, KnowsNothingOfANumberNobodyHasAskedAbout) {
    readiness_table table;
    EXPECT_EQ(table.find(3), nullptr);
    EXPECT_EQ(table.find(-1), nullptr);
    (void)table.make(100);
    ASSERT_NE(table.find(3), nullptr);
    EXPECT_EQ(table.find(3)->owner, nullptr);
    EXPECT_FALSE(known_not_ready(table, 3, nullptr, in)) << "nobody has registered it";
}

TEST(ReadinessTable, TryingIsInVainFromARefusalToTheNextEvent) {
    readiness_table table;
    watched& w = table.make(7);
    const std::uint64_t token = table.begin_registration(7, w, &one_owner, always_told);
    EXPECT_FALSE(known_not_ready(table, 7, &one_owner, in)) << "it may have been ready before";
    w.ready &= static_cast<event_set>(~in); // refused
    EXPECT_TRUE(known_not_ready(table, 7, &one_owner, in));
    EXPECT_FALSE(known_not_ready(table, 7, &another_owner, in)) << "of whose file nothing is known";
    EXPECT_FALSE(known_not_ready(table, 7, &one_owner, out)) << "which is not told";

    int fd = -1;
    watched* const told = table.of_token(token, fd);
    ASSERT_EQ(told, &w);
    EXPECT_EQ(fd, 7);
    told->ready |= in;
    EXPECT_FALSE(known_not_ready(table, 7, &one_owner, in));
}

TEST(ReadinessTable, AFailureIsReadinessForEverybody) {
    readiness_table table;
    watched& w = table.make(7);
    (void)table.begin_registration(7, w, &one_owner, always_told | out);
    w.ready = 0;
    EXPECT_TRUE(known_not_ready(table, 7, &one_owner, out));
    w.ready |= EPOLLERR;
    EXPECT_FALSE(known_not_ready(table, 7, &one_owner, in));
    EXPECT_FALSE(known_not_ready(table, 7, &one_owner, out));
}

TEST(ReadinessTable, EventsOfAnEarlierFileOfTheNumberSayNothing) {
    readiness_table table;
    watched& w = table.make(7);
    const std::uint64_t first = table.begin_registration(7, w, &one_owner, always_told);
    int fd = -1;
    table.forget(7);
    EXPECT_EQ(table.of_token(first, fd), nullptr) << "given up";
    EXPECT_FALSE(readiness_table::is_told(w, &one_owner, in));
    const std::uint64_t second = table.begin_registration(7, w, &one_owner, always_told);
    EXPECT_EQ(table.of_token(first, fd), nullptr) << "of the file before";
    EXPECT_EQ(table.of_token(second, fd), &w);
    EXPECT_EQ(table.of_token(readiness_table::token_of_any_registration(7), fd), &w);
    table.forget(7);
    EXPECT_EQ(table.of_token(readiness_table::token_of_any_registration(7), fd), nullptr);
}

TEST(ReadinessTable, WhoWaitsStaysWhereTheTableGrowsAndTheNumberIsForgotten) {
    readiness_table table;
    waiter a, b;
    table.make(2).waiting.push(a);
    table.make(2).waiting.push(b);
    (void)table.make(5000);
    table.forget(2);
    EXPECT_EQ(table.find(2)->waiting.size(), 2u);
    EXPECT_EQ(table.find(2)->waiting.pop(), &a);
    table.abandon(); // b is not touched
    EXPECT_EQ(table.find(2), nullptr);
}

TEST(ReadinessTable, AShortReceiveOfATcpSocketSaysThatThereIsNoMore) {
    readiness_table table;
    watched& w = table.make(7);
    (void)table.begin_registration(7, w, &one_owner, always_told);
    int questions = 0;
    const auto yes = [&] { return ++questions != 0; };
    EXPECT_FALSE(w.is_drained(yes)) << "the first one is not worth the question";
    EXPECT_EQ(questions, 0);
    EXPECT_TRUE(w.is_drained(yes));
    EXPECT_TRUE(w.is_drained(yes));
    EXPECT_EQ(questions, 1);
    for (const event_set more : {event_set{EPOLLPRI}, event_set{EPOLLRDHUP}, event_set{EPOLLHUP}}) {
        w.ready |= more; // behind urgent data there may be more; the end is told once
        EXPECT_FALSE(w.is_drained(yes)) << more;
        w.ready &= static_cast<event_set>(~more);
    }
    (void)table.begin_registration(7, w, &another_owner, always_told);
    const auto no = [] { return false; };
    EXPECT_FALSE(w.is_drained(no));
    EXPECT_FALSE(w.is_drained(no)) << "of other sockets it says nothing";
}

} // namespace

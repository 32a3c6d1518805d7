// backends: which row of a table is chosen, what refuses the others, and what is no refusal.
#include "backend/backends.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

using namespace aura::core;

namespace {

int refusal_of_first, refusal_of_second; // errno values; 0: it works here
int times_tried;
bool was_named;

std::string try_first(bool named) {
    ++times_tried;
    was_named = named;
    if (refusal_of_first != 0)
        throw engine_error(refusal_of_first, "auraio: no backend: first: refused");
    return "the first";
}
std::string try_second(bool named) {
    was_named = named;
    if (refusal_of_second != 0)
        throw engine_error(refusal_of_second, "auraio: no backend: second: refused");
    return "the second";
}

constexpr backend_entry rows[] = {
    {backend_kind::uring, "first", &try_first, nullptr, nullptr},
    {backend_kind::epoll, "second", &try_second, nullptr, nullptr},
};

class Backends : public testing::Test {
protected:
    void SetUp() override {
        refusal_of_first = refusal_of_second = times_tried = 0;
        was_named = false;
    }
    static int error_of(backend_kind kind) {
        try {
            (void)choose_backend(kind, rows);
        } catch (const engine_error& e) {
            return e.error();
        }
        return 0;
    }
};

TEST_F(Backends, TheFirstIsTakenWhereItWorks) {
    const backend_choice choice = choose_backend(backend_kind::automatic, rows);
    EXPECT_EQ(choice.entry, &rows[0]);
    EXPECT_EQ(choice.reason, "the first");
    EXPECT_FALSE(choice.fell_back);
    EXPECT_FALSE(was_named);
}

TEST_F(Backends, ARefusalMeansTheNextAndIsTheReason) {
    for (const int error : {EPERM, EACCES, ENOSYS, EOPNOTSUPP, EINVAL}) {
        refusal_of_first = error;
        const backend_choice choice = choose_backend(backend_kind::automatic, rows);
        EXPECT_EQ(choice.entry, &rows[1]);
        EXPECT_EQ(choice.reason, "the second, because of first: refused");
        EXPECT_TRUE(choice.fell_back);
    }
}

TEST_F(Backends, AShortageIsNoRefusal) {
    for (const int error : {EMFILE, ENFILE, ENOMEM, EAGAIN}) {
        refusal_of_first = error;
        EXPECT_EQ(error_of(backend_kind::automatic), error);
    }
    refusal_of_first = EPERM;
    refusal_of_second = EMFILE;
    EXPECT_EQ(error_of(backend_kind::automatic), EMFILE);
}

TEST_F(Backends, ANameIsStrict) {
    refusal_of_first = EPERM;
    EXPECT_EQ(error_of(backend_kind::uring), EPERM);
    refusal_of_first = 0;
    times_tried = 0;
    const backend_choice choice = choose_backend(backend_kind::epoll, rows);
    EXPECT_EQ(choice.entry, &rows[1]);
    EXPECT_FALSE(choice.fell_back); // nobody has to be told of what was asked for
    EXPECT_TRUE(was_named);
    EXPECT_EQ(times_tried, 0);
}

TEST_F(Backends, WhereNothingIsAllowedTheFirstRefusalCounts) {
    refusal_of_first = EPERM;
    refusal_of_second = ENOSYS;
    EXPECT_EQ(error_of(backend_kind::automatic), EPERM);
    const std::span<const backend_entry> alone(rows, 1);
    EXPECT_THROW((void)choose_backend(backend_kind::automatic, alone), engine_error);
    EXPECT_THROW((void)choose_backend(backend_kind::epoll, alone), engine_error);
}

TEST_F(Backends, WhereOneIsAloneItIsToWorkAsWellAsItCan) {
    (void)choose_backend(backend_kind::automatic, std::span<const backend_entry>(rows, 1));
    EXPECT_TRUE(was_named);
}

TEST_F(Backends, TheChoiceMayBeMadeAnew) {
    const engine_error refused(EPERM, "auraio: io_uring_setup: refused later");
    const backend_choice choice = choose_after(rows[0], refused, rows);
    EXPECT_EQ(choice.entry, &rows[1]);
    EXPECT_EQ(choice.reason, "the second, because of io_uring_setup: refused later");
    EXPECT_THROW((void)choose_after(rows[1], refused, rows), engine_error);
    EXPECT_THROW((void)choose_after(rows[0], engine_error(EMFILE, "none left"), rows), engine_error);
}

} // namespace

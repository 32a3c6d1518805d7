// worker limit: reads that hold a thread of the kernel each, of more terminals than there may be threads.
#include "support.hpp"

#include "support/kernel_workers.hpp"

#include <array>
#include <cstdlib>
#include <optional>
#include <sys/ioctl.h>
#include <termios.h>

using namespace test;

namespace {

struct terminal {
    unique_fd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    std::optional<unique_fd> slave;
    char byte[8] = {};
    ended read;

    bool open() {
        if (master.get() < 0 || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
            return false;
        slave.emplace(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        termios raw{};
        return slave->get() >= 0 && ::tcgetattr(slave->get(), &raw) == 0 &&
               (::cfmakeraw(&raw), ::tcsetattr(slave->get(), TCSANOW, &raw) == 0);
    }
};

} // namespace

TEST(CWorkerLimit, HoldsAndNothingIsLost) {
    constexpr unsigned limit = 3;
    ASSERT_EQ(::setenv("AURAIO_WORKER_LIMIT", "3", 1), 0);
    aura_options_t options;
    aura_options_init(&options);
    options.ring_count = 1;
    options.backend = AURA_BACKEND_URING;
    const engine_ptr e(aura_create_with_options(&options));
    ASSERT_EQ(::unsetenv("AURAIO_WORKER_LIMIT"), 0);
    ASSERT_TRUE(e);
    std::array<terminal, 10> all;
    const kernel_workers workers;
    for (terminal& t : all) {
        if (!t.open())
            GTEST_SKIP() << "no pseudo-terminals here";
        ASSERT_TRUE(aura_read(e.get(), t.slave->get(), aura_buf(t.byte), 1, AURA_CURRENT_POSITION,
                              ended::note, &t.read));
    }
    EXPECT_EQ(aura_wait(e.get(), 20), -ETIMEDOUT);    // they are with the kernel
    for (auto t = all.rbegin(); t != all.rend(); ++t) // those that wait for a thread first
        ASSERT_EQ(::write(t->master.get(), "x", 1), 1);
    for (terminal& t : all)
        EXPECT_EQ(finish(e, t.read), 1);
    EXPECT_GE(workers.most(), 1u);
    EXPECT_LE(workers.most(), 2 * limit);
}

// file_kind: what is known of open files by looking at them.
#include "core/io/file_kind.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

using namespace aura::core;

namespace {

file_kind kind_of_path(const char* path, int flags = O_RDONLY) {
    const int fd = ::open(path, flags | O_CLOEXEC);
    EXPECT_GE(fd, 0) << path;
    const file_kind kind = kind_of_file(fd);
    ::close(fd);
    return kind;
}

TEST(FileKind, SocketsPipesAndLocalFilesArePrompt) {
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    EXPECT_EQ(kind_of_file(fds[0]), file_kind::prompt);
    ::close(fds[0]);
    ::close(fds[1]);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT_EQ(kind_of_file(fds[0]), file_kind::prompt);
    ::close(fds[0]);
    ::close(fds[1]);
    const int event = ::eventfd(0, EFD_CLOEXEC);
    EXPECT_EQ(kind_of_file(event), file_kind::prompt);
    ::close(event);
    EXPECT_EQ(kind_of_path("/proc/self/exe"), file_kind::prompt) << "a regular file";
    EXPECT_EQ(kind_of_path("/dev/null"), file_kind::prompt);
    EXPECT_EQ(kind_of_path("/dev/zero"), file_kind::prompt);
    EXPECT_EQ(kind_of_file(-1), file_kind::prompt);
}

TEST(FileKind, FilesOfTheKernelMayBlock) {
    EXPECT_EQ(kind_of_path("/proc/self/status"), file_kind::may_block);
    EXPECT_EQ(kind_of_path("/proc/self/mounts"), file_kind::may_block);
    if (::access("/sys/kernel/uevent_seqnum", R_OK) == 0) {
        EXPECT_EQ(kind_of_path("/sys/kernel/uevent_seqnum"), file_kind::may_block);
    }
}

TEST(FileKind, FileSystemsByTheirNames) {
    for (const char* type : {"fuse", "fuseblk", "fuse.sshfs", "proc", "sysfs", "tracefs"})
        EXPECT_TRUE(is_answered_elsewhere(type)) << type;
    for (const char* type : {"ext4", "xfs", "btrfs", "tmpfs", "overlay", "nfs4", "9p", "procfs2"})
        EXPECT_FALSE(is_answered_elsewhere(type)) << type;
}

TEST(FileKind, ATerminalIsOpenedAgainButNotItsMaster) {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0)
        GTEST_SKIP() << "no pseudo-terminal to be had here";
    char name[64];
    ASSERT_EQ(::ptsname_r(master, name, sizeof name), 0);
    const int slave = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(slave, 0);
    EXPECT_EQ(kind_of_file(master), file_kind::master);
    EXPECT_EQ(kind_of_file(slave), file_kind::terminal);
    const int again = open_terminal_again(slave);
    ASSERT_GE(again, 0);
    EXPECT_NE(::fcntl(again, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(again, F_GETFL) & O_ACCMODE, O_RDWR);
    EXPECT_EQ(::fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::write(again, "x\n", 2), 2);
    char got[8];
    EXPECT_GT(::read(master, got, sizeof got), 0) << "it is the same terminal";

    termios t;
    ASSERT_EQ(::tcgetattr(slave, &t), 0);
    ::cfmakeraw(&t);
    EXPECT_FALSE(reads_empty(slave));
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    ASSERT_EQ(::tcsetattr(slave, TCSANOW, &t), 0);
    EXPECT_TRUE(reads_empty(again));
    ::close(again);
    ::close(slave);
    ::close(master);
}

} // namespace

// file_kind: told by the kind of the file's node, and for regular files by the file system they are on.
#include "core/io/file_kind.hpp"

#include "auraio/core/base/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

namespace aura::core {

namespace {

constexpr unsigned memory_devices = 1; // major number of /dev/null, /dev/zero, /dev/random, ...
constexpr unsigned kernel_log = 11;    // minor number of the one among them that waits
constexpr unsigned misc_devices = 10;
constexpr unsigned tun_device = 200;

/// How long what a device number stands for is believed: file systems come and go, and numbers are reused.
constexpr nanoseconds_t believed = 1'000'000'000;

/// The type of the file system with this device number, by the list of mounts: asking the file system itself
/// (fstatfs) would ask a file server, which may take its time. Not found: of a subvolume, or of another
/// namespace.
bool find_answered_elsewhere(unsigned major, unsigned minor) noexcept {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> mounts(std::fopen("/proc/self/mountinfo", "re"),
                                                                 &std::fclose);
    if (!mounts)
        return false;
    char* line = nullptr;
    std::size_t capacity = 0;
    bool found = false;
    while (!found && ::getline(&line, &capacity, mounts.get()) > 0) {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
        unsigned line_major = 0, line_minor = 0;
        char type[32];
        const char* const dash = std::strstr(line, " - ");
        if (std::sscanf(line, "%*u %*u %u:%u", &line_major, &line_minor) != 2 || line_major != major ||
            line_minor != minor || !dash || std::sscanf(dash, " - %31s", type) != 1)
            continue;
        found = is_answered_elsewhere(type);
        break;
    }
    std::free(line);
    return found;
}

/// What was found last of a few devices: most programs use no more.
class known_file_systems {
public:
    bool answered_elsewhere(unsigned major, unsigned minor) noexcept {
        const dev_t device = ::makedev(major, minor);
        const nanoseconds_t now = coarse_now();
        const std::lock_guard guard(mutex_);
        auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& e) { return e.device == device && now < e.look_again; });
        if (known == entries_.end()) {
            known = std::min_element(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) {
                return a.look_again < b.look_again;
            });
            *known = {device, now + believed, find_answered_elsewhere(major, minor)};
        }
        return known->elsewhere;
    }

    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }

private:
    struct entry {
        dev_t device = 0;
        nanoseconds_t look_again = 0;
        bool elsewhere = false;
    };
    std::mutex mutex_;
    std::array<entry, 16> entries_;
};

constinit known_file_systems file_systems;
// A child of fork(2) has no thread that would give the mutex back.
[[maybe_unused]] const int file_systems_fork_handlers = ::pthread_atfork(
    [] { file_systems.lock(); }, [] { file_systems.unlock(); }, [] { file_systems.unlock(); });

file_kind kind_of_device(int fd, unsigned major, unsigned minor) noexcept {
    if (major == memory_devices && minor != kernel_log)
        return file_kind::prompt;
    if (major == misc_devices && minor == tun_device)
        return file_kind::prompt;
    termios settings;
    if (::tcgetattr(fd, &settings) != 0)
        return file_kind::may_block;
    unsigned number = 0; // what only masters have
    return ::ioctl(fd, TIOCGPTN, &number) == 0 ? file_kind::master : file_kind::terminal;
}

/// Which terminal it is: /dev/tty is another one after setsid(2).
unsigned terminal_device(int fd) noexcept {
    unsigned device = 0;
    return ::ioctl(fd, TIOCGDEV, &device) == 0 ? device : 0;
}

} // namespace

bool is_answered_elsewhere(const char* filesystem_type) noexcept {
    const std::string_view type(filesystem_type);
    if (type.starts_with("fuse"))
        return true;
    // Those whose files can be polled, as the kernel's own ones often can: the others it gives to a worker.
    static constexpr std::array<std::string_view, 10> own = {"proc",     "sysfs",   "cgroup",     "cgroup2",
                                                             "debugfs",  "tracefs", "securityfs", "resctrl",
                                                             "efivarfs", "configfs"};
    return std::find(own.begin(), own.end(), type) != own.end();
}

file_kind kind_of_file(int fd) noexcept {
    struct statx s;
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) != 0)
        return file_kind::prompt;
    if (S_ISCHR(s.stx_mode))
        return kind_of_device(fd, s.stx_rdev_major, s.stx_rdev_minor);
    if (S_ISREG(s.stx_mode) && file_systems.answered_elsewhere(s.stx_dev_major, s.stx_dev_minor))
        return file_kind::may_block;
    return file_kind::prompt;
}

bool file_can_be_polled(int fd) noexcept {
    struct statx s;
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) != 0 || S_ISSOCK(s.stx_mode) ||
        S_ISFIFO(s.stx_mode))
        return true;
    // Only an epoll set refuses what has no such function; poll(2) calls it ready.
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return true;
    epoll_event nothing{};
    const bool refused = ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &nothing) != 0 && errno == EPERM;
    ::close(set);
    return !refused;
}

int open_terminal_again(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0)
        return -1;
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const int again = ::open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (again >= 0 && terminal_device(again) != terminal_device(fd)) {
        ::close(again);
        return -1;
    }
    return again;
}

bool reads_empty(int fd) noexcept {
    termios settings;
    return ::tcgetattr(fd, &settings) == 0 && (settings.c_lflag & static_cast<tcflag_t>(ICANON)) == 0 &&
           settings.c_cc[VMIN] == 0 && settings.c_cc[VTIME] == 0;
}

} // namespace aura::core

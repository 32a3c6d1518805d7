// assigned_numbers: a table of what each number meant when it was given to an object.
#include "auraio/core/io/assigned_numbers.hpp"

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <utility>

namespace aura::core {

namespace {

constexpr long pipe_file_system = 0x50495045; // PIPEFS_MAGIC

/// What tells a socket or a pipe from all others; zero for what has no such identity (one inode stands for
/// all timers, a file can be opened twice).
struct identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const identity&) const = default;
};

int identify(int fd, identity& id) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    struct stat s;
    if (flags < 0 || ::fstat(fd, &s) != 0)
        return -errno;
    if ((flags & O_PATH) != 0)
        return -EBADF;
    struct statfs f;
    const bool unique = S_ISSOCK(s.st_mode) ||
                        (S_ISFIFO(s.st_mode) && ::fstatfs(fd, &f) == 0 && f.f_type == pipe_file_system);
    if (unique)
        id = {s.st_dev, s.st_ino};
    return 0;
}

struct table {
    std::mutex mutex;
    std::map<std::pair<const engine*, int>, identity> entries;

    static table& instance() {
        static auto* const one = [] { // for objects that live as long as the process
            auto* const made = new table;
            // A child of fork(2) has no thread that would give the mutex back.
            ::pthread_atfork([] { instance().mutex.lock(); }, [] { instance().mutex.unlock(); },
                             [] { instance().mutex.unlock(); });
            return made;
        }();
        return *one;
    }
};

} // namespace

int note_assigned(const engine& owner, int fd) {
    identity id;
    if (const int error = identify(fd, id); error < 0)
        return error;
    table& t = table::instance();
    const std::lock_guard guard(t.mutex);
    identity& known = t.entries[{&owner, fd}];
    if (known != identity{} && known == id)
        return -EEXIST;
    known = id;
    return 0;
}

void forget_assigned(const engine& owner, int fd) noexcept {
    table& t = table::instance();
    const std::lock_guard guard(t.mutex);
    t.entries.erase({&owner, fd});
}

} // namespace aura::core

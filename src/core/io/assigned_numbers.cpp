// assigned_numbers: a table of what each number meant when it was given to an object.
#include "auraio/core/io/assigned_numbers.hpp"

#include "core/base/first_use.hpp"
#include "core/io/file_witness.hpp"

#include <cerrno>
#include <cstdint>
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

/// What tells an open file from all others; zero for what has no such identity.
struct identity {
    // Of a socket or a pipe.
    dev_t device = 0;
    ino_t inode = 0;
    // Of what else has readiness (one inode stands for all timers, a terminal can be opened twice).
    std::uint64_t witnessed = 0;
    bool operator==(const identity&) const = default;
};

/// The file's flags, or a negated errno. `has_witness`: it is not by its inode that the file is known, but may
/// be by a file_witness.
int identify(int fd, identity& id, bool& has_witness) noexcept {
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
        id = {s.st_dev, s.st_ino, 0};
    has_witness = !unique && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode) && !S_ISBLK(s.st_mode);
    return flags;
}

struct number_table {
    std::mutex mutex;
    std::map<std::pair<const engine*, int>, identity> entries;
    file_witness witness; // one for all engines, which may each have an object on the same number

    static number_table& instance() {
        static constinit first_use<number_table> one; // for objects that live as long as the process
        return one.get();
    }
};

// A child of fork(2) has no thread that would give the mutex back.
[[maybe_unused]] const int number_table_fork_handlers = ::pthread_atfork(
    [] { number_table::instance().mutex.lock(); }, [] { number_table::instance().mutex.unlock(); },
    [] {
        number_table::instance().witness.renew();
        number_table::instance().mutex.unlock();
    });

} // namespace

int note_assigned(const engine& owner, int fd) {
    identity id;
    bool has_witness = false;
    const int flags = identify(fd, id, has_witness);
    if (flags < 0)
        return flags;
    number_table& t = number_table::instance();
    const std::lock_guard guard(t.mutex);
    identity& known = t.entries[{&owner, fd}];
    if (has_witness)
        id.witnessed = t.witness.look(fd);
    if (known != identity{} && known == id)
        return -EEXIST;
    if (id.witnessed != 0)
        t.witness.hold(fd);
    if (known.witnessed != 0)
        t.witness.drop(fd);
    known = id;
    return flags;
}

void forget_assigned(const engine& owner, int fd) noexcept {
    number_table& t = number_table::instance();
    const std::lock_guard guard(t.mutex);
    const auto place = t.entries.find({&owner, fd});
    if (place == t.entries.end())
        return;
    if (place->second.witnessed != 0)
        t.witness.drop(fd);
    t.entries.erase(place);
}

} // namespace aura::core

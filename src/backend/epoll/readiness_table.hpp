// readiness_table: what is known of each number's file: whether the kernel tells us of it, of what it may be
// ready for, and who waits.
#pragma once

#include "auraio/core/operation/operation.hpp"
#include "trigger_choice.hpp"

#include <cstdint>
#include <sys/epoll.h>
#include <utility>
#include <vector>

namespace aura::core::epoll {

/// Events by their bits in poll(2) and epoll(7), which are the same below 2^16.
using event_set = std::uint16_t;

/// What is told of every file, wanted or not: that costs no wake-up that would not come anyway. Room to write
/// is added where somebody has waited for it.
inline constexpr event_set always_told = EPOLLIN | EPOLLPRI | EPOLLRDHUP;
/// What nobody has to ask for, and everybody who waits hears of.
inline constexpr event_set failures = EPOLLERR | EPOLLHUP;

/// Of one number. Its registration stays until the number is given up.
struct watched {
    op_queue waiting;
    const void* owner = nullptr;  ///< who had the file registered; null: nobody
    std::uint32_t generation = 0; ///< of the registration: an event of an earlier one is another file's
    event_set told = 0;           ///< the events it is registered for
    event_set ready = 0;          ///< of those, what has been seen since it was last found not to be so
    bool read_short = false;      ///< once
    trigger_choice trigger;
    enum class answer : std::uint8_t { unknown, no, yes };
    answer is_tcp = answer::unknown;
    answer is_stream = answer::unknown;
    answer is_storage = answer::unknown;

    /// A receive has got less than it asked for: whether that means that there is no more. `tcp` is asked the
    /// second time, for a connection of one message is not worth the question.
    template <class Question>
    bool is_drained(Question tcp) noexcept {
        if (is_tcp == answer::unknown) {
            if (!std::exchange(read_short, true))
                return false;
            is_tcp = tcp() ? answer::yes : answer::no;
        }
        return is_tcp == answer::yes && (ready & (EPOLLPRI | EPOLLRDHUP | failures)) == 0;
    }
};

/// Indexed by number: what an operation names. No system call is made here.
class readiness_table {
public:
    /// Null where nobody has asked about the number yet, or `fd` is none.
    watched* find(int fd) noexcept {
        return static_cast<std::size_t>(static_cast<unsigned>(fd)) < entries_.size()
                   ? &entries_[static_cast<std::size_t>(fd)]
                   : nullptr;
    }

    /// Throws bad_alloc. `fd` is not negative. References live until the next call.
    watched& make(int fd) {
        watched* const w = find(fd);
        return w ? *w : grow(fd);
    }

    /// Whether `owner` has registered the file for all of `events`, and it has not been ready for any since it
    /// was last found not to be: then trying is in vain, and the kernel will say when it is not.
    static bool is_known_not_ready(const watched& w, const void* owner, event_set events) noexcept {
        return w.owner == owner && (events & static_cast<event_set>(~w.told)) == 0 &&
               (w.ready & (events | failures)) == 0;
    }

    /// Whether what `owner` waits for is told already.
    static bool is_told(const watched& w, const void* owner, event_set events) noexcept {
        return w.owner == owner && (events & static_cast<event_set>(~w.told)) == 0;
    }

    /// The file is about to be registered anew: what an event of it carries from now on. Nothing is known of
    /// it.
    std::uint64_t begin_registration(int fd, watched& w, const void* owner, event_set events) noexcept;

    /// The same where it stays the one it is, and only more is told.
    static std::uint64_t token(int fd, const watched& w) noexcept {
        return static_cast<std::uint32_t>(fd) | std::uint64_t{w.generation} << 32;
    }

    /// What an event carries of a file that was added to the set by whoever does not know its registration.
    static std::uint64_t token_of_any_registration(int fd) noexcept { return static_cast<std::uint32_t>(fd); }
    static bool is_of_any_registration(std::uint64_t token) noexcept { return token >> 32 == 0; }

    /// The number an event is about, or null when it means another file by now.
    watched* of_token(std::uint64_t token, int& fd) noexcept {
        fd = static_cast<int>(static_cast<std::uint32_t>(token));
        watched* const w = find(fd);
        const std::uint64_t generation = token >> 32; // 0: of any
        return w && w->owner && (generation == 0 || generation == w->generation) ? w : nullptr;
    }

    /// The number is given up, or has come to mean another file. Who waits stays.
    void forget(int fd) noexcept;

    /// `f` of each number that somebody has registered, and of what is known of it.
    template <class F>
    void for_each_registered(F f) noexcept {
        for (std::size_t fd = 0; fd < entries_.size(); ++fd)
            if (entries_[fd].owner)
                f(static_cast<int>(fd), entries_[fd]);
    }

    /// Forgets who waits, without touching them: they are no longer ours.
    void abandon() noexcept;

private:
    watched& grow(int fd);

    std::vector<watched> entries_;
};

} // namespace aura::core::epoll

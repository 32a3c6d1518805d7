// interest_list: which files the set has in it, for which events, and whether it tells of them by edges or by level.
#pragma once

#include "auraio/core/io/io_operation.hpp"
#include "awaited.hpp"
#include "epoll_set.hpp"
#include "readiness_table.hpp"
#include "watches.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <utility>

namespace aura::core::epoll {

/// The set and the table are changed together. `end_all` of some functions ends who waits beside a number, with a
/// result.
///
/// By level a file is told of as long as it is ready, also when its number was closed behind us and somebody else has
/// it open: then nothing can take it out of the set any more, and the set has to be replaced. So nothing is told by
/// level once others have this set in theirs.
class interest_list {
public:
    interest_list(epoll_set& set, readiness_table& table, watches& others) noexcept
        : set_(set)
        , table_(table)
        , watches_(others) {}

    /// Sees to it that the kernel tells of `wanted`. What is ready by then shows as an event.
    template <class End>
    int see_told(const io_operation& op, int fd, watched& w, event_set wanted, End end_all) noexcept {
        const void* const owner = owner_of_registration(op);
        if (readiness_table::is_told(w, owner, wanted) && !is_loosely_named(op)) [[likely]]
            return 0;
        const bool known = w.owner != nullptr;
        const auto events = static_cast<event_set>(always_told | wanted | (known ? w.told : 0));
        int r = -ENOENT;
        if (known) {
            const std::uint64_t token = table_.begin_registration(fd, w, owner, events);
            r = set_.modify(fd, events | EPOLLET, token);
            if (r == -ENOENT)
                end_all(w, -EBADF); // they wait for a file whose number was closed behind them
        }
        if (r == -ENOENT) {
            const std::uint64_t token = table_.begin_registration(fd, w, owner, events);
            r = set_.add(fd, events | EPOLLET, token);
            if (r == -EEXIST) // of a number that was given up, whose file is not closed
                r = set_.modify(fd, events | EPOLLET, token);
        }
        if (r < 0)
            lose(fd, w, r, end_all);
        return r;
    }

    /// A receive was tried without an event before it: perhaps it is told the other way from now on.
    template <class End>
    void note_attempt(int fd, watched& w, bool in_vain, End end_all) noexcept {
        if (!w.trigger.note_attempt(in_vain))
            return;
        if (w.trigger.is_by_level())
            tell_by_edges(fd, w, end_all);
        else if (!is_shared_ && w.waiting.size() == 1) // nobody who waits for other events
            tell_by_level(fd, w, end_all);
    }

    /// An event has found nobody who took what there is: by level the next wait would find the same.
    template <class End>
    void note_untaken(int fd, watched& w, End end_all) noexcept {
        w.trigger.note_untaken();
        tell_by_edges(fd, w, end_all);
    }

    /// Others have the set in theirs, or are about to. Its number. The last time that the set can be replaced: what it
    /// tells of by level, perhaps of a file that nobody can take out of it, is not in the next one.
    template <class End>
    int share(End end_all) noexcept {
        if (!is_shared_ && has_levels_)
            renew(end_all);
        is_shared_ = true;
        return set_.fd();
    }

    /// Whether something is told by level that is not to be any more.
    bool has_levels_to_end() const noexcept { return is_shared_ && has_levels_; }
    template <class End>
    void end_levels(End end_all) noexcept {
        has_levels_ = false;
        table_.for_each_registered([&](int fd, watched& w) {
            if (w.trigger.is_by_level())
                tell_by_edges(fd, w, end_all);
        });
    }

    /// An event is of no registration.
    void note_stray() noexcept { saw_stray_ = has_levels_; }

    /// All events of a wait have been seen, of which one may not go away.
    template <class End>
    void renew_if_strays_stay(End end_all) noexcept {
        constexpr unsigned many = 16; // waits in a row: those told by edges come once
        strays_ = std::exchange(saw_stray_, false) ? strays_ + 1 : 0;
        if (strays_ >= many && !is_shared_) [[unlikely]]
            renew(end_all);
    }

    /// In a child of fork.
    void abandon() noexcept {
        is_shared_ = has_levels_ = saw_stray_ = false;
        strays_ = 0;
    }

private:
    /// Another set, with nothing in it of what it had but what is registered, told by edges. Nothing where there is
    /// none to be had.
    template <class End>
    void renew(End end_all) noexcept {
        if (!set_.renew())
            return;
        strays_ = 0;
        has_levels_ = false;
        table_.for_each_registered([&](int fd, watched& w) {
            const std::uint64_t token = table_.begin_registration(fd, w, w.owner, w.told);
            if (const int r = set_.add(fd, w.told | EPOLLET, token); r < 0)
                lose(fd, w, r, end_all);
        });
        watches_.add_again();
    }

    template <class End>
    void tell_by_level(int fd, watched& w, End end_all) noexcept {
        const std::uint64_t token = table_.begin_registration(fd, w, w.owner, always_told);
        w.trigger.change(true);
        w.ready = 0; // the kernel will say
        has_levels_ = true;
        if (const int r = set_.modify(fd, always_told, token); r < 0)
            lose(fd, w, r, end_all);
    }

    template <class End>
    void tell_by_edges(int fd, watched& w, End end_all) noexcept {
        const std::uint64_t token = table_.begin_registration(fd, w, w.owner, w.told);
        if (const int r = set_.modify(fd, w.told | EPOLLET, token); r < 0)
            lose(fd, w, r, end_all);
    }

    /// Who waits there is told of nothing any more; for a file without events nobody does.
    template <class End>
    void lose(int fd, watched& w, int error, End end_all) noexcept {
        end_all(w, error == -EPERM || error == -ENOENT ? -EBADF : error);
        table_.forget(fd);
    }

    epoll_set& set_;
    readiness_table& table_;
    watches& watches_;
    bool is_shared_ = false;
    bool has_levels_ = false;
    bool saw_stray_ = false;
    unsigned strays_ = 0; // waits
};

} // namespace aura::core::epoll

// watches: descriptors that end a wait when they are readable, once each.
#pragma once

#include "auraio/core/base/engine_error.hpp"
#include "epoll_set.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace aura::core::epoll {

/// The sets of shards that nobody drives, in that of one which looks after them; see backend::watch().
class watches {
public:
    explicit watches(epoll_set& set) noexcept
        : set_(set) {}

    void add(int fd, unsigned key) {
        if (key >= entries_.size())
            entries_.resize(key + 1);
        entry& w = entries_[key];
        w = {fd, static_cast<std::uint16_t>(w.number + 1), true};
        int r = set_.add(fd, once, token(key));
        if (r == -EEXIST)
            r = set_.modify(fd, once, token(key));
        if (r < 0)
            throw engine_error(-r, std::string("auraio: epoll_ctl: ") + std::strerror(-r));
    }

    void remove(unsigned key) noexcept {
        if (!has_fired(key))
            end(entries_[key]);
    }

    bool has_fired(unsigned key) const noexcept { return key >= entries_.size() || !entries_[key].armed; }

    /// Whether an event is of a watch, or was.
    static bool is_token(std::uint64_t token) noexcept { return static_cast<std::uint32_t>(token) == mark; }

    void fired(std::uint64_t token_of_event) noexcept {
        const auto key = static_cast<unsigned>(token_of_event >> 32 & 0xffff);
        if (key < entries_.size() && token_of_event == token(key))
            end(entries_[key]);
    }

    /// The set is another one.
    void add_again() noexcept {
        for (unsigned key = 0; key < entries_.size(); ++key)
            if (entries_[key].armed && set_.add(entries_[key].fd, once, token(key)) < 0)
                entries_[key].armed = false; // who asks finds that it has fired, and looks
    }

    void clear() noexcept { entries_.clear(); }

private:
    struct entry {
        int fd = -1;
        std::uint16_t number = 0; // of the watch: an event of an earlier one says nothing
        bool armed = false;
    };

    static constexpr std::uint32_t once = EPOLLIN | EPOLLONESHOT;
    static constexpr std::uint32_t mark = 0xfffffffe; // no number of a file, and not that of the eventfd
    std::uint64_t token(unsigned key) const noexcept {
        return mark | std::uint64_t{key} << 32 | std::uint64_t{entries_[key].number} << 48;
    }

    /// The set that was watched may come to watch this one, which the kernel allows in one direction only.
    void end(entry& w) noexcept {
        w.armed = false;
        set_.remove(w.fd);
    }

    epoll_set& set_;
    std::vector<entry> entries_; // by key
};

} // namespace aura::core::epoll

// file_witness: an epoll set that is asked, and never waited for.
#include "core/io/file_witness.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>

namespace aura::core {

/// 0, EEXIST, or another error.
int file_witness::add(int number) noexcept {
    epoll_event none{};
    return ::epoll_ctl(set_, EPOLL_CTL_ADD, number, &none) == 0 ? 0 : errno;
}

std::uint64_t file_witness::look(int number) {
    const auto place = numbers_.try_emplace(number).first;
    entry& e = place->second;
    if (set_ < 0)
        set_ = ::epoll_create1(EPOLL_CLOEXEC);
    const int error = set_ < 0 ? errno : add(number);
    // A file that outlives its number in the set, by a duplicate, has no entry: it is as good as new.
    if (error == 0 || (error == EEXIST && e.name == 0))
        e.name = ++names_;
    if (error == 0 || error == EEXIST)
        return e.name;
    if (e.holders == 0)
        erase(place);
    return 0;
}

void file_witness::drop(int number) noexcept {
    const auto place = numbers_.find(number);
    if (--place->second.holders == 0)
        erase(place);
}

void file_witness::erase(std::map<int, entry>::iterator place) noexcept {
    epoll_event none{};
    if (set_ >= 0) // fails where the number has been closed meanwhile
        ::epoll_ctl(set_, EPOLL_CTL_DEL, place->first, &none);
    numbers_.erase(place);
    if (numbers_.empty() && set_ >= 0) {
        ::close(set_);
        set_ = -1;
    }
}

void file_witness::renew() noexcept {
    if (set_ < 0)
        return;
    ::close(set_);
    set_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (set_ < 0)
        return;
    for (const auto& [number, e] : numbers_)
        (void)add(number); // as Asio does in the child, whatever the number means now
}

} // namespace aura::core

// file_table: numbers made by fcntl(2).
#include "file_table.hpp"

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <new>
#include <unistd.h>

namespace aura::core::epoll {

int file_table::set(std::span<const int> fds) noexcept {
    try {
        numbers_.assign(fds.size(), -1);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    const int result = update(0, fds);
    if (result < 0)
        clear();
    return result;
}

int file_table::update(unsigned first, std::span<const int> fds) noexcept {
    if (first + fds.size() > numbers_.size())
        return -EINVAL;
    try {
        replaced_.reserve(replaced_.size() + fds.size());
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    for (std::size_t i = 0; i < fds.size(); ++i) {
        const int copy = fds[i] >= 0 ? ::fcntl(fds[i], F_DUPFD_CLOEXEC, 0) : -1;
        if (copy < 0 && fds[i] >= 0)
            return -errno;
        int& place = numbers_[first + i];
        if (place >= 0)
            replaced_.push_back(place);
        place = copy;
    }
    return 0;
}

void file_table::clear() noexcept {
    for (std::vector<int>* const all : {&numbers_, &replaced_}) {
        for (const int number : *all)
            if (number >= 0)
                ::close(number);
        all->clear();
    }
}

} // namespace aura::core::epoll

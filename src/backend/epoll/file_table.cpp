// file_table: numbers made by fcntl(2).
#include "file_table.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <new>
#include <unistd.h>

namespace aura::core::epoll {

file_table::~file_table() {
    clear();
    for (int number; (number = take_unused()) >= 0;)
        ::close(number);
}

int file_table::set(std::span<const int> fds) noexcept {
    try {
        numbers_.assign(fds.size(), -1);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    const int result = update(0, fds);
    if (result < 0)
        retire_all();
    return result;
}

int file_table::update(unsigned first, std::span<const int> fds) noexcept {
    if (first + fds.size() > numbers_.size())
        return -EINVAL;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        const int copy = fds[i] >= 0 ? ::fcntl(fds[i], F_DUPFD_CLOEXEC, 0) : -1;
        if (copy < 0 && fds[i] >= 0)
            return -errno;
        if (const int error = know(copy); error < 0) {
            ::close(copy);
            return error;
        }
        int& place = numbers_[first + i];
        retire(place);
        place = copy;
        if (copy >= 0)
            uses_[static_cast<std::size_t>(copy)].in_table = true;
    }
    return 0;
}

void file_table::clear() noexcept {
    retire_all();
    unsettled_ = false;
}

void file_table::retire_all() noexcept {
    for (const int number : numbers_)
        retire(number);
    numbers_.clear();
}

/// Makes room, so that nothing that comes later needs any.
int file_table::know(int number) noexcept {
    if (number < 0 || static_cast<std::size_t>(number) < uses_.size())
        return 0;
    try {
        const std::size_t size = std::max(static_cast<std::size_t>(number) + 1, 2 * uses_.size());
        unused_.reserve(size);
        uses_.resize(size);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return 0;
}

void file_table::retire(int number) noexcept {
    if (number < 0)
        return;
    use& u = uses_[static_cast<std::size_t>(number)];
    u.in_table = false;
    list_if_unused(number, u);
}

void file_table::list_if_unused(int number, use& u) noexcept {
    if (u.operations != 0 || u.in_table || u.listed)
        return;
    u.listed = true;
    unused_.push_back(number);
}

void file_table::name(io_operation& op) noexcept {
    if ((op.request().registered & registered_file) != 0)
        op.name_file(number(op.request().fd));
    enter(op.request().fd);
}

void file_table::leave(op_queue& done) noexcept {
    for (std::uint32_t left = done.size(); left != 0; --left) {
        auto& op = static_cast<io_operation&>(*done.pop());
        if ((op.request().registered & named_by_backend) != 0) {
            leave(op.request().fd);
            unsettled_ |= op.result() <= 0 || !op.is_plain(); // else it is at its end: see io_path::finish()
        }
        done.push(op);
    }
}

/// What came along through a fork names a number of the table that its parent had, which is ours, too: it is
/// closed when nobody names it. Without memory to know it, it stays open.
void file_table::enter(int number) noexcept {
    if (number < 0 || know(number) < 0)
        return;
    ++uses_[static_cast<std::size_t>(number)].operations;
    ++operations_;
}

void file_table::leave(int number) noexcept {
    if (number < 0 || static_cast<std::size_t>(number) >= uses_.size())
        return;
    use& u = uses_[static_cast<std::size_t>(number)];
    if (u.operations == 0)
        return;
    --u.operations;
    --operations_;
    list_if_unused(number, u);
}

int file_table::find_unused() noexcept {
    while (!unused_.empty()) {
        const int number = unused_.back();
        unused_.pop_back();
        use& u = uses_[static_cast<std::size_t>(number)];
        u.listed = false;
        if (u.operations == 0 && !u.in_table)
            return number;
    }
    return -1;
}

void file_table::abandon() noexcept {
    for (int& number : numbers_)
        if (number >= 0 && uses_[static_cast<std::size_t>(number)].operations != 0)
            number = -1;
    clear();
    operations_ = 0;
}

} // namespace aura::core::epoll

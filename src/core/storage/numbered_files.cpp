// numbered_files: looking at what a number means now.
#include "core/storage/numbered_files.hpp"

#include "core/io/file_kind.hpp"

#include <new>

namespace aura::core {

numbered_files::answer numbered_files::look(int fd, nanoseconds_t now) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (fd < 0)
        return {nullptr, false};
    const bool elsewhere = kind_of_file(fd) != file_kind::prompt;
    if (index >= most_numbers)
        return {nullptr, elsewhere};
    try {
        if (index >= numbers_.size())
            numbers_.resize(index + 1);
        number& n = numbers_[index];
        n.look_again = ((now + trusted) & ~blocks) | (elsewhere ? blocks : 0);
        storage_device* device = storage_device::of_file(fd);
        if (!device)
            n.file = nullptr;
        else if (!n.file || &n.file->device() != device)
            n.file = &line_of(fd, *device);
        return {n.file, elsewhere};
    } catch (const std::bad_alloc&) {
        return {nullptr, elsewhere}; // it goes without
    }
}

gated_file& numbered_files::line_of(int fd, storage_device& device) {
    for (line& l : lines_)
        if (l.fd == fd && &l.file.device() == &device)
            return l.file;
    return lines_.emplace_front(fd, loose_, device).file;
}

} // namespace aura::core

// numbered_files: looking at what a number means now.
#include "auraio/core/numbered_files.hpp"

#include <new>

namespace aura::core {

gated_file* numbered_files::look(int fd, nanoseconds_t now) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (fd < 0 || index >= most_numbers)
        return nullptr;
    try {
        if (index >= numbers_.size())
            numbers_.resize(index + 1);
        number& n = numbers_[index];
        n.look_again = now + trusted;
        storage_device* device = storage_device::of_file(fd);
        if (!device)
            n.file = nullptr;
        else if (!n.file || &n.file->device() != device)
            n.file = &line_of(fd, *device);
        return n.file;
    } catch (const std::bad_alloc&) {
        return nullptr; // it goes without
    }
}

gated_file& numbered_files::line_of(int fd, storage_device& device) {
    for (line& l : lines_)
        if (l.fd == fd && &l.file.device() == &device)
            return l.file;
    return lines_.emplace_front(fd, loose_, device).file;
}

} // namespace aura::core

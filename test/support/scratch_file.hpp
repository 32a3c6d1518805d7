// scratch_file: a file with known contents that disappears with its object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace test {

/// Made in the current directory, which in a build tree is on a real file system (where O_DIRECT works).
class scratch_file {
public:
    explicit scratch_file(std::size_t size = 0) {
        char name[] = "./auraio-test-XXXXXX";
        const int fd = ::mkstemp(name);
        if (fd < 0)
            throw std::runtime_error("scratch_file: mkstemp");
        path_ = name;
        std::vector<unsigned char> chunk(size < 65536 ? size : 65536);
        for (std::size_t at = 0; at < size;) {
            const std::size_t n = size - at < chunk.size() ? size - at : chunk.size();
            for (std::size_t i = 0; i < n; ++i)
                chunk[i] = byte_at(at + i);
            if (::pwrite(fd, chunk.data(), n, static_cast<off_t>(at)) != static_cast<ssize_t>(n))
                throw std::runtime_error("scratch_file: write");
            at += n;
        }
        ::fsync(fd);
        ::close(fd);
    }
    scratch_file(const scratch_file&) = delete;
    ~scratch_file() { ::unlink(path_.c_str()); }

    const std::string& path() const { return path_; }

    /// Every position has its own value, so that a read of the wrong place shows.
    static unsigned char byte_at(std::uint64_t offset) {
        return static_cast<unsigned char>((offset * 0x9e3779b97f4a7c15u) >> 56);
    }
    static bool matches(const void* data, std::size_t size, std::uint64_t offset) {
        const auto* bytes = static_cast<const unsigned char*>(data);
        for (std::size_t i = 0; i < size; ++i)
            if (bytes[i] != byte_at(offset + i))
                return false;
        return true;
    }

private:
    std::string path_;
};

/// Memory aligned for direct I/O.
class aligned_buffer {
public:
    explicit aligned_buffer(std::size_t size)
        : size_(size)
        , data_(std::aligned_alloc(4096, size)) {}
    aligned_buffer(aligned_buffer&& other) noexcept
        : size_(other.size_)
        , data_(other.data_) {
        other.data_ = nullptr;
    }
    aligned_buffer(const aligned_buffer&) = delete;
    ~aligned_buffer() { std::free(data_); }
    void* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    std::size_t size_;
    void* data_;
};

} // namespace test

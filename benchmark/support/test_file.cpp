#include "test_file.hpp"

#include "failure.hpp"
#include "random.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace benchmark {
namespace {

constexpr std::size_t chunk_size = std::size_t{1} << 20;
constexpr int warm_attempts = 5;

void fill(std::vector<std::uint64_t>& chunk, std::uint64_t offset, random_sequence& random) {
    constexpr std::size_t words_per_block = block_size / sizeof(std::uint64_t);
    for (std::size_t word = 0; word < chunk.size(); ++word)
        chunk[word] = word % words_per_block == 0 ? offset + word * sizeof(std::uint64_t) : random.next();
}

void write_all(int fd, const void* data, std::size_t size, std::uint64_t offset) {
    const auto written = ::pwrite(fd, data, size, static_cast<off_t>(offset));
    if (written < 0)
        fail("pwrite", errno);
    if (static_cast<std::size_t>(written) != size)
        fail("pwrite: the disk is full");
}

void read_all(int fd, std::uint64_t span) {
    std::vector<char> chunk(chunk_size);
    for (std::uint64_t offset = 0; offset < span;) {
        const auto read = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(offset));
        if (read < 0)
            fail("pread", errno);
        if (read == 0)
            fail("pread: the file is shorter than it should be");
        offset += static_cast<std::uint64_t>(read);
    }
}

// Share of the first `size` bytes that is in the page cache, in percent.
double cached_percent(int fd, std::size_t size) {
    void* const mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED)
        fail("mmap", errno);
    std::vector<unsigned char> pages((size + block_size - 1) / block_size);
    if (::mincore(mapping, size, pages.data()) != 0)
        fail("mincore", errno);
    ::munmap(mapping, size);
    const auto cached =
        std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return page & 1; });
    return 100.0 * static_cast<double>(cached) / static_cast<double>(pages.size());
}

int open_or_fail(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0) {
        const int error = errno;
        if ((flags & O_DIRECT) != 0 && error == EINVAL)
            unsupported("this filesystem has no O_DIRECT");
        fail(path, error);
    }
    return fd;
}

} // namespace

void make_test_file(const std::string& path, std::uint64_t size) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        fail(path, errno);
    // Allocated in one piece first. Not every filesystem can; written it is in any case.
    if (::fallocate(fd, 0, 0, static_cast<off_t>(size)) != 0 && errno != EOPNOTSUPP)
        fail("fallocate", errno);
    random_sequence random;
    std::vector<std::uint64_t> chunk(chunk_size / sizeof(std::uint64_t));
    for (std::uint64_t offset = 0; offset < size; offset += chunk_size) {
        fill(chunk, offset, random);
        write_all(fd, chunk.data(), std::min<std::uint64_t>(chunk_size, size - offset), offset);
    }
    // Dirty pages would make O_DIRECT reads write first.
    if (::fsync(fd) != 0)
        fail("fsync", errno);
    ::close(fd);
}

int open_test_file(const std::string& path, bool direct, std::uint64_t span) {
    const int buffered = open_or_fail(path, O_RDONLY);
    if (!direct) {
        // More than once: the machine may reclaim pages meanwhile.
        for (int attempt = 0; cached_percent(buffered, span) < 100; ++attempt) {
            if (attempt == warm_attempts)
                fail("the file does not stay in the page cache");
            read_all(buffered, span);
        }
        return buffered;
    }
    if (const int error = ::posix_fadvise(buffered, 0, 0, POSIX_FADV_DONTNEED); error != 0)
        fail("posix_fadvise", error);
    if (cached_percent(buffered, span) > 0)
        fail("the file does not leave the page cache");
    ::close(buffered);
    return open_or_fail(path, O_RDONLY | O_DIRECT);
}

std::uint64_t test_file_size(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        fail(path, errno);
    if (status.st_size < static_cast<off_t>(block_size))
        fail(path + ": too small");
    return static_cast<std::uint64_t>(status.st_size);
}

} // namespace benchmark

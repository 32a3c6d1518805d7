// vector_block: several buffers in the form in which the kernel takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

namespace aura::core {

/// Iovecs, a message's header and an address, in memory of their own: an operation holds a pointer to them,
/// so that its size, which its owner may have provided for, does not depend on how many buffers it may have.
/// The kernel reads iovecs when a request is submitted, which may be late and more than once, and writes into
/// the header when it completes: the memory is held until then. It is recycled per thread.
class vector_block {
public:
    vector_block() = default;
    /// Room for that many iovecs, and for an address of that many bytes. The header is zero.
    explicit vector_block(std::size_t vectors, std::size_t name_size = 0)
        : memory_(take(vectors, name_size)) {}
    vector_block(vector_block&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)) {}
    vector_block& operator=(vector_block&& other) noexcept {
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~vector_block() { reset(); }

    explicit operator bool() const noexcept { return memory_ != nullptr; }
    void reset() noexcept {
        if (memory_)
            give_back(std::exchange(memory_, nullptr));
    }

    // Precondition: not empty.
    msghdr& header() const noexcept { return memory_->header; }
    iovec* vectors() const noexcept { return reinterpret_cast<iovec*>(memory_ + 1); }
    void* name() const noexcept { return vectors() + memory_->vectors; }
    /// A word for the operation's own use.
    void*& note() const noexcept { return memory_->note; }

private:
    struct layout {
        msghdr header;
        void* note;
        std::uint32_t vectors;
        std::uint32_t size_class;
    };
    static_assert(sizeof(layout) % alignof(iovec) == 0);

    static layout* take(std::size_t vectors, std::size_t name_size);
    static void give_back(layout* memory) noexcept;

    layout* memory_ = nullptr;
};

} // namespace aura::core

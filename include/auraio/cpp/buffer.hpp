// buffer: memory for operations of the C++ layer: of an engine's pool, registered, or the program's own.
#pragma once

#include "auraio/cpp/error.hpp"

#include <cstddef>
#include <span>
#include <utility>

namespace aura {

/**
 * Page-aligned memory of an engine's pool, given back when this is destroyed. Moving it moves no byte. Its contents
 * are undefined at first.
 *
 * It must not be destroyed while an operation uses it, and not after its engine; in any thread otherwise.
 */
class Buffer {
public:
    /// None: data() is null and size() 0.
    Buffer() noexcept = default;

    /// As Engine::allocate_buffer().
    Buffer(aura_engine_t* engine, std::size_t size)
        : engine_(engine)
        , data_(aura_buffer_alloc(engine, size))
        , size_(size) {
        if (!data_)
            cpp_detail::raise(errno, "allocate_buffer");
    }
    Buffer(Buffer&& other) noexcept
        : engine_(other.engine_)
        , data_(std::exchange(other.data_, nullptr))
        , size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        Buffer taken(std::move(other));
        std::swap(engine_, taken.engine_);
        std::swap(data_, taken.data_);
        std::swap(size_, taken.size_);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() {
        if (data_)
            aura_buffer_free(engine_, data_);
    }

    /// Aligned to 4096 bytes, as direct I/O wants it.
    void* data() const noexcept { return data_; }
    /// What was asked for, in bytes.
    std::size_t size() const noexcept { return size_; }
    std::span<std::byte> bytes() const noexcept { return {static_cast<std::byte*>(data_), size_}; }
    explicit operator bool() const noexcept { return data_ != nullptr; }

private:
    aura_engine_t* engine_ = nullptr;
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/**
 * Where data goes or comes from: memory by its address, or a place in a registered buffer. It owns nothing: the
 * memory must live, and stay where it is, until the operation's callback.
 */
class BufferRef {
public:
    /// Memory of the program, which a read writes to and a write only reads.
    BufferRef(const void* memory) noexcept // NOLINT: implicit, so that operations take memory as it is
        : buf_(aura_buf(memory)) {}
    BufferRef(const Buffer& buffer) noexcept // NOLINT: implicit
        : buf_(aura_buf(buffer.data())) {}
    BufferRef(aura_buf_t buf) noexcept // NOLINT: implicit
        : buf_(buf) {}
    /// It would be gone before the operation has begun.
    BufferRef(Buffer&&) = delete;

    /// `offset` bytes into buffer `index` of Engine::register_buffers().
    static BufferRef fixed(int index, std::size_t offset = 0) noexcept {
        return BufferRef(aura_buf_fixed(index, offset));
    }

    /// The same for C.
    aura_buf_t c_buf() const noexcept { return buf_; }

private:
    aura_buf_t buf_;
};

} // namespace aura

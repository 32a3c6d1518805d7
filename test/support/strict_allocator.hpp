// strict_allocator: an allocator that looks at what it is asked for: in rebind, at allocation, at the return.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <new>
#include <thread>
#include <type_traits>

namespace test {

/// What the allocators of one handler have given out. For one thread.
class strict_memory {
public:
    struct block {
        std::size_t count, size, alignment;
        friend bool operator==(const block&, const block&) = default;
    };

    ~strict_memory() { EXPECT_TRUE(blocks_.empty()) << "memory was not given back"; }

    void* allocate(const block& b) {
        check(b);
        void* p = ::operator new(b.count * b.size, std::align_val_t(b.alignment));
        blocks_.emplace(p, b);
        ++allocations_;
        return p;
    }
    void deallocate(void* p, const block& b) {
        check(b);
        const auto at = blocks_.find(p);
        ASSERT_NE(at, blocks_.end()) << "not memory of this allocator, or given back before";
        EXPECT_EQ(at->second, b) << "given back as another type than it was taken for";
        blocks_.erase(at);
        ::operator delete(p, std::align_val_t(b.alignment));
    }

    bool is_empty() const { return blocks_.empty(); }
    int allocations() const { return allocations_; }

private:
    void check(const block& b) const {
        EXPECT_EQ(thread_, std::this_thread::get_id());
        EXPECT_EQ(b.count, 1u);
        EXPECT_EQ(b.size % b.alignment, 0u);
    }

    std::thread::id thread_ = std::this_thread::get_id();
    std::map<void*, block> blocks_;
    int allocations_ = 0;
};

template <class T>
class strict_allocator {
    static constexpr std::size_t size_or_zero() {
        if constexpr (std::is_void_v<T>)
            return 0;
        else
            return sizeof(T);
    }

public:
    using value_type = T;

    /// As allocators of fixed blocks do: the size decides, so the type has to be complete.
    static constexpr std::size_t size = size_or_zero();
    template <class U>
    struct rebind {
        using other = strict_allocator<U>;
        static_assert(other::size < 65536);
    };

    explicit strict_allocator(strict_memory& m) noexcept
        : memory_(&m) {}
    template <class U>
    strict_allocator(const strict_allocator<U>& other) noexcept
        : memory_(&other.memory()) {}

    // Allocators need not be assignable, nor have a default.
    strict_allocator(const strict_allocator&) noexcept = default;
    strict_allocator& operator=(const strict_allocator&) = delete;

    T* allocate(std::size_t n) { return static_cast<T*>(memory_->allocate({n, sizeof(T), alignof(T)})); }
    void deallocate(T* p, std::size_t n) noexcept { memory_->deallocate(p, {n, sizeof(T), alignof(T)}); }

    strict_memory& memory() const noexcept { return *memory_; }

    template <class U>
    friend bool operator==(const strict_allocator& a, const strict_allocator<U>& b) noexcept {
        return &a.memory() == &b.memory();
    }
    template <class U>
    friend bool operator!=(const strict_allocator& a, const strict_allocator<U>& b) noexcept {
        return !(a == b);
    }

private:
    strict_memory* memory_;
};

} // namespace test

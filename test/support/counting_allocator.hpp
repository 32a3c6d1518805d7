// counting_allocator: an allocator that keeps a log, to see whose memory is used, how much of it, and when it
// is given back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace test {

struct allocation_log {
    int allocations = 0;
    int live = 0;
    std::size_t largest = 0; // in bytes, of one allocation
};

template <class T>
class counting_allocator {
public:
    using value_type = T;

    explicit counting_allocator(allocation_log& log) noexcept
        : log_(&log) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept
        : log_(&other.log()) {}

    T* allocate(std::size_t n) {
        T* p = std::allocator<T>().allocate(n);
        ++log_->allocations;
        ++log_->live;
        log_->largest = std::max(log_->largest, n * sizeof(T));
        return p;
    }
    void deallocate(T* p, std::size_t n) noexcept {
        --log_->live;
        std::allocator<T>().deallocate(p, n);
    }

    allocation_log& log() const noexcept { return *log_; }

    template <class U>
    friend bool operator==(const counting_allocator& a, const counting_allocator<U>& b) noexcept {
        return &a.log() == &b.log();
    }

private:
    allocation_log* log_;
};

/// Gives a function an associated allocator, for Asio before it had bind_allocator.
template <class Allocator, class Function>
class with_allocator {
public:
    using allocator_type = Allocator;

    with_allocator(const Allocator& allocator, Function function)
        : allocator_(allocator)
        , function_(std::move(function)) {}

    allocator_type get_allocator() const noexcept { return allocator_; }

    template <class... Arguments>
    void operator()(Arguments&&... arguments) {
        function_(std::forward<Arguments>(arguments)...);
    }

private:
    Allocator allocator_;
    Function function_;
};

template <class Function>
auto counted(allocation_log& log, Function function) {
    return with_allocator<counting_allocator<void>, Function>(counting_allocator<void>(log),
                                                              std::move(function));
}

} // namespace test

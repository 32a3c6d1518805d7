// operation: the unit of work every queue of the engine carries, and the FIFO that carries it.
#pragma once

#include <cassert>
#include <cstdint>

namespace aura::core {

/// What an operation is asked to do; see operation.
enum class action : std::uint8_t {
    complete, ///< Consume the operation and run its handler. May throw what the handler throws.
    destroy,  ///< Consume the operation without running its handler.
    arrive,   ///< A message reached the shard it was sent to (owning thread, not consumed by the caller).
    cancel,   ///< Its cancellation slot was signalled (owning thread); the operation stays pending.
};

/// Base of everything that waits in a queue: posted functions, I/O, timer waits, messages between shards.
///
/// Ownership contract: whoever takes an operation out of the engine calls exactly one of complete() or
/// destroy(), once, and does not touch it afterwards: both free it. A function pointer replaces a virtual
/// table: one indirect call, and the handler's type stays out of the compiled engine.
class operation {
public:
    using function = void (*)(operation&, action);

    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    void complete() { function_(*this, action::complete); }
    void destroy() { function_(*this, action::destroy); }
    void arrive() { function_(*this, action::arrive); }
    void cancel() { function_(*this, action::cancel); }

    /// What it is, by the address of its code: one for each type of operation. For who shows what is pending.
    const void* code() const noexcept { return reinterpret_cast<const void*>(function_); }

    /// True for an operation that, on arrival, has something to do besides becoming ready.
    bool is_message() const noexcept { return message_; }
    void set_message(bool value) noexcept { message_ = value; }

    /// True when the operation is counted in the engine's shared work count rather than in its shard's own:
    /// it was started by a thread that does not drive the shard. Set before it is handed over.
    bool counts_remotely() const noexcept { return counts_remotely_; }
    void set_counts_remotely(bool value) noexcept { counts_remotely_ = value; }

    /// Of an operation with a handler: whether whoever completes it calls the handler itself, there and then.
    /// Else it goes by way of an executor. Nothing to the engine; here because there is room.
    bool calls_directly() const noexcept { return (manner_ & direct) != 0; }
    void set_calls_directly(bool value) noexcept {
        manner_ = static_cast<std::uint8_t>((manner_ & ~direct) | (value ? direct : 0));
    }

    /// Whether the ring may be driven by another thread while complete() runs, because that has nothing to do
    /// with the ring and its handler was promised no strand of it: see takeover.
    bool leaves() const noexcept { return (manner_ & leaving) != 0; }
    void set_leaves(bool value) noexcept {
        manner_ =
            static_cast<std::uint8_t>((manner_ & ~(leaving | leaving_by_itself)) | (value ? leaving : 0));
    }

    /// The same of one whose complete() sees to that itself, around what it calls.
    bool leaves_by_itself() const noexcept { return (manner_ & leaving_by_itself) != 0; }
    void set_leaves_by_itself() noexcept { manner_ |= leaving_by_itself; }

    /// Of one that leaves, either way: its handler is expected to take long, so the ring is better given to another
    /// thread before it is called than taken away in the middle of it: see driver::give_up_before(). How sure that is,
    /// 0 to 14, or of_slow_kind, which says nothing of what it starts; 0: it is not expected.
    static constexpr unsigned of_slow_kind = 15;
    unsigned expected_long() const noexcept { return manner_ >> expectation; }
    void expect_long(unsigned how_sure) noexcept {
        manner_ =
            static_cast<std::uint8_t>((manner_ & ((1U << expectation) - 1)) | (how_sure << expectation));
    }

    /// Both.
    void set_manner(bool calls_directly, bool leaves) noexcept {
        manner_ = static_cast<std::uint8_t>((calls_directly ? direct : 0) | (leaves ? leaving : 0));
    }

protected:
    explicit operation(function f) noexcept
        : function_(f) {}
    ~operation() = default; // concrete types only: nobody deletes through the base

private:
    enum : std::uint8_t { direct = 1, leaving = 2, leaving_by_itself = 4 };
    static constexpr unsigned expectation = 4; // from this bit on

    friend class op_queue;
    friend class inbox;

    operation* next_ = nullptr;
    function function_;
    bool message_ : 1 = false;
    bool counts_remotely_ : 1 = false;
    std::uint8_t manner_ = 0;
};

/// Intrusive FIFO of operations. Not thread-safe. What it still holds when it dies is destroyed.
class op_queue {
public:
    op_queue() = default;
    op_queue(op_queue&& other) noexcept
        : head_(other.head_)
        , tail_(other.tail_)
        , size_(other.size_) {
        other.forget();
    }
    op_queue& operator=(op_queue&&) = delete;
    ~op_queue() { destroy_all(); }

    bool empty() const noexcept { return head_ == nullptr; }
    std::uint32_t size() const noexcept { return size_; }
    operation* front() const noexcept { return head_; }

    template <class Function>
    void for_each(Function f) noexcept {
        for (operation* it = head_; it; it = it->next_)
            f(*it);
    }

    void push(operation& op) noexcept {
        op.next_ = nullptr;
        if (tail_)
            tail_->next_ = &op;
        else
            head_ = &op;
        tail_ = &op;
        ++size_;
    }

    /// Appends all of `other`, which becomes empty.
    void splice(op_queue& other) noexcept {
        if (other.empty())
            return;
        if (tail_)
            tail_->next_ = other.head_;
        else
            head_ = other.head_;
        tail_ = other.tail_;
        size_ += other.size_;
        other.forget();
    }

    /// Takes the oldest operation; null when empty.
    operation* pop() noexcept {
        operation* op = head_;
        if (!op)
            return nullptr;
        head_ = op->next_;
        if (!head_)
            tail_ = nullptr;
        --size_;
        op->next_ = nullptr;
        return op;
    }

    /// Unlinks `op` wherever it stands. O(n): for short queues (the waits of one timer). False if not found.
    bool remove(operation& op) noexcept {
        operation* previous = nullptr;
        for (operation* it = head_; it; previous = it, it = it->next_) {
            if (it != &op)
                continue;
            (previous ? previous->next_ : head_) = op.next_;
            if (tail_ == &op)
                tail_ = previous;
            op.next_ = nullptr;
            --size_;
            return true;
        }
        return false;
    }

    void destroy_all() {
        while (operation* op = pop())
            op->destroy();
    }

private:
    void forget() noexcept {
        head_ = tail_ = nullptr;
        size_ = 0;
    }

    operation* head_ = nullptr;
    operation* tail_ = nullptr;
    std::uint32_t size_ = 0;
};

} // namespace aura::core

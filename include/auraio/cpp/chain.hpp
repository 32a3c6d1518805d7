// chain: operations of the C++ layer that run one after the other.
#pragma once

#include "auraio/cpp/awaitable.hpp"
#include "auraio/cpp/buffer.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace aura {

/// A chain to be awaited: what Chain::submit_async() makes. Awaited where it stands.
class [[nodiscard]] AwaitableChain {
public:
    /// Made by Chain::submit_async().
    AwaitableChain(aura_engine_t* engine, std::vector<aura_op_t> operations) noexcept
        : engine_(engine)
        , operations_(std::move(operations)) {}
    AwaitableChain(const AwaitableChain&) = delete;
    AwaitableChain& operator=(const AwaitableChain&) = delete;

    /// Never: it begins when it is awaited.
    bool await_ready() const noexcept { return false; }
    /// Starts the chain; false when that failed.
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> caller) noexcept { // see Awaitable
        caller_ = caller;
        left_ = operations_.size();
        for (aura_op_t& op : operations_) {
            op.callback = &ended;
            op.user_data = this;
        }
        if (aura_submit_linked(engine_, operations_.data(), operations_.size(), nullptr))
            return true;
        failure_ = -errno;
        return false;
    }
    /// The last operation's result, or an exception for the first that failed.
    ssize_t await_resume() const {
        return cpp_detail::outcome<true>(failure_ != 0 ? failure_ : result_, "chain");
    }

private:
    // Callbacks of one chain run one after the other, in its order.
    static void ended(aura_request_t*, ssize_t result, void* data) noexcept {
        auto* const self = static_cast<AwaitableChain*>(data);
        if (result < 0 && self->failure_ == 0)
            self->failure_ = result;
        self->result_ = result;
        if (--self->left_ == 0)
            cpp_detail::resume(self->caller_);
    }

    aura_engine_t* const engine_;
    std::vector<aura_op_t> operations_;
    std::coroutine_handle<> caller_;
    std::size_t left_ = 0;
    ssize_t failure_ = 0; // of the first that failed
    ssize_t result_ = 0;
};

/**
 * Operations to be started together, each beginning when the one before has succeeded and moved all its bytes:
 *
 *     engine.link().write(fd, data, size, 0).fsync(fd, [](ssize_t result) { ... }).submit();
 *     co_await engine.link().write(fd, data, size, 0).fsync(fd).submit_async();
 *
 * When one fails, is cancelled or moves fewer bytes, those after it end with -ECANCELED and have done nothing.
 * Described by one thread; the rules of FileOperations hold for what is passed. A chain that is not submitted does
 * nothing.
 */
class Chain {
public:
    /// An empty chain; Engine::link() makes one.
    explicit Chain(aura_engine_t* engine) noexcept
        : engine_(engine) {}
    /// Takes over what `other` describes, which is empty afterwards.
    Chain(Chain&& other) noexcept
        : engine_(other.engine_)
        , operations_(std::exchange(other.operations_, {}))
        , drops_(std::exchange(other.drops_, {})) {}
    Chain& operator=(Chain&&) = delete;
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    /// Drops what was not submitted.
    ~Chain() { drop(); }

    /// Adds an operation at the end: what Engine's function of the same name would start.
    template <Callback F = std::nullptr_t>
    Chain& read(int fd, BufferRef buf, std::size_t len, off_t offset, F&& callback = nullptr) {
        return add(aura_op_read(fd, buf.c_buf(), len, offset, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& write(int fd, BufferRef buf, std::size_t len, off_t offset, F&& callback = nullptr) {
        return add(aura_op_write(fd, buf.c_buf(), len, offset, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& readv(int fd, const iovec* buffers, int count, off_t offset, F&& callback = nullptr) {
        return add(aura_op_readv(fd, buffers, count, offset, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& writev(int fd, const iovec* buffers, int count, off_t offset, F&& callback = nullptr) {
        return add(aura_op_writev(fd, buffers, count, offset, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& fsync(int fd, F&& callback = nullptr) {
        return add(aura_op_fsync(fd, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& fdatasync(int fd, F&& callback = nullptr) {
        return add(aura_op_fdatasync(fd, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& ftruncate(int fd, off_t length, F&& callback = nullptr) {
        return add(aura_op_ftruncate(fd, length, nullptr, nullptr), std::forward<F>(callback));
    }
    template <Callback F = std::nullptr_t>
    Chain& close(int fd, F&& callback = nullptr) {
        return add(aura_op_close(fd, nullptr, nullptr), std::forward<F>(callback));
    }

    /**
     * Starts all of them, or none; afterwards the chain is empty, and may be used again.
     * \return One request for each, in their order; each can be cancelled alone.
     * \throw Error as for each operation; EINVAL for an empty chain. No callback is called then.
     */
    std::vector<Request> submit() {
        std::vector<aura_request_t*> handles(operations_.size());
        std::vector<Request> requests;
        requests.reserve(handles.size());
        if (!aura_submit_linked(engine_, operations_.data(), operations_.size(), handles.data())) {
            const int error = errno;
            drop();
            cpp_detail::raise(error, "chain");
        }
        for (aura_request_t* handle : handles)
            requests.emplace_back(engine_, handle);
        operations_.clear();
        drops_.clear();
        return requests;
    }

    /**
     * The same, to be awaited: the result is the last one's; the failure of the first one that failed is thrown,
     * ECANCELED where it was a short transfer. No operation may have a callback (Error EINVAL).
     */
    AwaitableChain submit_async() {
        for (const aura_op_t& op : operations_)
            if (op.callback)
                cpp_detail::raise(EINVAL, "chain");
        drops_.clear();
        return {engine_, std::exchange(operations_, {})};
    }

private:
    using drop_function = void (*)(void* callable) noexcept;

    template <class F>
    Chain& add(aura_op_t op, F&& callback) {
        using Callable = std::decay_t<F>;
        static_assert(!cpp_detail::is_stopped_by<Callable>,
                      "in a chain cancel by the requests that submit() returns");
        operations_.reserve(operations_.size() + 1);
        drops_.reserve(drops_.size() + 1);
        drop_function drops = nullptr;
        if constexpr (!std::is_null_pointer_v<Callable>) {
            using Kept = cpp_detail::kept_callable<Callable>;
            op.user_data = Kept::keep(engine_, std::forward<F>(callback), "chain");
            op.callback = &cpp_detail::on_end<Callable>;
            drops = &Kept::drop;
        }
        operations_.push_back(op);
        drops_.push_back(drops);
        return *this;
    }
    /// What was described and not started.
    void drop() noexcept {
        for (std::size_t i = 0; i < operations_.size(); ++i)
            if (drops_[i])
                drops_[i](operations_[i].user_data);
        operations_.clear();
        drops_.clear();
    }

    aura_engine_t* engine_;
    std::vector<aura_op_t> operations_;
    std::vector<drop_function> drops_; // beside them: how each one's callable is destroyed, null for none
};

} // namespace aura

// request: a started operation of the C++ layer.
#pragma once

#include "auraio/cpp/error.hpp"

namespace aura {

/**
 * A started operation. A number that is never given to another one: copy and keep it freely; when the operation has
 * ended, also when its engine is gone, what is asked of it is harmless. Any thread may use one.
 */
class Request {
public:
    /// None: never pending.
    Request() noexcept = default;
    Request(aura_engine_t* engine, aura_request_t* handle) noexcept
        : engine_(engine)
        , handle_(handle) {}

    /**
     * Asks for the operation to end early. Its callback comes all the same, with -ECANCELED or the result that came
     * first, and until then its memory is the kernel's. The engine must live, unless the operation has ended.
     * \return Whether it could still be asked for: false when it has ended, or its callback has begun.
     * \throw Error ENOMEM, which is possible only when the same operation is cancelled twice in a row.
     */
    bool cancel() const {
        if (!pending())
            return false;
        const int result = aura_cancel(engine_, handle_);
        if (result == 0 || result == -ENOENT)
            return result == 0;
        cpp_detail::raise(-result, "cancel");
    }

    /// Whether its callback has not begun yet.
    bool pending() const noexcept { return aura_request_pending(handle_); }
    /// Its descriptor, or -1: see aura_request_fd().
    int fd() const noexcept { return aura_request_fd(handle_); }
    /// An aura_op_type_t; -1 after its callback has returned.
    int op_type() const noexcept { return aura_request_op_type(handle_); }
    /// The same for C.
    aura_request_t* handle() const noexcept { return handle_; }

    /// Whether both name one operation.
    friend bool operator==(const Request& a, const Request& b) noexcept { return a.handle_ == b.handle_; }

private:
    aura_engine_t* engine_ = nullptr; // null for the one a callback is given: it cannot be cancelled any more
    aura_request_t* handle_ = nullptr;
};

} // namespace aura

// descriptions: the operations of the C library as values, to be started with a callback or awaited.
#pragma once

#include "auraio/cpp/awaitable.hpp"
#include "auraio/cpp/buffer.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace aura::cpp_detail {

/// An engine's C engine, for the classes that Engine is made of; and what all of their functions do.
class engine_handle {
public:
    /**
     * The C engine, for everything that is not here. It is the Engine's: aura_destroy() must not be called. Callbacks
     * that aura_poll() and its like run themselves must not throw. Null when the Engine was moved from.
     */
    aura_engine_t* handle() const noexcept { return handle_; }

protected:
    engine_handle() noexcept = default;
    ~engine_handle() = default;

    template <class Start, class F>
    Request begin(const char* what, const Start& start, F&& callback) const {
        return cpp_detail::begin(handle_, what, start, std::forward<F>(callback));
    }
    template <class Start>
    Awaitable<Start> awaited(const char* what, Start start) const {
        return {handle_, what, std::move(start)};
    }

    aura_engine_t* handle_ = nullptr;
};

/// One function each, which gives a callable (engine, callback, user_data) that starts the operation.
namespace describe {

using engine_t = aura_engine_t;
using callback_t = aura_callback_t;

inline auto read(int fd, BufferRef buf, std::size_t len, off_t offset) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_read(e, fd, buf.c_buf(), len, offset, callback, data);
    };
}
inline auto write(int fd, BufferRef buf, std::size_t len, off_t offset) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_write(e, fd, buf.c_buf(), len, offset, callback, data);
    };
}
inline auto readv(int fd, const iovec* buffers, int count, off_t offset) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_readv(e, fd, buffers, count, offset, callback, data);
    };
}
inline auto writev(int fd, const iovec* buffers, int count, off_t offset) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_writev(e, fd, buffers, count, offset, callback, data);
    };
}
inline auto fsync(int fd) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_fsync(e, fd, callback, data);
    };
}
inline auto fdatasync(int fd) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_fdatasync(e, fd, callback, data);
    };
}
inline auto openat(int directory, const char* path, int flags, mode_t mode) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_openat(e, directory, path, flags, mode, callback, data);
    };
}
inline auto close(int fd) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_close(e, fd, callback, data);
    };
}
inline auto statx(int directory, const char* path, int flags, unsigned mask, struct statx* result) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_statx(e, directory, path, flags, mask, result, callback, data);
    };
}
inline auto renameat(int old_directory, const char* old_path, int new_directory, const char* new_path,
                     unsigned flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_renameat(e, old_directory, old_path, new_directory, new_path, flags, callback, data);
    };
}
inline auto unlinkat(int directory, const char* path, int flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_unlinkat(e, directory, path, flags, callback, data);
    };
}
inline auto mkdirat(int directory, const char* path, mode_t mode) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_mkdirat(e, directory, path, mode, callback, data);
    };
}
inline auto fallocate(int fd, int mode, off_t offset, off_t len) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_fallocate(e, fd, mode, offset, len, callback, data);
    };
}
inline auto ftruncate(int fd, off_t length) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_ftruncate(e, fd, length, callback, data);
    };
}
inline auto sync_file_range(int fd, off_t offset, off_t len, unsigned flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_sync_file_range(e, fd, offset, len, flags, callback, data);
    };
}

inline auto recv(int fd, void* memory, std::size_t len, int flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_recv(e, fd, memory, len, flags, callback, data);
    };
}
inline auto send(int fd, const void* memory, std::size_t len, int flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_send(e, fd, memory, len, flags, callback, data);
    };
}
inline auto recvmsg(int fd, msghdr* message, int flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_recvmsg(e, fd, message, flags, callback, data);
    };
}
inline auto sendmsg(int fd, const msghdr* message, int flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_sendmsg(e, fd, message, flags, callback, data);
    };
}
inline auto accept(int fd, sockaddr* address, socklen_t* address_len, int flags) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_accept(e, fd, address, address_len, flags, callback, data);
    };
}
inline auto connect(int fd, const sockaddr* address, socklen_t address_len) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_connect(e, fd, address, address_len, callback, data);
    };
}
inline auto ready(int fd, unsigned events) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_poll_fd(e, fd, events, callback, data);
    };
}
inline auto timeout(std::chrono::nanoseconds time) noexcept {
    const auto nanoseconds = static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_timeout(e, nanoseconds, callback, data);
    };
}

/// It has no handle: 0, or a negated errno.
inline auto unregister(aura_reg_type_t type) noexcept {
    return [=](engine_t* e, callback_t callback, void* data) noexcept {
        return aura_unregister_async(e, type, callback, data);
    };
}

} // namespace describe
} // namespace aura::cpp_detail

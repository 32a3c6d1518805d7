// error: from the engine's negated errno values to the error codes that reach handlers.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/loop/engine.hpp"
#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(error.hpp)

#include <cerrno>
#include <string>

AURAIO_OPEN
namespace detail {

/// The category of Asio's own errno enumerators, so that results compare equal to net::error::bad_descriptor
/// & co. In older Asio it is not std::system_category().
inline const error_category& system_category() {
    return net::error::get_system_category();
}

/// Negated errno, or anything >= 0 for success. ECANCELED is Asio's operation_aborted; all else is the real
/// errno.
inline error_code to_error_code(int result) noexcept {
    if (result >= 0)
        return {};
    if (result == -ECANCELED)
        return net::error::operation_aborted;
    return error_code(-result, system_category());
}

/// What synchronous functions with an error_code return: it, or nothing where Asio's return nothing
/// (ASIO_NO_DEPRECATED), as generic code that returns their result to somebody else needs.
#if defined(AURAIO_HAS_DEPRECATED)
using sync_result = error_code;
inline error_code sync_return(const error_code& ec) noexcept {
    return ec;
}
#else
using sync_result = void;
inline void sync_return(const error_code&) noexcept {}
#endif

inline void throw_if(const error_code& ec, const char* where) {
    if (ec)
        throw system_error(ec, where);
}

[[noreturn]] inline void rethrow(const core::engine_error& e) {
    throw system_error(error_code(e.error(), system_category()), e.what());
}

/// Direct I/O that the kernel refused for its alignment. The value of such a code is memory alignment * 65536
/// + offset alignment, in bytes, 0 where the file system does not say; its message names both.
class direct_alignment_category_type final : public error_category {
public:
    const char* name() const noexcept override { return "auraio.direct_alignment"; }

    std::string message(int value) const override {
        const auto memory = static_cast<unsigned>(value) >> 16;
        const auto offset = static_cast<unsigned>(value) & 0xffff;
        if (memory == 0 || offset == 0)
            return "direct I/O refused: buffer address, length and offset must be multiples of the device's "
                   "logical block size, usually 512 or 4096 bytes";
        return "direct I/O refused: the buffer's address must be a multiple of " + std::to_string(memory) +
               " bytes, length and offset of " + std::to_string(offset);
    }

    error_condition default_error_condition(int) const noexcept override {
        return error_condition(EINVAL, generic_category());
    }
};

} // namespace detail

/// The category of errors that say which alignment direct I/O needs. They compare equal to
/// errc::invalid_argument, which is what the kernel said.
inline const error_category& direct_alignment_category() noexcept {
    static const detail::direct_alignment_category_type category;
    return category;
}

AURAIO_CLOSE

#endif

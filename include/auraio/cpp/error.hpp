// error: what the C++ layer over the C library throws.
#pragma once

#include <auraio/aura.h>

#include <cerrno>
#include <system_error>

namespace aura {

/**
 * What a function of `Engine` throws when the C function under it fails, and an awaited operation when its result is
 * negative. `code()` has the errno value in std::generic_category(), so that it compares with std::errc; what() begins
 * with the name of the operation.
 */
class Error : public std::system_error {
public:
    /// `error`: an errno value.
    Error(int error, const char* what)
        : std::system_error(error, std::generic_category(), what) {}

    /// Whether the operation was cancelled (ECANCELED).
    bool cancelled() const noexcept { return code().value() == ECANCELED; }
};

/// What the layer is made of: no part of its interface. (`aura::detail` is the Asio layer's.)
namespace cpp_detail {

[[noreturn]] inline void raise(int error, const char* what) {
    throw Error(error, what);
}

/// A result that is not negative.
inline int checked(int result, const char* what) {
    if (result < 0) [[unlikely]]
        raise(-result, what);
    return result;
}

} // namespace cpp_detail
} // namespace aura

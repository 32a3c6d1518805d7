// engine_error: the exception of the engine, which knows no std::error_code.
#pragma once

#include <stdexcept>
#include <string>

namespace aura::core {

/// Thrown when the engine itself cannot go on: a ring cannot be created, or is driven against its promise.
class engine_error : public std::runtime_error {
public:
    engine_error(int error, const std::string& what)
        : std::runtime_error(what)
        , error_(error) {}
    int error() const noexcept { return error_; } ///< an errno value

private:
    int error_;
};

} // namespace aura::core

// code_name: what a function is called, by its address.
#pragma once

#include <map>
#include <string>

namespace aura::core {

/// Looks in the tables that the dynamic linker knows, and in the files that the code came from, whose symbols are
/// there unless they were stripped. Not in signal handlers.
class code_names {
public:
    /// As C++ spells it; without a symbol the file and the place in it, which addr2line(1) takes. Of an operation's
    /// code its type. Throws bad_alloc.
    const std::string& of(const void* code);

private:
    std::map<const void*, std::string> known_;
};

} // namespace aura::core

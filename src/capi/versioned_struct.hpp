// versioned_struct: structs of aura.h between a program and a library of another version: see "Structs" there.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace aura::capi {

/// A size that cannot be: nobody has set it, or the struct ends before its first field.
template <class Struct>
bool has_size(const Struct* s) noexcept {
    return s && s->struct_size > sizeof(std::size_t);
}

/// Reads what a program of any version has filled in. `all` comes as the struct's init function leaves it,
/// which is `unset` in each byte behind the size. 0, or EINVAL: no size, or something is asked for that this
/// version does not know.
template <class Struct>
int take(const Struct* given, Struct& all, unsigned char unset) noexcept {
    if (!has_size(given))
        return EINVAL;
    const std::size_t known = given->struct_size < sizeof all ? given->struct_size : sizeof all;
    const auto* bytes = reinterpret_cast<const unsigned char*>(given);
    for (std::size_t i = known; i < given->struct_size; ++i)
        if (bytes[i] != unset)
            return EINVAL;
    std::memcpy(&all, given, known);
    all.struct_size = sizeof all;
    return 0;
}

/// Hands `all` to the program, as far as the struct_size it has set says there is room. Returns 0.
template <class Struct>
int give(Struct* out, Struct all) noexcept {
    all.struct_size = out->struct_size < sizeof all ? out->struct_size : sizeof all;
    std::memcpy(out, &all, all.struct_size);
    return 0;
}

} // namespace aura::capi

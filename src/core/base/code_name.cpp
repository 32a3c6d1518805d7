// code_name: symbols of the running program, read from its files.
#include "core/base/code_name.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <memory>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aura::core {

namespace {

/// A file in memory, for reading.
class mapped_file {
public:
    explicit mapped_file(const char* path) noexcept {
        const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return;
        struct stat s{};
        if (::fstat(fd, &s) == 0 && s.st_size > 0) {
            void* const at =
                ::mmap(nullptr, static_cast<std::size_t>(s.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
            if (at != MAP_FAILED) {
                data_ = static_cast<const char*>(at);
                size_ = static_cast<std::size_t>(s.st_size);
            }
        }
        ::close(fd);
    }
    mapped_file(const mapped_file&) = delete;
    ~mapped_file() {
        if (data_)
            ::munmap(const_cast<char*>(data_), size_);
    }

    /// Null when they are not all in the file, or not where such things are.
    template <class T>
    const T* at(std::uint64_t offset, std::uint64_t count = 1) const noexcept {
        if (!data_ || offset > size_ || count > (size_ - offset) / sizeof(T) || offset % alignof(T) != 0)
            return nullptr;
        return reinterpret_cast<const T*>(data_ + offset);
    }
    std::string_view text(std::uint64_t offset) const noexcept {
        if (!data_ || offset >= size_)
            return {};
        return {data_ + offset, ::strnlen(data_ + offset, size_ - offset)};
    }

private:
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// The function that has the instruction at `address`, as linked, in the file's full table of symbols.
std::string symbol_in(const char* path, std::uintptr_t address) {
    const mapped_file file(path);
    const auto* const header = file.at<ElfW(Ehdr)>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return {};
    const auto* const sections = file.at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
    if (!sections)
        return {};
    for (unsigned i = 0; i < header->e_shnum; ++i) {
        const ElfW(Shdr)& table = sections[i];
        if (table.sh_type != SHT_SYMTAB || table.sh_link >= header->e_shnum)
            continue;
        const std::uint64_t count = table.sh_size / sizeof(ElfW(Sym));
        const auto* const symbols = file.at<ElfW(Sym)>(table.sh_offset, count);
        if (!symbols)
            return {};
        for (std::uint64_t n = 0; n < count; ++n) {
            const ElfW(Sym)& s = symbols[n];
            if ((s.st_info & 15) == STT_FUNC && address >= s.st_value && address - s.st_value < s.st_size)
                return std::string(file.text(sections[table.sh_link].sh_offset + s.st_name));
        }
    }
    return {};
}

std::string demangled(const std::string& symbol) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
    return status == 0 && text ? std::string(text.get()) : symbol;
}

std::string name_of(const void* code) {
    Dl_info object{};
    link_map* map = nullptr;
    if (::dladdr1(code, &object, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 || !map) {
        char text[32];
        (void)std::snprintf(text, sizeof text, "%p", code);
        return text;
    }
    if (object.dli_sname)
        return demangled(object.dli_sname);
    const auto linked = reinterpret_cast<std::uintptr_t>(code) - map->l_addr;
    const bool is_program = map->l_name[0] == '\0';
    if (const std::string symbol = symbol_in(is_program ? "/proc/self/exe" : map->l_name, linked);
        !symbol.empty())
        return demangled(symbol);
    char text[32];
    (void)std::snprintf(text, sizeof text, "+0x%zx", static_cast<std::size_t>(linked));
    return std::string(object.dli_fname ? object.dli_fname : "") + text;
}

} // namespace

const std::string& code_names::of(const void* code) {
    const auto [it, is_new] = known_.try_emplace(code);
    if (is_new) {
        it->second = name_of(code);
        // The code of an operation is a function of its type, which is what says something.
        constexpr std::string_view run = "::run(aura::core::operation&, aura::core::action)";
        if (it->second.ends_with(run))
            it->second.resize(it->second.size() - run.size());
    }
    return it->second;
}

} // namespace aura::core

// allowance: reading what the machine says of itself, and the words.
#include "allowance.hpp"

#include "ring.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace aura::core::uring {

namespace {

/// The beginning of a file of /proc or /etc; empty where there is none.
std::string_view read_file(const char* path, std::array<char, 4096>& into) noexcept {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return {};
    const ssize_t got = ::read(fd, into.data(), into.size());
    ::close(fd);
    return got > 0 ? std::string_view(into.data(), static_cast<std::size_t>(got)) : std::string_view();
}

constexpr const char* filter_advice =
    "a seccomp filter refuses it. Docker, Podman: --security-opt seccomp=auraio-seccomp.json (of auraio's "
    "doc/); Kubernetes: securityContext.seccompProfile; systemd: SystemCallFilter=@aio";

constexpr const char* module_advice =
    "a security module refuses it. SELinux: allow the class io_uring, see ausearch -m AVC; or the "
    "sandbox's own rules";

std::string setting_advice(const surroundings& here) {
    std::string advice = "kernel.io_uring_disabled = " + std::to_string(here.io_uring_disabled) +
                         (here.io_uring_disabled == 1 ? " forbids it without CAP_SYS_ADMIN" : " forbids it");
    if (here.enterprise)
        advice += ", the default of RHEL and its relatives";
    advice += ": sysctl kernel.io_uring_disabled=0";
    if (here.io_uring_disabled == 1)
        advice += ", or put the user's group into kernel.io_uring_group";
    return advice;
}

std::string advice(int error, const surroundings& here) {
    switch (error) {
    case EPERM: // the setting answers so, and most filters
        if (here.io_uring_disabled > 0)
            return setting_advice(here);
        return here.filtered ? filter_advice : module_advice;
    case EACCES:
        return here.filtered ? filter_advice : module_advice;
    case ENOSYS: // the answer of filters that would have programs take an older way
    case EOPNOTSUPP:
        if (here.filtered)
            return filter_advice;
        return "the kernel has no io_uring: Linux 5.11 or later with CONFIG_IO_URING is needed, and no "
               "sandbox "
               "in between (gVisor)";
    case EINVAL:
        return here.filtered ? "a seccomp filter refuses it, or the kernel is older than Linux 5.11"
                             : "the kernel is older than Linux 5.11";
    case EMFILE:
        return "raise RLIMIT_NOFILE";
    case ENFILE:
        return "raise fs.file-max";
    default:
        return {};
    }
}

} // namespace

surroundings look_around() noexcept {
    surroundings here;
    std::array<char, 4096> text;
    if (const std::string_view value = read_file("/proc/sys/kernel/io_uring_disabled", text); !value.empty())
        (void)std::from_chars(value.data(), value.data() + value.size(), here.io_uring_disabled);
    // Of the thread: filters are.
    constexpr std::string_view field = "\nSeccomp:\t";
    const std::string_view status = read_file("/proc/thread-self/status", text);
    if (const std::size_t at = status.find(field); at != std::string_view::npos)
        here.filtered = status.substr(at + field.size(), 1) == "2";
    here.enterprise = !read_file("/etc/redhat-release", text).empty();
    return here;
}

std::string explain_refusal(const char* call, int error, const surroundings& here) {
    std::string why = std::string(call) + ": " + std::strerror(error);
    if (error == ENOMEM)
        return why + explain_shortage();
    if (const std::string what = advice(error, here); !what.empty())
        why += " (" + what + ")";
    return why;
}

} // namespace aura::core::uring

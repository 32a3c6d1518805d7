// descriptions: descriptors and threads of this process, in words, as the kernel knows them.
#include "core/base/descriptions.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace aura::core {

namespace {

/// What is in a small file of /proc; empty when there is none.
std::string contents(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return {};
    char text[4096];
    const auto size = ::read(fd, text, sizeof text);
    ::close(fd);
    return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::string internet(const void* address, int family, in_port_t port) {
    char text[INET6_ADDRSTRLEN] = "?";
    ::inet_ntop(family, address, text, sizeof text);
    const std::string host = family == AF_INET6 ? '[' + std::string(text) + ']' : text;
    return host + ':' + std::to_string(ntohs(port));
}

std::string text_of(const sockaddr_storage& storage, socklen_t size) {
    if (storage.ss_family == AF_INET) {
        sockaddr_in a{};
        std::memcpy(&a, &storage, sizeof a);
        return internet(&a.sin_addr, AF_INET, a.sin_port);
    }
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 a{};
        std::memcpy(&a, &storage, sizeof a);
        return internet(&a.sin6_addr, AF_INET6, a.sin6_port);
    }
    if (storage.ss_family == AF_UNIX) {
        sockaddr_un a{};
        std::memcpy(&a, &storage, sizeof a);
        const std::size_t before = offsetof(sockaddr_un, sun_path);
        if (size <= before)
            return "without a name";
        const std::size_t length = size - before;
        return a.sun_path[0] == '\0' ? '@' + std::string(a.sun_path + 1, length - 1)
                                     : std::string(a.sun_path, ::strnlen(a.sun_path, length));
    }
    return "of family " + std::to_string(storage.ss_family);
}

int option(int fd, int name) noexcept {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

std::string describe_socket(int fd) {
    const int domain = option(fd, SO_DOMAIN);
    const int type = option(fd, SO_TYPE);
    const bool is_internet = domain == AF_INET || domain == AF_INET6;
    std::string text = domain == AF_UNIX ? "UNIX" : is_internet ? "" : "socket";
    if (is_internet)
        text = type == SOCK_STREAM ? "TCP" : type == SOCK_DGRAM ? "UDP" : "raw socket";
    else if (type == SOCK_DGRAM)
        text += " datagram";
    if (option(fd, SO_ACCEPTCONN) == 1)
        text += " listening";
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        text += ' ' + text_of(address, size);
    size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        text += ", peer " + text_of(address, size);
    return text;
}

const char* state_name(char letter) noexcept {
    switch (letter) {
    case 'R':
        return "running, or ready to";
    case 'S':
        return "sleeping";
    case 'D':
        return "waiting for a device";
    case 'T':
    case 't':
        return "stopped";
    default:
        return "ended";
    }
}

} // namespace

std::string describe_file(int fd) {
    struct stat s{};
    if (::fstat(fd, &s) != 0)
        return "closed";
    if (S_ISSOCK(s.st_mode))
        return describe_socket(fd);
    std::array<char, 512> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const auto size = ::readlink(link.c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "?";
}

thread_description describe_thread(int thread) {
    const std::string folder = "/proc/self/task/" + std::to_string(thread) + '/';
    const std::string stat = contents(folder + "stat");
    // Number, (name), letter of the state; the name may have anything in it, brackets too.
    const std::size_t begin = stat.find('('), end = stat.rfind(')');
    if (begin == std::string::npos || end == std::string::npos || end + 2 >= stat.size())
        return {};
    thread_description d;
    d.name = stat.substr(begin + 1, end - begin - 1);
    d.state = state_name(stat[end + 2]);
    if (const std::string where = contents(folder + "wchan"); !where.empty() && where != "0")
        d.state += " in " + where;
    // The state is field 3 of proc(5), the time in the kernel field 15, in ticks.
    const char* field = stat.c_str() + end + 2;
    for (int number = 3; number < 15 && field; ++number) {
        field = std::strchr(field, ' ');
        if (field)
            ++field;
    }
    if (const long ticks = ::sysconf(_SC_CLK_TCK); field && ticks > 0)
        d.system_time =
            std::strtoull(field, nullptr, 10) * (1'000'000'000ULL / static_cast<unsigned long long>(ticks));
    return d;
}

std::string describe_system_call(int thread) {
    return contents("/proc/self/task/" + std::to_string(thread) + "/syscall");
}

thread_signals describe_signals(int thread) {
    const std::string status = contents("/proc/self/task/" + std::to_string(thread) + "/status");
    const auto field = [&status](const char* name) {
        const std::size_t at = status.find(name);
        return at == std::string::npos ? nullptr : status.c_str() + at + std::strlen(name);
    };
    const char* const blocked = field("\nSigBlk:");
    const char* const sleeps = field("\nvoluntary_ctxt_switches:");
    if (!blocked || !sleeps)
        return {};
    return {true, std::strtoull(blocked, nullptr, 16), std::strtoull(sleeps, nullptr, 10)};
}

} // namespace aura::core

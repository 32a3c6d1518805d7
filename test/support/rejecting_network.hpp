// rejecting_network: a network of this process alone, whose firewall answers connections to one port by ICMP.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

inline constexpr unsigned short rejected_port = 81;

/// Moves the calling process into it, for good: for a child of the test. Else it says why not.
inline std::string enter_rejecting_network() {
    if (::geteuid() != 0)
        return "needs root, for a network namespace";
    if (::unshare(CLONE_NEWNET) != 0)
        return std::string("no network namespace: ") + std::strerror(errno);
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool up = ::ioctl(s, SIOCSIFFLAGS, &loopback) == 0;
    ::close(s);
    if (!up)
        return "its loopback device does not come up";
    const std::string port = std::to_string(rejected_port);
    const std::string nft = "nft 'add table ip t; add chain ip t o {type filter hook output priority 0;}; "
                            "add rule ip t o tcp dport " +
                            port + " reject' 2>/dev/null";
    const std::string iptables = "iptables -A OUTPUT -p tcp --dport " + port + " -j REJECT 2>/dev/null";
    if (std::system(nft.c_str()) != 0 && std::system(iptables.c_str()) != 0)
        return "neither nft nor iptables can reject anything here";
    return {};
}

/// Runs `what` in a child that is in such a network. `what` returns an empty string or what is wrong. The
/// result: "" or that; skipped: why there is no such network.
template <class What>
std::string in_rejecting_network(What what, std::string& skipped) {
    int ends[2];
    if (::pipe(ends) != 0)
        return "pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        std::string said = enter_rejecting_network();
        said = said.empty() ? "=" + what() : "-" + said;
        (void)!::write(ends[1], said.data(), said.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    char part[256];
    for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;)
        said.append(part, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (said.empty())
        return "the child ended with status " + std::to_string(status);
    if (said[0] == '-')
        skipped = said.substr(1);
    return said[0] == '-' ? std::string() : said.substr(1);
}

} // namespace test

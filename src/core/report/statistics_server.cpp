// statistics_server: one thread that waits for all its connections at once, and answers each from a buffer of its own.
#include "auraio/core/report/statistics_server.hpp"

#include "auraio/core/base/engine_error.hpp"
#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/report/prometheus.hpp"
#include "core/report/statistics_connection.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <list>
#include <new>
#include <poll.h>
#include <pthread.h>
#include <string_view>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace aura::core {

namespace {

constexpr std::ptrdiff_t connections_max = 16; // of each kind; the next ones wait in the backlog
constexpr std::size_t request_max = 8192;

/// For how long a connection by HTTP may take: anybody on this machine can make one, and only so many are served.
constexpr std::chrono::seconds http_patience{10};

using clock = statistics_connection::clock;

[[noreturn]] void refuse(int error, const std::string& where, const char* what) {
    throw engine_error(error,
                       "auraio: serve_statistics: " + where + ": " + what + ": " + std::strerror(error));
}

owned_fd new_socket(int family, const std::string& where) {
    owned_fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0)
        refuse(errno, where, "socket");
    return fd;
}

const sockaddr* generic(const auto& address) noexcept {
    return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes a socket of this user's on which nobody listens any more; everything else stays.
void remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode) || found.st_uid != ::geteuid())
        return;
    const owned_fd probe = new_socket(AF_UNIX, path);
    if (::connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED)
        ::unlink(path.c_str());
}

owned_fd listen_on_path(const std::string& path, struct stat& bound) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        refuse(path.empty() ? EINVAL : ENAMETOOLONG, path, "path");
    std::memcpy(address.sun_path, path.data(), path.size());
    remove_stale(path, address);
    owned_fd fd = new_socket(AF_UNIX, path);
    // Before it has a name: there is no moment at which others could open it, whatever the process' umask.
    if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0)
        refuse(errno, path, "fchmod");
    if (::bind(fd.get(), generic(address), sizeof address) != 0)
        refuse(errno, path, "bind");
    if (::lstat(path.c_str(), &bound) != 0 || ::listen(fd.get(), connections_max) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        refuse(error, path, "listen");
    }
    return fd;
}

owned_fd listen_on_loopback(unsigned short& port) {
    const std::string where = "127.0.0.1:" + std::to_string(port);
    owned_fd fd = new_socket(AF_INET, where);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), generic(address), sizeof address) != 0 || ::listen(fd.get(), connections_max) != 0)
        refuse(errno, where, "bind");
    socklen_t size = sizeof address;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        refuse(errno, where, "getsockname");
    port = ntohs(address.sin_port);
    return fd;
}

bool is_of_this_user(int fd) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

/// Whether a request was meant for this machine by that name: a page of somebody else's, whose own name its name
/// server gives this address (DNS rebinding), names itself. Programs that name no host are no browsers.
bool is_meant_for_loopback(std::string_view request) noexcept {
    constexpr std::string_view field = "\r\nhost:";
    for (std::size_t at = 0; (at = request.find("\r\n", at)) != std::string_view::npos; at += 2) {
        if (request.size() - at < field.size() ||
            ::strncasecmp(request.data() + at, field.data(), field.size()) != 0)
            continue;
        std::string_view host = request.substr(at + field.size());
        host = host.substr(0, host.find("\r\n"));
        host.remove_prefix(std::min(host.find_first_not_of(" \t"), host.size()));
        host = host.substr(0, host.find(':'));
        return host == "127.0.0.1" || host == "localhost";
    }
    return true;
}

} // namespace

struct statistics_server::state : fork_aware {
    state(source from, std::string at, const statistics_options& o)
        : fork_aware([](fork_aware& self) noexcept { static_cast<state&>(self).sever(); })
        , snapshot(std::move(from))
        , path(std::move(at))
        , options(o) {
        enlist();
    }
    ~state();

    /// In a child of fork nobody answers: who comes is to find the parent, or nobody once that has ended.
    void sever() noexcept {
        local.close();
        http.close();
    }

    void serve() noexcept;
    int patience() const noexcept;
    short accepts(bool is_http) const noexcept;
    void accept_on(const owned_fd& listener, bool is_http);
    bool proceed(statistics_connection& c, short events);
    bool read(statistics_connection& c);
    bool write(statistics_connection& c);
    void answer(statistics_connection& c);
    void answer_http(statistics_connection& c);

    source snapshot;
    std::string path;
    statistics_options options;
    struct stat bound{};
    const unsigned generation = fork_generation();
    owned_fd local, http, end;
    std::list<statistics_connection> connections;
    std::thread thread;
};

statistics_server::state::~state() {
    delist();
    if (generation != fork_generation()) {
        // A child of fork has no such thread, which may have been anywhere in its connections, and the socket's name is
        // the parent's. Joining is no option.
        if (thread.joinable())
            new (std::nothrow) std::thread(std::move(thread));
        new (std::nothrow) std::list<statistics_connection>(std::move(connections));
        return;
    }
    if (thread.joinable()) {
        ::eventfd_write(end.get(), 1);
        thread.join();
    }
    struct stat now{};
    if (local.get() >= 0 && ::lstat(path.c_str(), &now) == 0 && now.st_dev == bound.st_dev &&
        now.st_ino == bound.st_ino)
        ::unlink(path.c_str());
}

void statistics_server::state::serve() noexcept {
    std::vector<pollfd> waits;
    for (;;) {
        try {
            waits = {
                {end.get(), POLLIN, 0}, {local.get(), accepts(false), 0}, {http.get(), accepts(true), 0}};
            // Who does not read gets no further answer until it has.
            for (const statistics_connection& c : connections)
                waits.push_back({c.fd.get(), static_cast<short>(c.to_send.empty() ? POLLIN : POLLOUT), 0});
            if (::poll(waits.data(), waits.size(), patience()) < 0) {
                if (errno == ENOMEM || errno == EAGAIN)
                    ::poll(nullptr, 0, 100); // it passes
                else if (errno != EINTR)
                    return; // so many descriptors may not be waited for any more (setrlimit(2))
                continue;
            }
            if (waits[0].revents != 0)
                return;
            auto wait = waits.begin() + 3;
            const auto now = clock::now();
            for (auto c = connections.begin(); c != connections.end(); ++wait) {
                const bool stays = wait->revents == 0 ? now < c->until : proceed(*c, wait->revents);
                c = stays ? std::next(c) : connections.erase(c);
            }
            if (waits[1].revents != 0)
                accept_on(local, false);
            if (waits[2].revents != 0)
                accept_on(http, true);
        } catch (const std::exception&) { // out of memory: who asked may ask again
            connections.clear();
        }
    }
}

/// In milliseconds: until the first connection has taken too long; -1: none can.
int statistics_server::state::patience() const noexcept {
    auto first = clock::time_point::max();
    for (const statistics_connection& c : connections)
        first = std::min(first, c.until);
    if (first == clock::time_point::max())
        return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

/// What to wait for on a listener. Whoever may come by HTTP does not keep the user out.
short statistics_server::state::accepts(bool is_http) const noexcept {
    const auto count = std::count_if(connections.begin(), connections.end(),
                                     [&](const statistics_connection& c) { return c.is_http == is_http; });
    return count < connections_max ? POLLIN : 0;
}

void statistics_server::state::accept_on(const owned_fd& listener, bool is_http) {
    owned_fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) {
        // Without a descriptor to spare, or where a filter forbids it, the one that waits stays there: not to be
        // told of it all the time.
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            ::poll(nullptr, 0, 100);
        return;
    }
    if (!is_http && !is_of_this_user(fd.get()))
        return;
    const auto until = is_http ? clock::now() + http_patience : clock::time_point::max();
    connections.push_back({.fd = std::move(fd), .until = until, .is_http = is_http});
    if (!is_http) {
        answer(connections.back());
        if (!write(connections.back()))
            connections.pop_back();
    }
}

/// False: it is to be closed.
bool statistics_server::state::proceed(statistics_connection& c, short events) {
    if (!c.to_send.empty())
        return (events & (POLLERR | POLLHUP)) == 0 && write(c);
    return read(c);
}

bool statistics_server::state::read(statistics_connection& c) {
    char bytes[1024];
    const ssize_t n = ::recv(c.fd.get(), bytes, sizeof bytes, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    const std::string_view text(bytes, static_cast<std::size_t>(n));
    if (c.is_http) {
        c.received += text;
        if (c.received.find("\r\n\r\n") == std::string::npos)
            return c.received.size() <= request_max;
        answer_http(c);
    } else {
        if (text.find('\n') == std::string_view::npos)
            return true;
        answer(c); // one, however many it has asked for at once
    }
    return write(c);
}

bool statistics_server::state::write(statistics_connection& c) {
    const ssize_t n = ::send(c.fd.get(), c.to_send.data(), c.to_send.size(), MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c.to_send.erase(0, static_cast<std::size_t>(n));
    if (c.to_send.empty() && c.ends)
        ::shutdown(c.fd.get(), SHUT_WR);
    return !c.to_send.empty() || !c.ends;
}

void statistics_server::state::answer(statistics_connection& c) {
    c.to_send = to_json(snapshot(), options.name) + '\n';
}

void statistics_server::state::answer_http(statistics_connection& c) {
    std::string status = "200 OK", body;
    if (!is_meant_for_loopback(c.received)) {
        status = "421 Misdirected Request";
    } else if (c.received.starts_with("GET /metrics ") || c.received.starts_with("GET / ")) {
        prometheus_text text;
        text.add(options.name, snapshot());
        body = text.str();
    } else {
        status = c.received.starts_with("GET ") ? "404 Not Found" : "405 Method Not Allowed";
    }
    c.to_send = "HTTP/1.1 " + status +
                "\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body;
    c.ends = true;
}

statistics_server::statistics_server(source snapshot, const std::string& path,
                                     const statistics_options& options)
    : state_(std::make_unique<state>(std::move(snapshot), path, options)) {
    state& s = *state_;
    s.end = owned_fd(::eventfd(0, EFD_CLOEXEC));
    if (s.end.get() < 0)
        refuse(errno, path, "eventfd");
    if (options.prometheus)
        s.http = listen_on_loopback(s.options.prometheus_port);
    s.local = listen_on_path(path, s.bound);
    // The program's signals are for its own threads.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        s.thread = std::thread([&s] { s.serve(); });
    } catch (const std::exception&) { // no thread to be had
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        refuse(EAGAIN, path, "thread");
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(s.thread.native_handle(), "aura-statistics");
}

statistics_server::~statistics_server() = default;
statistics_server::statistics_server(statistics_server&&) noexcept = default;
statistics_server& statistics_server::operator=(statistics_server&&) noexcept = default;

unsigned short statistics_server::prometheus_port() const noexcept {
    return state_ && state_->options.prometheus ? state_->options.prometheus_port : 0;
}

} // namespace aura::core

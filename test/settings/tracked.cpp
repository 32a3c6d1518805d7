// What handler tracking tells of our objects is what it tells of Asio's own: one program on both, transcripts
// compared. Compiled with ASIO_ENABLE_HANDLER_TRACKING, or Boost's name of it.
#include <auraio/auraio.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace {

namespace net = aura::net;
using error_code = aura::error_code;
using std::chrono::hours;

struct stock {
    using context = net::io_context;
    using steady_timer = net::steady_timer;
    using signal_set = net::signal_set;
    using stream_descriptor = net::posix::stream_descriptor;
    using connection = net::ip::tcp::socket;
    using acceptor = net::ip::tcp::acceptor;
    using datagrams = net::ip::udp::socket;
    using readable_pipe = net::readable_pipe;
    using writable_pipe = net::writable_pipe;
};

struct ours {
    using context = aura::io_context;
    using steady_timer = aura::steady_timer;
    using signal_set = aura::signal_set;
    using stream_descriptor = aura::posix::stream_descriptor;
    using connection = aura::ip::tcp::socket;
    using acceptor = aura::ip::tcp::acceptor;
    using datagrams = aura::ip::udp::socket;
    using readable_pipe = aura::readable_pipe;
    using writable_pipe = aura::writable_pipe;
};

net::ip::tcp::endpoint loopback() {
    return {net::ip::address_v4::loopback(), 0};
}

/// Runs what was started, to its end.
template <class Context>
void finish(Context& c) {
    c.restart();
    c.run();
}

/// What tracking writes, while `f` runs, to the standard error output.
std::string written_by(const std::function<void()>& f) {
    const int file = ::memfd_create("transcript", MFD_CLOEXEC);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(file, STDERR_FILENO);
    f();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
    if (::pread(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        text.clear();
    ::close(file);
    return text;
}

/// The number of `word` among those seen so far, from 1; "0" stays.
std::string number_of(const std::string& word, std::map<std::string, std::size_t>& seen) {
    return word == "0" ? word : std::to_string(seen.emplace(word, seen.size() + 1).first->second);
}

/// Without times; with handlers and objects numbered in the order in which they appear; without what Asio's
/// reactor tells of its own attempts (".1|non_blocking_recv,..."), which has no counterpart on a ring.
std::string normalised(const std::string& transcript) {
    std::istringstream lines(transcript);
    std::map<std::string, std::size_t> handlers;
    std::map<std::string, std::size_t> objects;
    std::string all;
    for (std::string line; std::getline(lines, line);) {
        const auto time_end = line.find('|', 6);
        const auto ids_end = line.find('|', time_end + 1);
        const std::string ids = line.substr(time_end + 1, ids_end - time_end - 1);
        std::string rest = line.substr(ids_end);
        if (ids[0] == '.')
            continue;
        std::string number;
        for (const char c : ids + '|') {
            if (c >= '0' && c <= '9') {
                number += c;
                continue;
            }
            if (!number.empty())
                all += number_of(number, handlers);
            number.clear();
            if (c != '|')
                all += c;
        }
        if (const auto at = rest.find('@'); at != std::string::npos) {
            const auto end = rest.find('.', at);
            rest = rest.substr(0, at + 1) + number_of(rest.substr(at + 1, end - at - 1), objects) +
                   rest.substr(end);
        }
        all += rest + '\n';
    }
    return all;
}

template <class Objects>
void use_timers_and_signals() {
    typename Objects::context c;
    net::post(c, [&c] { net::post(c, [] {}); });
    finish(c);
    net::defer(c.get_executor(), [&c] { net::dispatch(c, [] {}); });
    finish(c);
    net::post(c, [] { throw std::runtime_error("seen as ! in the transcript"); });
    try {
        finish(c);
    } catch (const std::runtime_error&) {
    }

    typename Objects::steady_timer t(c);
    t.cancel(); // nothing waits: not told of
    t.expires_after(std::chrono::milliseconds(1));
    t.async_wait([](error_code) {});
    finish(c);
    t.expires_after(hours(1));
    t.async_wait([](error_code) {});
    t.async_wait([](error_code) {});
    t.cancel_one();
    c.restart();
    c.run_one();
    t.cancel();
    finish(c);

    typename Objects::signal_set s(c, SIGUSR1);
    s.async_wait([](error_code, int) {});
    std::raise(SIGUSR1);
    finish(c);
    s.async_wait([](error_code, int) {});
    s.cancel();
    finish(c);
}

template <class Objects>
void use_sockets() {
    typename Objects::context c;
    typename Objects::acceptor a(c, loopback());
    typename Objects::connection client(c);
    typename Objects::connection server(c);
    client.async_connect(a.local_endpoint(), [](error_code) {});
    finish(c);
    a.async_accept(server, [](error_code) {});
    finish(c);
    char data[5] = {};
    client.async_send(net::buffer("hello", 5), [](error_code, std::size_t) {});
    finish(c);
    server.async_wait(net::socket_base::wait_read, [](error_code) {});
    finish(c);
    net::async_read(server, net::buffer(data), [](error_code, std::size_t) {});
    finish(c);
    server.async_receive(net::buffer(data), [](error_code, std::size_t) {});
    server.cancel();
    finish(c);
    client.close();
    server.async_receive(net::buffer(data), [](error_code, std::size_t) {}); // the end
    finish(c);

    typename Objects::connection second(c);
    second.connect(a.local_endpoint());
    a.async_accept([](error_code, typename Objects::connection) {});
    finish(c);
    a.async_accept(server, [](error_code) {}); // open already
    finish(c);

    typename Objects::datagrams d(c, {net::ip::address_v4::loopback(), 0});
    net::ip::udp::endpoint from;
    d.async_send_to(net::buffer("hello", 5), d.local_endpoint(), [](error_code, std::size_t) {});
    finish(c);
    d.async_receive_from(net::buffer(data), from, [](error_code, std::size_t) {});
    finish(c);
    d = typename Objects::datagrams(c);
    ::close(second.release());
}

template <class Objects>
void use_descriptors() {
    typename Objects::context c;
    typename Objects::readable_pipe r(c);
    typename Objects::writable_pipe w(c);
    net::connect_pipe(r, w);
    char data[5] = {};
    net::async_write(w, net::buffer("hello", 5), [](error_code, std::size_t) {});
    finish(c);
    r.async_read_some(net::buffer(data), [](error_code, std::size_t) {});
    finish(c);
    typename Objects::stream_descriptor d(c, ::dup(r.native_handle()));
    d.async_wait(net::posix::descriptor_base::wait_read, [](error_code) {});
    d.cancel();
    finish(c);
    w.async_write_some(net::buffer("hello", 5), [](error_code, std::size_t) {});
    finish(c);
    d.async_read_some(net::buffer(data), [](error_code, std::size_t) {});
    finish(c);
}

/// Handlers that are never called.
template <class Objects>
void leave_early() {
    {
        typename Objects::context c;
        net::post(c, [] {});
    }
    {
        typename Objects::context c;
        typename Objects::steady_timer t(c, hours(1));
        t.async_wait([](error_code) {});
    }
    typename Objects::context c;
    typename Objects::acceptor a(c, loopback());
    typename Objects::connection peer(c);
    a.async_accept(peer, [](error_code) {});
}

/// Asio has files only where it is compiled for io_uring: what it prints then.
void use_a_file() {
    aura::io_context c;
    aura::random_access_file f(c);
    f.async_open("/proc/self/exe", aura::file_base::read_only, [](error_code) {});
    finish(c);
    char data[4];
    f.async_read_some_at(0, net::buffer(data), [](error_code, std::size_t) {});
    finish(c);
    f.close();
}

const char* const of_a_file = "0*1|descriptor@1.async_open\n"
                              ">1|ec=system:0\n"
                              "<1|\n"
                              "0*2|descriptor@1.async_read_some\n"
                              ">2|ec=system:0,bytes_transferred=4\n"
                              "<2|\n"
                              "0|descriptor@1.close\n";

bool agree(const char* name, const std::string& got, const std::string& expected) {
    if (got == expected && !got.empty())
        return true;
    std::printf("%s: expected\n%s\ngot\n%s\n", name, expected.c_str(), got.c_str());
    return false;
}

/// `program` is called with objects of either library. Ours first: tracking has to be initialised by our
/// context.
template <class Program>
bool agree(const char* name, Program program) {
    const std::string got = normalised(written_by([=] { program(ours()); }));
    return agree(name, got, normalised(written_by([=] { program(stock()); })));
}

/// Of our handlers there are figures as well, by what they were for.
bool are_measured() {
    aura::io_context c;
    net::post(c, [] {});
    finish(c);
    aura::prometheus_text text;
    text.add("main", c.stats());
    std::ostringstream pending;
    c.dump(pending);
    bool measured = false;
    for (const aura::handler_kind_stats& k : aura::handler_kinds())
        measured = measured || (k.object == "io_context" && k.function == "execute" && k.calls != 0 &&
                                k.longest != 0 && k.longest <= k.total_time);
    const std::string sample = "auraio_handler_kind_calls_total{object=\"io_context\",function=\"execute\"} ";
    const bool shown = text.str().find(sample) != std::string::npos &&
                       pending.str().find("handlers of io_context.execute: ") != std::string::npos;
    if (!measured || !shown)
        std::printf("figures of handlers: %s\n%s", text.str().c_str(), pending.str().c_str());
    return measured && shown;
}

} // namespace

int main() {
    bool good =
        agree("timers and signals", []<class Objects>(Objects) { use_timers_and_signals<Objects>(); });
    good = agree("sockets", []<class Objects>(Objects) { use_sockets<Objects>(); }) && good;
    good = agree("descriptors", []<class Objects>(Objects) { use_descriptors<Objects>(); }) && good;
    good = agree("destroyed handlers", []<class Objects>(Objects) { leave_early<Objects>(); }) && good;
    good = agree("a file", normalised(written_by(&use_a_file)), of_a_file) && good;
    good = are_measured() && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

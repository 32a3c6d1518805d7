#include "served_load.hpp"

#include "affinity.hpp"
#include "allocation_counter.hpp"
#include "failure.hpp"
#include "load_generator.hpp"
#include "measurement.hpp"
#include "scheduling.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <new>

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace benchmark {
namespace {

using namespace std::chrono;

int bound_socket(bool datagrams) {
    const int fd = ::socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket", errno);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("bind", errno);
    if (!datagrams && ::listen(fd, SOMAXCONN) != 0)
        fail("listen", errno);
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        fail("getsockname", errno);
    return ntohs(address.sin_port);
}

server_counters& shared_counters() {
    void* const memory =
        ::mmap(nullptr, sizeof(server_counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap", errno);
    return *new (memory) server_counters;
}

volatile std::sig_atomic_t server_id = -1;

// A server that cannot run here, or breaks, ends this process too, with its own status.
void end_with_server(int) {
    int status = 0;
    if (::waitpid(server_id, &status, WNOHANG) > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

class server_process {
public:
    server_process(const served_socket& socket, const std::function<void(const served_socket&)>& serve)
        : counters_(socket.counters) {
        share_allocation_count();
        std::signal(SIGCHLD, end_with_server);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0)
            fail("fork", errno);
        if (pid_ == 0) {
            std::signal(SIGCHLD, SIG_DFL);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent)
                std::_Exit(1);
            pin_this_thread(0);
            serve(socket);
            std::_Exit(1); // a server that ends of itself is broken
        }
        // The socket stays open here too: nobody is refused before the server has said why it cannot run.
        leave_allocation_count();
        server_id = pid_;
        if (const int error = ::clock_getcpuclockid(pid_, &clock_); error != 0)
            fail("clock_getcpuclockid", error);
    }

    ~server_process() {
        std::signal(SIGCHLD, SIG_DFL);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;

    usage used() const {
        timespec cpu{};
        if (::clock_gettime(clock_, &cpu) != 0)
            fail("clock_gettime", errno);
        // Which part of it was the kernel's, nobody tells of another process in finer units than a tick.
        return {steady_clock::now(), seconds(cpu.tv_sec) + nanoseconds(cpu.tv_nsec), nanoseconds(0),
                allocation_count()};
    }

    pid_t id() const { return pid_; }
    std::uint64_t enters() const { return counters_.enters.load(std::memory_order_relaxed); }
    std::uint64_t completions() const { return counters_.completions.load(std::memory_order_relaxed); }

private:
    server_counters& counters_;
    pid_t pid_ = -1;
    clockid_t clock_{};
};

double per(std::uint64_t count, std::uint64_t of) {
    return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

double share(nanoseconds part, nanoseconds of) {
    return static_cast<double>(part.count()) / static_cast<double>(of.count());
}

// With the children that have ended.
nanoseconds own_cpu() {
    nanoseconds sum(0);
    for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage used{};
        if (::getrusage(who, &used) != 0)
            fail("getrusage", errno);
        sum += seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    }
    return sum;
}

// One measured stretch; the line that reports it.
void measure_stretch(const arguments& args, const server_process& server, load_generator& load,
                     std::size_t connections, milliseconds duration) {
    const int processor = processor_of(0);
    const std::uint64_t round_trips_before = load.round_trips();
    const std::uint64_t enters_before = server.enters();
    const std::uint64_t completions_before = server.completions();
    const std::uint64_t sleeps_before = voluntary_switches(server.id());
    const std::uint64_t interrupts_before = rescheduling_interrupts(processor);
    const nanoseconds own_before = own_cpu();
    const usage begin = server.used();
    load.run_for(duration);
    const usage end = server.used();
    const nanoseconds own = own_cpu() - own_before;
    const std::uint64_t round_trips = load.round_trips() - round_trips_before;
    const nanoseconds wall = end.wall - begin.wall;
    print_result(
        args, connections, begin, end, round_trips,
        {{"server_busy", share(end.cpu_user - begin.cpu_user, wall)},
         {"client_busy", share(own, wall)},
         {"sleeps_per_op", per(voluntary_switches(server.id()) - sleeps_before, round_trips)},
         {"interrupts_per_op", per(rescheduling_interrupts(processor) - interrupts_before, round_trips)},
         {"events_per_call",
          per(server.completions() - completions_before, server.enters() - enters_before)}});
}

} // namespace

int run_under_load(arguments& args, const std::function<void(const served_socket&)>& serve) {
    const milliseconds warm(args.number("warm_ms", 200));
    const milliseconds measure(args.number("measure_ms", 1000));
    const std::uint64_t stretches = args.number("stretches", 1);
    load_description load{args.text("load", "echo"), 0, args.number("depth", 64), args.number("size", 64),
                          microseconds(args.number("think_us", 0))};
    args.reject_unknown();
    const bool datagrams = load.kind == "udp";
    const int fd = bound_socket(datagrams);
    load.port = port_of(fd);

    server_process server({fd, load.connections, load.message_size, datagrams, shared_counters()}, serve);
    pin_this_thread(1);
    const auto generator = make_load(load);
    generator->run_for(warm);
    for (std::uint64_t i = 0; i < stretches; ++i)
        measure_stretch(args, server, *generator, load.connections, measure);
    return 0;
}

} // namespace benchmark

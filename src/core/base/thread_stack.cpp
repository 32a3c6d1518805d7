// thread_stack: the signal, and what its handler writes down.
#include "core/base/thread_stack.hpp"

#include "core/base/code_name.hpp"
#include "core/base/descriptions.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <execinfo.h>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core {

namespace {

constexpr int depth = 48;
constexpr int nobody = 0, at_work = -1;

// What the handler touches. `whose` is the thread that is asked; the handler takes it, writes the frames, and says by
// `count` (release, acquired by who asks) that they are there.
constinit std::atomic<int> whose{nobody};
constinit std::atomic<int> count{-1};
constinit std::array<void*, depth> frames{};

void on_signal(int, siginfo_t*, void*) {
    const int saved = errno;
    int thread = static_cast<int>(::syscall(SYS_gettid));
    // Acquire: what was written before it was asked for is over.
    if (whose.compare_exchange_strong(thread, at_work, std::memory_order_acquire, std::memory_order_relaxed))
        count.store(::backtrace(frames.data(), depth), std::memory_order_release);
    errno = saved;
}

bool is_ours(int signal) noexcept {
    struct sigaction now{};
    return ::sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
           now.sa_sigaction == &on_signal;
}

/// The signal, with the handler installed; 0: the program has all of them.
int take_signal() noexcept {
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal)
        if (is_ours(signal))
            return signal;
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
        struct sigaction now{};
        if (::sigaction(signal, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 ||
            now.sa_handler != SIG_DFL)
            continue;
        struct sigaction ours{};
        ours.sa_sigaction = &on_signal;
        ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
        ::sigfillset(&ours.sa_mask);
        if (::sigaction(signal, &ours, nullptr) == 0)
            return signal;
    }
    return 0;
}

/// Of the system calls that wait those which go on after a handler with SA_RESTART: see signal(7).
bool goes_on(long number) noexcept {
    switch (number) {
    case SYS_futex:
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_flock:
    case SYS_openat:
    case SYS_wait4:
    case SYS_waitid:
        return true;
    default:
        return false;
    }
}

/// Why it is left alone; empty: it is not.
std::string objection(int thread) {
    const std::string call = describe_system_call(thread);
    if (call.empty())
        return "what it does cannot be seen";
    if (call.starts_with("running"))
        return {};
    const long number = std::strtol(call.c_str(), nullptr, 10);
    return goes_on(number) ? std::string()
                           : "it is in system call " + std::to_string(number) + ", which a signal would end";
}

bool ask(int thread, int signal) noexcept {
    count.store(-1, std::memory_order_relaxed);
    whose.store(thread, std::memory_order_release);
    if (::syscall(SYS_tgkill, ::getpid(), thread, signal) == 0)
        for (int tries = 0; tries < 100; ++tries) {
            if (count.load(std::memory_order_acquire) >= 0) {
                whose.store(nobody, std::memory_order_relaxed);
                return true;
            }
            constexpr timespec pause{0, 1'000'000};
            ::nanosleep(&pause, nullptr);
        }
    int expected = thread; // it must not begin any more
    (void)whose.compare_exchange_strong(expected, nobody, std::memory_order_relaxed);
    return false;
}

} // namespace

std::string stack_of(int thread) {
    // A child of fork may find it taken for ever: nobody waits for it.
    static std::mutex one_at_a_time;
    const std::unique_lock guard(one_at_a_time, std::try_to_lock);
    if (!guard)
        return "  no stack: another thread is being asked\n";
    if (whose.load(std::memory_order_relaxed) == at_work)
        return "  no stack: the thread that was asked last has not answered yet\n";
    if (const std::string why = objection(thread); !why.empty())
        return "  no stack: " + why + '\n';
    void* first[2];
    (void)::backtrace(first, 2); // loads what it needs, which a handler must not
    const int signal = take_signal();
    if (signal == 0)
        return "  no stack: the program has all real-time signals\n";
    if (!ask(thread, signal))
        return "  no stack: the thread does not answer\n";
    std::string text;
    code_names names;
    constexpr int handler = 2; // our function, and what the kernel returns to from it
    for (int i = handler; i < count.load(std::memory_order_relaxed); ++i) {
        // All but the innermost are the instructions behind calls.
        const auto* const code =
            static_cast<const char*>(frames[static_cast<std::size_t>(i)]) - (i > handler ? 1 : 0);
        text += "  #" + std::to_string(i - handler) + ' ' + names.of(code) + '\n';
    }
    return text;
}

} // namespace aura::core

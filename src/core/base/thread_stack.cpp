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
#include <linux/futex.h>
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
    struct sigaction ours{};
    ours.sa_sigaction = &on_signal;
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    ::sigfillset(&ours.sa_mask);
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
        struct sigaction before{};
        if (::sigaction(signal, nullptr, &before) != 0 || (before.sa_flags & SA_SIGINFO) != 0 ||
            before.sa_handler != SIG_DFL || ::sigaction(signal, &ours, &before) != 0)
            continue;
        if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL)
            return signal;
        (void)::sigaction(signal, &before, nullptr); // the program took it in between
    }
    return 0;
}

/// Of the system calls that wait those which go on after a handler with SA_RESTART whatever they wait for: see
/// signal(7). Of reads and writes it depends on the file and on its options.
bool goes_on(long number, const char* arguments) noexcept {
    if (number == SYS_wait4 || number == SYS_waitid)
        return true;
    if (number != SYS_futex)
        return false;
    unsigned long argument[4] = {}; // address, operation, value, timeout
    for (unsigned long& a : argument) {
        char* end = nullptr;
        a = std::strtoul(arguments, &end, 16);
        if (end == arguments)
            return false;
        arguments = end;
    }
    const unsigned long operation = argument[1] & static_cast<unsigned long>(FUTEX_CMD_MASK);
    return (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET) && argument[3] == 0;
}

/// Why a thread that is seen so is left alone; empty: it is not.
std::string objection(const std::string& call, const thread_signals& state, int signal) {
    if (call.empty() || !state.known)
        return "what it does cannot be seen";
    if ((state.blocked >> (signal - 1) & 1) != 0)
        return "it blocks the signal";
    if (call.starts_with("running"))
        return {};
    char* arguments = nullptr;
    const long number = std::strtol(call.c_str(), &arguments, 10);
    if (number == -1 || goes_on(number, arguments)) // -1: in none
        return {};
    return "it is in system call " + std::to_string(number) + ", which a signal might end";
}

void wait_some(long milliseconds) noexcept {
    const timespec pause{0, milliseconds * 1'000'000};
    ::nanosleep(&pause, nullptr);
}

/// The same for some milliseconds: a thread that goes to sleep again and again may be about to, in a system call that
/// a signal would end.
std::string lasting_objection(int thread, int signal) {
    const thread_signals before = describe_signals(thread);
    if (std::string why = objection(describe_system_call(thread), before, signal); !why.empty())
        return why;
    wait_some(5);
    const thread_signals now = describe_signals(thread);
    if (std::string why = objection(describe_system_call(thread), now, signal); !why.empty())
        return why;
    return now.sleeps == before.sleeps ? std::string() : "it goes to sleep time and again";
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
            wait_some(1);
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
    // Acquire: an answer that came late is complete.
    if (whose.load(std::memory_order_relaxed) == at_work && count.load(std::memory_order_acquire) < 0)
        return "  no stack: the thread that was asked last has not answered yet\n";
    void* first[2];
    (void)::backtrace(first, 2); // loads what it needs, which a handler must not
    const int signal = take_signal();
    if (signal == 0)
        return "  no stack: the program has all real-time signals\n";
    // Last, and then the signal at once: the thread goes on meanwhile.
    if (const std::string why = lasting_objection(thread, signal); !why.empty())
        return "  no stack: " + why + '\n';
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

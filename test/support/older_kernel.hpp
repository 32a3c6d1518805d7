// older_kernel: makes this process see an io_uring that is older, or forbidden, by a seccomp filter.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace test {

/// What the kernel lacks. Filters cannot be taken off again: only in a process of its own.
class older_kernel {
public:
    /// io_uring_setup(2) fails with `error`. False: filters are not allowed here, errno says why.
    static bool without_rings(int error) { return refuse(__NR_io_uring_setup, error); }

    /// A sandbox: the call of this number fails with `error`, for the calling thread and those it starts later;
    /// with `everywhere` for all threads of the process.
    static bool refuse(long call, int error, bool everywhere = false) {
        const sock_filter program[] = {
            load(offsetof(seccomp_data, nr)),
            jump_unless(call, 1),
            answer(SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
            answer(SECCOMP_RET_ALLOW),
        };
        return install(program, everywhere ? SECCOMP_FILTER_FLAG_TSYNC : 0) >= 0;
    }

    /// A sandbox that ends the process for a call of this number.
    static bool forbid(long call) {
        const sock_filter program[] = {
            load(offsetof(seccomp_data, nr)),
            jump_unless(call, 1),
            answer(SECCOMP_RET_KILL_PROCESS),
            answer(SECCOMP_RET_ALLOW),
        };
        return install(program, SECCOMP_FILTER_FLAG_TSYNC) >= 0;
    }

    /// io_uring_register(2) fails with EINVAL whatever it is asked: no probe, no registered ring descriptor,
    /// no synchronous messages. As Linux 5.4, which had the call, and not these operations. Or with another
    /// error, as in a sandbox. For the calling thread, and those that it starts later.
    static bool without_registration(int error = EINVAL) { return refuse(__NR_io_uring_register, error); }

    /// No IORING_REGISTER_CLONE_BUFFERS (30): as Linux before 6.12.
    static bool without_buffer_clones() {
        const sock_filter program[] = {
            load(offsetof(seccomp_data, nr)),      jump_unless(__NR_io_uring_register, 3),
            load(offsetof(seccomp_data, args[1])), jump_unless(30, 1),
            answer(SECCOMP_RET_ERRNO | EINVAL),    answer(SECCOMP_RET_ALLOW),
        };
        return install(program, 0) >= 0;
    }

    /// io_uring_setup(2) knows only set-up flags in `flags` and reports only features in `features`. The
    /// calls are made by another thread of this process, which has no filter.
    static bool with_only(unsigned flags, unsigned features) {
        static std::atomic<int> listener{-1};
        std::thread([=] { // before the filter, which threads inherit
            listener.wait(-1);
            serve(listener, flags, features);
        })
            .detach();
        const sock_filter program[] = {
            load(offsetof(seccomp_data, nr)),
            jump_unless(__NR_io_uring_setup, 1),
            answer(SECCOMP_RET_USER_NOTIF),
            answer(SECCOMP_RET_ALLOW),
        };
        const int fd = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
        if (fd < 0)
            return false;
        listener = fd;
        listener.notify_one();
        return true;
    }

private:
    static constexpr sock_filter load(std::size_t offset) {
        return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<unsigned>(offset)};
    }
    static constexpr sock_filter jump_unless(long call, unsigned char distance) {
        return {BPF_JMP | BPF_JEQ | BPF_K, 0, distance, static_cast<unsigned>(call)};
    }
    static constexpr sock_filter answer(unsigned what) { return {BPF_RET | BPF_K, 0, 0, what}; }

    template <std::size_t N>
    static int install(const sock_filter (&program)[N], unsigned flags) {
        sock_filter copy[N];
        for (std::size_t i = 0; i < N; ++i)
            copy[i] = program[i];
        sock_fprog all{static_cast<unsigned short>(N), copy};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            return -1;
        return static_cast<int>(::syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &all));
    }

    // The other thread waits in its system call while this one touches its parameters: an order
    // ThreadSanitizer cannot see.
    __attribute__((no_sanitize("thread"))) static void serve(int listener, unsigned flags,
                                                             unsigned features) {
        for (;;) {
            seccomp_notif call{};
            if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
                if (errno == EINTR)
                    continue;
                return;
            }
            seccomp_notif_resp reply{};
            reply.id = call.id;
            // NOLINTNEXTLINE(performance-no-int-to-ptr): an address in this process, as the call has it
            auto* parameters = reinterpret_cast<io_uring_params*>(call.data.args[1]);
            if ((parameters->flags & ~flags) != 0) {
                reply.error = -EINVAL;
            } else {
                const long fd = ::syscall(__NR_io_uring_setup, call.data.args[0], parameters);
                reply.val = fd;
                reply.error = fd < 0 ? -errno : 0;
                parameters->features &= features;
            }
            ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
        }
    }
};

} // namespace test

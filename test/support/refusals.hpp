// refusals: the calls that a sandbox may refuse, and the answers it may give.
#pragma once

#include "support/older_kernel.hpp"
#include "support/other_process.hpp"

#include <cerrno>
#include <cstring>
#include <ostream>
#include <string>
#include <sys/syscall.h>
#include <vector>

namespace test {

struct refusal {
    const char* call;
    long number;
    int error;

    /// Refuses it from now on, in all threads of the process. Ends the test where there are no filters.
    void install() const {
        if (!older_kernel::refuse(number, error, true))
            test::exit_skipping(std::string("seccomp filters are not allowed here: ") + std::strerror(errno));
    }
    bool of(long call_number) const noexcept { return number == call_number; }
};

inline void PrintTo(const refusal& r, std::ostream* out) {
    *out << r.call << ": " << std::strerror(r.error);
}

/// The matrix.
inline std::vector<refusal> all_refusals() {
    std::vector<refusal> all;
    for (const int error : {EPERM, ENOSYS, EACCES, EOPNOTSUPP, ENOMEM, EMFILE})
        for (const refusal& r : {refusal{"io_uring_setup", __NR_io_uring_setup, error},
                                 refusal{"io_uring_enter", __NR_io_uring_enter, error},
                                 refusal{"io_uring_register", __NR_io_uring_register, error}})
            all.push_back(r);
    return all;
}

} // namespace test

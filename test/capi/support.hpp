// support: what the tests of the C library share.
#pragma once

#include <auraio/aura.h>

#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace test {

struct destroy_engine {
    void operator()(aura_engine_t* e) const { EXPECT_EQ(aura_destroy(e), 0); }
};
using engine_ptr = std::unique_ptr<aura_engine_t, destroy_engine>;

inline engine_ptr make_engine(int rings = 0, aura_ring_select_t mode = AURA_SELECT_ADAPTIVE,
                              aura_backend_t backend = AURA_BACKEND_AUTO) {
    aura_options_t options;
    aura_options_init(&options);
    options.ring_count = rings;
    options.ring_select = mode;
    options.backend = backend;
    engine_ptr e(aura_create_with_options(&options));
    if (!e)
        ADD_FAILURE() << "aura_create_with_options: errno " << errno;
    return e;
}

/// For what io_uring alone limits or needs, whichever backend the tests are run on.
inline engine_ptr make_engine_of_rings() {
    return make_engine(0, AURA_SELECT_ADAPTIVE, AURA_BACKEND_URING);
}

/// What became of one operation. Must outlive it.
struct ended {
    std::atomic<int> calls{0};
    std::atomic<ssize_t> result{-12345};
    std::atomic<aura_request_t*> request{nullptr};

    static void note(aura_request_t* r, ssize_t result, void* self) {
        auto& e = *static_cast<ended*>(self);
        e.result = result;
        e.request = r;
        ++e.calls;
    }
};

/// Runs callbacks until `e` has ended; its result.
inline ssize_t finish(const engine_ptr& engine, const ended& e) {
    while (e.calls == 0) {
        const int n = aura_wait(engine.get(), 20000);
        if (n <= 0) {
            ADD_FAILURE() << "aura_wait: " << n;
            return -99999;
        }
    }
    EXPECT_EQ(e.calls, 1);
    return e.result;
}

class unique_fd {
public:
    explicit unique_fd(int fd = -1)
        : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    unique_fd(const unique_fd&) = delete;
    ~unique_fd() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

struct pipe_ends {
    pipe_ends() {
        int fds[2] = {-1, -1};
        EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
        read_end = fds[0];
        write_end = fds[1];
    }
    ~pipe_ends() {
        ::close(read_end);
        ::close(write_end);
    }
    pipe_ends(const pipe_ends&) = delete;
    int read_end = -1;
    int write_end = -1;
};

} // namespace test

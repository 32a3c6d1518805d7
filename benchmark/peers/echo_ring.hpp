// The ring of a hand-written server, and a ring of provided buffers.
#pragma once

#include "support/failure.hpp"
#include "support/served_load.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <liburing.h>
#include <sys/mman.h>

namespace benchmark {

class echo_ring {
public:
    static unsigned setup_flags(const std::string& name) {
        if (name == "coop")
            return IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        if (name == "defer")
            return IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        if (name == "none")
            return 0;
        fail("ring is coop, defer or none");
    }

    echo_ring(unsigned flags, server_counters& counters)
        : counters_(counters) {
        io_uring_params params{};
        params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
        params.cq_entries = 16384;
        if (const int result = ::io_uring_queue_init_params(4096, &ring_, &params); result < 0)
            unsupported("io_uring_setup", -result);
        if (const int result = ::io_uring_register_ring_fd(&ring_); result < 0)
            unsupported("IORING_REGISTER_RING_FDS", -result);
    }

    ~echo_ring() { ::io_uring_queue_exit(&ring_); }
    echo_ring(const echo_ring&) = delete;
    echo_ring& operator=(const echo_ring&) = delete;

    io_uring* get() { return &ring_; }

    io_uring_sqe* entry() {
        for (;;) {
            if (io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_))
                return sqe;
            ::io_uring_submit(&ring_);
        }
    }

    // One system call that submits what is due and waits for something; then every completion there is.
    template <typename Handler>
    void turn(Handler&& handle) {
        if (const int result = ::io_uring_submit_and_wait(&ring_, 1); result < 0 && result != -EINTR)
            fail("io_uring_enter", -result);
        reap(handle);
    }

    // The same without waiting.
    template <typename Handler>
    void look(Handler&& handle) {
        if (const int result = ::io_uring_submit_and_get_events(&ring_); result < 0 && result != -EINTR)
            fail("io_uring_enter", -result);
        reap(handle);
    }

private:
    template <typename Handler>
    void reap(Handler& handle) {
        unsigned seen = 0;
        unsigned head = 0;
        io_uring_cqe* cqe = nullptr;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            ++seen;
            handle(*cqe);
        }
        ::io_uring_cq_advance(&ring_, seen);
        server_counters::add(counters_.enters, 1);
        server_counters::add(counters_.completions, seen);
    }

    io_uring ring_{};
    server_counters& counters_;
};

// Buffers the kernel chooses from. Those given back reach it with the next publish().
class buffer_ring {
public:
    static constexpr unsigned short group = 0;

    buffer_ring(io_uring* ring, std::size_t count, unsigned size)
        : count_(std::clamp<unsigned>(std::bit_ceil(static_cast<unsigned>(count)), 64, 32768))
        , size_(size)
        , memory_(std::size_t{count_} * size)
        , lengths_(count_)
        , next_(count_) {
        const std::size_t bytes = count_ * sizeof(io_uring_buf);
        void* const mapped =
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED)
            fail("mmap", errno);
        shared_ = static_cast<io_uring_buf_ring*>(mapped);
        ::io_uring_buf_ring_init(shared_);
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uint64_t>(mapped);
        registration.ring_entries = count_;
        registration.bgid = group;
        if (const int result = ::io_uring_register_buf_ring(ring, &registration, 0); result < 0)
            unsupported("IORING_REGISTER_PBUF_RING", -result);
        for (unsigned i = 0; i < count_; ++i)
            give_back(i);
        publish();
    }

    std::byte* data(unsigned buffer) { return memory_.data() + std::size_t{buffer} * size_; }
    unsigned& length(unsigned buffer) { return lengths_[buffer]; }
    unsigned& next(unsigned buffer) { return next_[buffer]; }

    void give_back(unsigned buffer) {
        ::io_uring_buf_ring_add(shared_, data(buffer), size_, static_cast<unsigned short>(buffer),
                                ::io_uring_buf_ring_mask(count_), pending_++);
    }

    void publish() {
        ::io_uring_buf_ring_advance(shared_, pending_);
        pending_ = 0;
    }

private:
    unsigned count_;
    unsigned size_;
    std::vector<std::byte> memory_;
    std::vector<unsigned> lengths_;
    std::vector<unsigned> next_;
    io_uring_buf_ring* shared_ = nullptr;
    int pending_ = 0;
};

} // namespace benchmark

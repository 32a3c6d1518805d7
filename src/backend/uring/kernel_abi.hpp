// kernel_abi: constants of <linux/io_uring.h> that are younger than the liburing 2.3 this builds against.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>
#include <liburing.h>

namespace aura::core::uring {

inline constexpr unsigned enter_no_iowait = 1u << 7;       // IORING_ENTER_NO_IOWAIT
inline constexpr unsigned feature_no_iowait = 1u << 17;    // IORING_FEAT_NO_IOWAIT
inline constexpr unsigned enter_registered_ring = 1u << 4; // IORING_ENTER_REGISTERED_RING
inline constexpr unsigned register_worker_limits = 19;     // IORING_REGISTER_IOWQ_MAX_WORKERS
inline constexpr unsigned register_ring_fds = 20;          // IORING_REGISTER_RING_FDS
inline constexpr unsigned unregister_ring_fds = 21;        // IORING_UNREGISTER_RING_FDS
inline constexpr unsigned register_send_message = 31;      // IORING_REGISTER_SEND_MSG_RING
inline constexpr unsigned register_clone_buffers = 30;     // IORING_REGISTER_CLONE_BUFFERS
inline constexpr int rwf_nosignal = 0x100;                 // RWF_NOSIGNAL
inline constexpr unsigned short accept_dont_wait = 1 << 1; // IORING_ACCEPT_DONTWAIT
inline constexpr unsigned more_in_socket = 1u << 2;        // IORING_CQE_F_SOCK_NONEMPTY
inline constexpr unsigned char op_futex_wait = 51;         // IORING_OP_FUTEX_WAIT
inline constexpr int futex2_size_u32 = 0x02;               // FUTEX2_SIZE_U32
inline constexpr unsigned char op_ftruncate = 55;          // IORING_OP_FTRUNCATE

struct clone_buffers_argument { // struct io_uring_clone_buffers
    std::uint32_t src_fd;
    std::uint32_t flags;
    std::uint32_t src_off;
    std::uint32_t dst_off;
    std::uint32_t nr; // 0: all
    std::uint32_t pad[3];
};
static_assert(sizeof(clone_buffers_argument) == 32);

inline __kernel_timespec kernel_timespec_of(nanoseconds_t t) noexcept {
    __kernel_timespec time{};
    time.tv_sec = static_cast<long long>(t / 1'000'000'000u);
    time.tv_nsec = static_cast<long long>(t % 1'000'000'000u);
    return time;
}

} // namespace aura::core::uring

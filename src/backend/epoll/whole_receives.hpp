// whole_receives: receives that have to wait for all of what they ask for (MSG_WAITALL), and what has come so far.
#pragma once

#include "auraio/core/io/io_operation.hpp"

#include <cstddef>
#include <sys/socket.h>
#include <vector>

namespace aura::core::epoll {

/// The kernel's own MSG_WAITALL waits. Here each part is received as it comes, into what is left of the buffers; in
/// what order, and that nobody receives in between, is the lane's business. Allocates when the first part of such a
/// receive is not the last.
class whole_receives {
public:
    bool empty() const noexcept { return parts_.empty(); }

    /// Whether a receive is one of these; others are whole as soon as anything has come.
    static bool asks_for_all(const short_request& r) noexcept {
        const bool receives = r.kind == request_kind::recv || r.kind == request_kind::recvmsg;
        constexpr std::uint32_t others = MSG_WAITALL | MSG_OOB | MSG_ERRQUEUE;
        return receives && (r.flags & others) == MSG_WAITALL;
    }

    /// Takes what there is. -EAGAIN: there has to be more.
    int attempt(const io_operation& op, int fd) noexcept;

    /// `op` is at its end with `result`: what it comes to with what has been received.
    int end(const io_operation& op, int result) noexcept;

    void clear() noexcept { parts_.clear(); }

private:
    struct part {
        const io_operation* op;
        std::size_t got;
    };
    std::vector<part>::iterator find(const io_operation& op) noexcept;
    bool remember(const io_operation& op, std::size_t got) noexcept;

    std::vector<part> parts_; // few: who asks for all of something at a time
};

} // namespace aura::core::epoll

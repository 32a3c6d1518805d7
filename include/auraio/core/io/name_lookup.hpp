// name_lookup: an operation that asks for the addresses of a name, or for the names of an address, in a
// thread of the pool.
#pragma once

#include "auraio/core/operation/cancellation.hpp"

#include <cstdint>
#include <memory>
#include <netdb.h>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace aura::core {

class engine;
class shard;

/// What getaddrinfo(3) or getnameinfo(3) is asked. Which of them: whether there is an address.
struct name_question {
    std::string host; ///< empty: none
    std::string service;
    addrinfo hints{};

    sockaddr_storage address{};
    socklen_t address_size = 0;
    bool datagram = false; ///< service names of UDP

    bool is_reverse() const noexcept { return address_size != 0; }
};

struct name_answer {
    struct free_addresses {
        void operator()(addrinfo* a) const noexcept { ::freeaddrinfo(a); }
    };
    std::unique_ptr<addrinfo, free_addresses> addresses;
    std::string host, service; ///< of an address
    int error = 0;             ///< EAI_*
    int system_error = 0;      ///< errno, where that is EAI_SYSTEM
};

/// Asks, in the calling thread, for as long as it takes.
name_answer look_up(const name_question& q) noexcept;

/// One question with its handler, which a derived class adds.
///
/// A look-up that is cancelled completes at once; the call, where it is under way, goes on in its thread, and
/// concerns nobody any more. In a child of fork(2) what is pending is asked once more.
///
/// All look-ups of the process have `most_at_once` threads of the pool between them, which are no threads of
/// files: what waits for a slow name server are other look-ups only.
class name_lookup : public cancellable_operation {
public:
    static constexpr unsigned most_at_once = 8;

    /// For cancel(): those that belong together, an object's. No number comes again.
    using group = std::uint64_t;
    static group new_group() noexcept;

    /// Asks the question; the operation completes on `home`. It is not touched afterwards.
    static void start(name_lookup& op, shard& home, group g) noexcept;

    /// Any thread. All that are pending in the group end with -ECANCELED.
    static void cancel(group g) noexcept;

    /// 0, with an answer (which may be an error), or -ECANCELED, without.
    int result() const noexcept { return result_; }
    const name_question& question() const noexcept;
    name_answer& answer() noexcept;

    /// No look-up is left on any shard of `e`: they become ready, cancelled. For the engine's shutdown.
    static void abandon(const engine& e) noexcept;

    /// In a forked child: those of `e` are asked once more.
    static void repeat_after_fork(const engine& e) noexcept;

    /// A line for each that is pending on a shard of `e`.
    static void describe(const engine& e, std::vector<std::string>& out);

protected:
    name_lookup(function f, name_question&& q);
    ~name_lookup();

    void on_cancel() noexcept; ///< what a derived operation's function does for action::cancel

private:
    struct state; // shared with the thread that asks
    class source;

    shard* home_ = nullptr;
    state* state_;
};

} // namespace aura::core

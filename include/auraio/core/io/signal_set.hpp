// signal_set: which signals an object waits for, those it has missed, and the operations that wait. One
// handler serves the process.
#pragma once

#include "auraio/core/operation/cancellation.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace aura::core {

class engine;
class shard;
class signal_set;

/// A wait for a signal of a set. result() is the signal's number, or -ECANCELED.
class signal_wait : public cancellable_operation {
public:
    int result() const noexcept { return result_; }

protected:
    explicit signal_wait(function f) noexcept
        : cancellable_operation(f) {}
    ~signal_wait() = default;

    void on_cancel(); ///< what a derived operation's function does for action::cancel

private:
    friend class signal_set;
    std::shared_ptr<signal_set> set_;
    int result_ = 0;
};

/// Signals reach a set on this way: the handler, the same for all signals, writes the number to a pipe of the
/// process; a ring on which somebody waits polls the pipe, and whoever finds something there deals it out to
/// all sets. What a set misses while nobody waits is counted, and ends its next waits, the smallest number
/// first.
///
/// Lives on one shard. Any thread may call any member; a lock of the process guards all sets and the table of
/// signals.
class signal_set : public std::enable_shared_from_this<signal_set> {
    struct only_here {}; // make_shared needs a public constructor
    class watch;

    /// Brings the set to its shard, to see there whether the poll is wanted, and drops the reference there. A
    /// part of the set: cancelling and destroying allocate nothing.
    class visit_message final : public operation {
    public:
        visit_message() noexcept
            : operation(&run) {
            set_message(true);
        }
        std::shared_ptr<signal_set> keep; // while it is on its way; guarded by the lock

    private:
        static void run(operation& base, action what);
    };

public:
    static constexpr int max_signal = 128; ///< as in Asio
    static constexpr int any_flags = -1;

    /// Throws engine_error when the process has no descriptors left for the pipe.
    static std::shared_ptr<signal_set> create(shard& home);
    signal_set(shard& home, only_here);
    ~signal_set();
    signal_set(const signal_set&) = delete;

    shard& home() const noexcept { return *home_; }

    /// 0 or a negated errno: EINVAL for a number that is none, or for flags (SA_RESTART and its like;
    /// any_flags: whatever they are) that differ from those the signal is caught with. Adding twice is no
    /// error.
    int add(int signal, int flags);

    /// Whether the set has the signal.
    bool contains(int signal) const;

    /// Forgets the signal, and what of it was missed. When no set has it any more the process treats it with
    /// `afterwards` (a handler, or SIG_DFL). 0 or a negated errno; removing what is not there is no error.
    int remove(int signal, void (*afterwards)(int));

    /// The first of the set's signals behind this one, in their order; -1: there is none.
    int signal_after(int signal) const noexcept;

    /// Ends with the signal that comes next, or has come already. `op` is not touched afterwards.
    void wait(signal_wait& op);

    /// All waits end with -ECANCELED.
    void cancel();

    /// Another handler of the process's that is to hear of every signal caught here, in signal context. At
    /// most four; adding one twice is the same as once.
    static void also_tell(void (*handler)(int)) noexcept;

    /// In a forked child: signals are told to this process, no longer to the parent.
    static void after_fork_in_child() noexcept;

    /// No wait is left on any shard of `e`: they become ready, cancelled. For the engine's shutdown.
    static void abandon(const engine& e);

    /// A line for each set on shards of `e` that somebody waits for.
    static void describe(const engine& e, std::vector<std::string>& out);

private:
    friend class signal_wait;
    struct registration {
        int signal;
        std::size_t missed;
    };
    struct registry;

    // With the lock held.
    std::vector<registration>::iterator find(int signal);
    void finish(signal_wait& op, int result);
    void finish_all(int result);

    void withdraw(signal_wait& op);
    void look_after();
    void look_after_here();
    void send_visit(std::shared_ptr<signal_set>&& keep);

    shard* const home_;
    std::vector<registration> registrations_; // guarded by the lock, sorted
    op_queue waits_;                          // guarded by the lock
    signal_set* previous_ = nullptr;          // links in the list of all sets, guarded by the lock
    signal_set* next_ = nullptr;
    std::unique_ptr<watch> watch_; // shard side
    visit_message visit_;
};

} // namespace aura::core

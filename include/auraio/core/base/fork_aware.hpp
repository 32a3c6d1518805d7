// fork_aware: what a child of fork(2) does before anything else, whether it is told of the fork or not.
#pragma once

#include <atomic>

namespace aura::core {

namespace detail {
inline constinit std::atomic<unsigned> forks{0};
} // namespace detail

/// How many forks lie between this process and the one that loaded the library. Whoever notes the number and
/// finds another later is in a child, and what it had of the kernel is the parent's. One load of a word that
/// changes only while a child has a single thread, before fork(2) returns there: hence relaxed. (A child of a
/// bare clone(2) or of vfork(2) does not count: it may only call exec.)
inline unsigned fork_generation() noexcept {
    return detail::forks.load(std::memory_order_relaxed);
}

/// An object that fork(2) copies although it stands for something that exists once. All that are alive are
/// told in the child: most programs fork to call exec and notify nobody.
class fork_aware {
public:
    fork_aware(const fork_aware&) = delete;
    fork_aware& operator=(const fork_aware&) = delete;

protected:
    /// `sever` is called in the child, where no other thread exists. Other threads of the parent may have
    /// been anywhere when they were copied: only what is async-signal-safe, and no locks. (No virtual
    /// function: nothing that derives from this is destroyed through it.) The first one throws engine_error
    /// when there is no memory for what the C library is to remember.
    using function = void (*)(fork_aware&) noexcept;
    explicit fork_aware(function sever);
    ~fork_aware();

    /// Another thread may fork while the object is made or destroyed, and the child must not see members that
    /// do not exist: it is told from enlist(), the last statement of the constructor, to delist(), the last
    /// of the destructor. What it does not hear of has no user there, whose thread is the parent's.
    void enlist() noexcept;
    void delist() noexcept;

private:
    struct registry;
    friend struct registry;

    const function sever_;
    fork_aware* next_ = nullptr;
    fork_aware* previous_ = nullptr;
    bool listed_ = false;
};

} // namespace aura::core

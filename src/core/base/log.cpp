// log: the receiver, and the lock that lets it be replaced.
#include "core/base/log.hpp"

#include "auraio/core/base/fork_aware.hpp"
#include "core/base/first_use.hpp"

#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <sys/uio.h>
#include <unistd.h>

namespace aura::core {

namespace {

class receiver final : private fork_aware {
public:
    static receiver& instance() {
        // A pointer: what a parent's thread has not finished stays in the list of what is told of forks.
        static constinit first_use<receiver*> r;
        return *r.get([] { return new receiver; });
    }

    void set(log_handler handler, void* user_data, void (*meanwhile)(void*), void* argument) {
        // Not held across fork(2): a handler that makes a context holds it and takes other locks, of which
        // fork(2) has some by then.
        std::lock_guard guard(mutex_);
        if (meanwhile)
            meanwhile(argument);
        handler_ = handler;
        user_data_ = user_data;
        // Relaxed, both: hints, and who acts on them takes the mutex.
        any_.store(handler != nullptr, std::memory_order_relaxed);
        ever_set_ = true;
    }

    void tell(log_level level, const char* message, bool to_standard_error) {
        std::lock_guard guard(mutex_);
        if (telling_)
            return;
        if (handler_) {
            telling_ = true;
            handler_(level, message, user_data_);
            telling_ = false;
        } else if (to_standard_error && !ever_set_) {
            char end[] = "\n";
            iovec line[] = {{const_cast<char*>(message), std::strlen(message)}, {end, 1}};
            [[maybe_unused]] const auto written = ::writev(STDERR_FILENO, line, 2);
        }
    }

    bool any() const noexcept { return any_.load(std::memory_order_relaxed); }

private:
    receiver()
        : fork_aware(&sever) {
        enlist();
    }

    /// Whoever held the lock may not exist here, and the thread that forked could not unlock it: it has
    /// another number.
    static void sever(fork_aware& self) noexcept {
        auto& r = static_cast<receiver&>(self);
        ::new (static_cast<void*>(&r.mutex_)) std::recursive_mutex;
        r.telling_ = false;
    }

    std::recursive_mutex mutex_; // guards what follows; recursive, as handlers may set handlers
    bool telling_ = false;       // a handler runs: its own messages would call it again
    bool ever_set_ = false;
    log_handler handler_ = nullptr;
    void* user_data_ = nullptr;
    std::atomic<bool> any_{false};
};

void tell(log_level level, const char* message, bool to_standard_error) noexcept {
    try {
        receiver::instance().tell(level, message, to_standard_error);
    } catch (...) { // NOLINT(bugprone-empty-catch): no memory for the receiver, and nobody to tell so
    }
}

} // namespace

void set_log_handler(log_handler handler, void* user_data) {
    receiver::instance().set(handler, user_data, nullptr, nullptr);
}

void change_log_handler(log_handler handler, void* user_data, void (*meanwhile)(void*), void* argument) {
    receiver::instance().set(handler, user_data, meanwhile, argument);
}

bool log_has_handler() noexcept {
    try {
        return receiver::instance().any();
    } catch (...) {
        return false;
    }
}

void log_message(log_level level, const char* message) noexcept {
    tell(level, message, false);
}

void announce(log_level level, const char* message) noexcept {
    tell(level, message, true);
}

} // namespace aura::core

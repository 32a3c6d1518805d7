// descriptor_owner: what every object with a file descriptor holds: an executor, a ring, a descriptor that
// may be null.
#pragma once

#include "auraio/core/io/assigned_numbers.hpp"
#include "auraio/core/io/descriptor.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/detail/ring_of.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <unistd.h>
#include <utility>

AURAIO_OPEN
namespace detail {

/// Moving it moves pending operations along; destroying it cancels them and closes. A moved-from owner is
/// closed and can be used again. Distinct objects: safe. Shared objects: unsafe; but any thread may use the
/// object.
template <class Executor>
class descriptor_owner {
public:
    explicit descriptor_owner(const Executor& e)
        : executor_(e)
        , home_(home_of(e)) {}
    descriptor_owner(descriptor_owner&& other) noexcept
        : executor_(other.executor_)
        , home_(other.home_)
        , descriptor_(std::exchange(other.descriptor_, nullptr))
              AURAIO_WHEN_TRACKING(, tracked_type_(other.tracked_type_)) {}
    template <class OtherExecutor>
    explicit descriptor_owner(descriptor_owner<OtherExecutor>&& other)
        : executor_(other.executor_)
        , home_(other.home_)
        , descriptor_(std::exchange(other.descriptor_, nullptr))
              AURAIO_WHEN_TRACKING(, tracked_type_(other.tracked_type_)) {}
    descriptor_owner& operator=(descriptor_owner&& other) noexcept {
        if (this != &other) {
            (void)close();
            std::destroy_at(&executor_); // executors need not be assignable
            std::construct_at(&executor_, other.executor_);
            home_ = other.home_;
            descriptor_ = std::exchange(other.descriptor_, nullptr);
        }
        return *this;
    }
    ~descriptor_owner() { (void)close(); }

    const Executor& executor() const noexcept { return executor_; }
    core::shard& home() const noexcept { return *home_.ring; }

    /// The same for an operation that is about to be made for it, and started.
    core::shard& home_to_start() noexcept {
        if (home_.open != 0 && descriptor_) [[unlikely]]
            descriptor_->settle(home_);
        return *home_.ring;
    }

    /// Null when closed.
    core::descriptor* get() const noexcept { return descriptor_; }
    int fd() const noexcept { return descriptor_ ? descriptor_->fd() : -1; }

    /// Precondition: closed.
    core::descriptor& adopt(int fd) { return *(descriptor_ = core::descriptor::create(*home_.ring, fd)); }

    /// Precondition: closed. adopt() for a descriptor of our own making, which is closed where there is no memory
    /// for it: 0 or a negated errno.
    int adopt_new(int fd) noexcept {
        try {
            adopt(fd);
        } catch (const std::bad_alloc&) {
            ::close(fd);
            return -ENOMEM;
        }
        return 0;
    }

    /// Precondition: closed. adopt() for a descriptor that the program has, and may have closed or given to
    /// another object: the flags of the open file or a negated errno.
    int assign(int fd) {
        bool noted = false;
        try {
            const int flags = core::note_assigned(home().owner(), fd);
            if (flags < 0)
                return flags;
            noted = true;
            adopt(fd).set_assigned();
            return flags;
        } catch (const std::bad_alloc&) { // an error, for which Asio's own callers close what they have made
            if (noted)
                core::forget_assigned(home().owner(), fd);
            return -ENOMEM;
        }
    }

    /// 0 or a negated errno.
    int close() noexcept {
        if (!descriptor_)
            return 0;
        AURAIO_WHEN_TRACKING(track("close");)
        forget();
        return std::exchange(descriptor_, nullptr)->close_and_forget();
    }

    /// Precondition: open. Or a negated errno, when the process has no descriptor left that would be needed
    /// for it; then it stays open.
    int release() {
        AURAIO_WHEN_TRACKING(track("release");)
        const bool assigned = descriptor_->is_assigned();
        const int number = descriptor_->fd();
        const int fd = descriptor_->release_and_forget();
        if (fd < 0)
            return fd;
        descriptor_ = nullptr;
        if (assigned)
            core::forget_assigned(home().owner(), number);
        return fd;
    }

    /// Precondition: not null. Requests cancellation of what was started before.
    void cancel() {
        AURAIO_WHEN_TRACKING(track("cancel");)
        descriptor_->cancel();
    }

    /// For synchronous calls: the number, once what was started before is on its way in the kernel, as Asio's
    /// would be; for those that may block see core::descriptor.
    int fd_in_order() const noexcept {
        if (descriptor_)
            descriptor_->submit_queued();
        return fd();
    }
    int fd_to_block_on() const noexcept {
        if (descriptor_)
            descriptor_->submit_before_blocking();
        return fd();
    }

    /// Precondition: open; nobody has it any more when this returns. See core::descriptor.
    void close(core::io_operation& op) {
        forget();
        std::exchange(descriptor_, nullptr)->close_and_forget(op);
    }

#if defined(AURAIO_TRACKS_HANDLERS)
    tracked_object tracked() const noexcept { return {tracked_type_, this}; }

protected:
    void track_as(const char* type) noexcept { tracked_type_ = type; }

private:
    void track(const char* name) const noexcept {
        if (fd() >= 0)
            track_operation(home().owner(), tracked(), fd(), name);
    }
#endif

private:
    template <class>
    friend class descriptor_owner;

    void forget() noexcept {
        if (descriptor_->is_assigned()) [[unlikely]]
            core::forget_assigned(home().owner(), descriptor_->fd());
    }

    Executor executor_;
    core::home_choice home_;
    core::descriptor* descriptor_ = nullptr;
    AURAIO_WHEN_TRACKING(const char* tracked_type_ = "descriptor";)
};

} // namespace detail
AURAIO_CLOSE

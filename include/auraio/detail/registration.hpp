// registration: what registered buffers and registered files share: a registration that ends with its owner,
// and waiting for its end.
#pragma once

#include "auraio/core/registered/registrations.hpp"
#include "auraio/detail/completion.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/detail/initiate.hpp"
#include "auraio/detail/op_memory.hpp"
#include "auraio/detail/transfer.hpp"
#include "auraio/error.hpp"
#include "auraio/executor.hpp"

#include AURAIO_ASIO(async_result.hpp)
#include AURAIO_ASIO(buffer_registration.hpp)

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

AURAIO_OPEN
namespace detail {

/// Makes Asio's registered buffers, which nobody else can. Their ids carry the engine they are registered
/// with.
struct registered_buffers_of : net::detail::buffer_registration_base {
    static net::mutable_registered_buffer make(const core::engine& owner, const net::mutable_buffer& b,
                                               int index) {
        return make_buffer(b, &owner, index);
    }

    /// EINVAL for a registered buffer of another context, 0 for all else.
    template <class Sequence>
    static int check(const core::engine& owner, const Sequence& buffers) {
        if constexpr (is_registered_buffer<Sequence>)
            return make(owner, {}, buffers.id().native_handle()).id() == buffers.id() ? 0 : EINVAL;
        else
            return 0;
    }
};

/// Throws what a registration that the kernel or the library has refused is to say.
[[noreturn]] inline void throw_registration_error(int error, const char* what) {
    std::string message = std::string("auraio: registering ") + what;
    switch (-error) {
    case EBUSY:
        message +=
            ": the context has some already, or those before are still in use (async_unregister() tells when "
            "they are not)";
        break;
    case ENOMEM:
        message += ": not enough memory that may be locked (raise RLIMIT_MEMLOCK, or register less)";
        break;
    case EFAULT:
        message += ": not memory that can be registered (mapped from a file, or not mapped at all)";
        break;
    default:
        break;
    }
    throw system_error(to_error_code(error), message);
}

/// Ends without anybody being told.
class unattended_end final : public core::operation {
public:
    unattended_end() noexcept
        : operation(&run) {}

private:
    static void run(core::operation& base, core::action) { delete &static_cast<unattended_end&>(base); }
};

/// A step of a registration, awaited with a handler: signature void(error_code).
template <class Handler, class IoExecutor>
class registration_op final : public core::operation AURAIO_ALSO_TRACKED {
public:
    template <class H>
    registration_op(H&& handler, const IoExecutor& io, const core::shard& home)
        : operation(&run)
        , completion_(std::forward<H>(handler), io, home, *this) {}

    void set_error(int error) noexcept { error_ = error; }

private:
    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<registration_op&>(base);
        const int error = self.error_;
        AURAIO_HANDLER_COMPLETION((self));
        completion<Handler, IoExecutor> done(self.completion_, self.calls_directly());
        free_op(self, done.handler());
        if (what == core::action::complete) {
            AURAIO_TRACK_CALL(done);
            AURAIO_TRACKED(done).call(to_error_code(error));
        }
    }

    kept_completion<Handler, IoExecutor> completion_;
    int error_ = 0;
};

/// Owns the registration of one kind with a context; what is registered is added by who holds this.
class registration {
public:
    registration(const executor& e, core::registration_kind kind)
        : executor_(e)
        , kind_(kind)
        , end_(std::make_unique<unattended_end>()) {}
    registration(registration&&) noexcept = default; // what is left has an executor still, and nothing to end
    registration& operator=(registration&& other) noexcept {
        if (this != &other) {
            end();
            executor_ = other.executor_;
            end_ = std::move(other.end_);
        }
        return *this;
    }
    ~registration() { end(); }

    /// For constructors: carries out `f`, which registers. Throws if it fails; then there is nothing to end.
    template <class F>
    void begin(const char* what, F f) {
        int error = 0;
        try {
            error = f(registered());
        } catch (const core::engine_error& e) {
            end_.reset();
            rethrow(e);
        } catch (...) {
            end_.reset();
            throw;
        }
        if (error == 0)
            return;
        end_.reset();
        throw_registration_error(error, what);
    }

    /// Whether it was begun, and nobody has asked for its end.
    bool lasts() const noexcept { return end_ != nullptr; }

    core::engine& engine() const noexcept { return *executor_.query(ring_t{}).engine; }
    core::registrations& registered() const noexcept { return engine().registered(); }

    /// In an initiation: starts a step. `step(operation, shard)` returns 0 or a negated errno, which the
    /// handler gets; `name` is the initiating function's.
    template <class Handler, class Step>
    void start([[maybe_unused]] const char* name, Handler&& handler, Step step) {
        core::shard& home = shard_for(executor_);
        auto* op = create_op<registration_op<std::decay_t<Handler>, executor>>(
            handler, std::forward<Handler>(handler), executor_, home);
        AURAIO_WHEN_TRACKING(track_creation(home.owner(), *op, {"registration", this}, 0, name);)
        if (const int error = step(*op, home)) {
            op->set_error(error);
            home.post(*op);
        }
    }

private:
    struct start_end {
        template <class Handler>
        void operator()(registration& self, Handler&& handler) const {
            self.start("async_unregister", std::forward<Handler>(handler),
                       [&self](core::operation& op, core::shard& home) {
                           if (!self.end_)
                               return -ENOENT;
                           // Once it is requested, the handler may have run in another thread, and destroyed
                           // the object, or registered anew.
                           auto end = std::move(self.end_);
                           const int refused = self.registered().request_end(self.kind_, op, home);
                           if (refused == -ENOMEM) // nothing was requested: it is to be asked for again
                               self.end_ = std::move(end);
                           return refused;
                       });
        }
    };

public:
    using executor_type = executor;
    using initiate_end = initiation<registration*, void(error_code), start_end>;
    const executor_type& get_executor() const noexcept { return executor_; }

private:
    void end() noexcept {
        if (!end_)
            return;
        // The memory for it is there since the registration began.
        if (registered().request_end(kind_, *end_, shard_for(executor_)) == 0) [[maybe_unused]]
            const auto* frees_itself = end_.release();
        end_.reset();
    }

    executor executor_;
    core::registration_kind kind_;
    std::unique_ptr<unattended_end> end_;
};

} // namespace detail
AURAIO_CLOSE

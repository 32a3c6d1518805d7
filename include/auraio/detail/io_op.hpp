// io_op: an I/O operation with its handler. What differs between kinds of I/O is a Work, given as a
// parameter.
#pragma once

#include "auraio/core/io/descriptor.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/detail/initiate.hpp"

#include <cerrno>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

AURAIO_OPEN
namespace detail {

// A Work describes one kind of I/O. It is constructed in its final place, from the operation's request (a
// core::short_request&, and if it extends_request a core::request_extension&, too), which it fills, and what
// it is started with; the request may be left out if somebody else fills it. It has
//
//   static constexpr bool concerns_descriptor;
//   void finish(int, Completion&);                 calls the handler with the arguments of its signature, or
//   void finish(int, bool wanted, Completion&);    wanted: there was something to ask the kernel for
//
// and, where it needs them,
//
//   static constexpr bool extends_request;         there are requests of it that need the extension
//   void request(short_request&[, request_extension&]);    the part of the request that points into the Work
//   int settle(core::io_operation&, bool destroyed);       if it concerns_descriptor: the result, before the
//                                                          memory goes
//   void take(const core::short_request&);         what the kernel has written to the request of a success
//   static void dispose(int);                      for a result that owns something, when the handler is not
//                                                  to be called
//   static constexpr bool transfers_file_data;     if it may use registered buffers and files
//   static constexpr bool asio_keeps_less;         if Asio waits for it before it asks, and so keeps no
//   request

template <class Work>
using operation_for =
    std::conditional_t<requires { Work::extends_request; }, core::extended_operation, core::io_operation>;

/// Programs give their handlers memory of a fixed size, measured on Asio's operations. Where Asio keeps less
/// than a request, such memory gets the handler alone; the request is in a recycled block of the thread's.
template <class Work, class Handler, class IoExecutor>
class io_op final : public operation_for<Work> AURAIO_ALSO_TRACKED {
    using base_type = operation_for<Work>;
    static constexpr bool extends = std::is_same_v<base_type, core::extended_operation>;

    using kept_type = kept_completion<Handler, IoExecutor>;
    static constexpr bool apart =
        requires { Work::asio_keeps_less; } && is_preference<net::associated_allocator_t<Handler>>;

public:
    /// Made by create() only. `kept` are the arguments of the completion, or, where that is apart, it itself.
    template <class... Kept, class... Args>
    io_op(std::tuple<Kept...> kept, Args&&... args)
        : base_type(&run, {})
        , work_(make_work(std::forward<Args>(args)...))
        , completion_(keep(std::move(kept))) {
        if constexpr (requires { work_.request(this->request_); })
            work_.request(this->request_);
        else if constexpr (extends)
            if constexpr (requires { work_.request(this->request_, this->extension_); })
                work_.request(this->request_, this->extension_);
        if constexpr (Work::concerns_descriptor)
            this->hold_target();
    }

    template <class H, class... Args>
    [[gnu::always_inline]] static io_op* create(H&& handler, const IoExecutor& io, const core::shard& home,
                                                Args&&... args) {
        if constexpr (apart) {
            call_manner manner{false};
            const auto note = [&](call_manner m) { manner = m; };
            struct guard {
                kept_type* kept;
                call_manner& manner;
                ~guard() {
                    if (kept) {
                        completion<Handler, IoExecutor> unused(*kept, manner.direct);
                        free_op(*kept, unused.handler());
                    }
                }
            } undo{create_op<kept_type>(handler, std::forward<H>(handler), io, home, note), manner};
            io_op* op =
                create_in<io_op>(std::allocator<void>(), std::tuple(undo.kept), std::forward<Args>(args)...);
            op->note(manner);
            undo.kept = nullptr;
            return op;
        } else {
            return create_op<io_op>(handler, std::forward_as_tuple(std::forward<H>(handler), io, home),
                                    std::forward<Args>(args)...);
        }
    }

    const Handler& handler() const noexcept {
        if constexpr (apart)
            return completion_->handler();
        else
            return completion_.handler();
    }
    using core::io_operation::let_go;

    /// Whether it may use registered buffers and files.
    static constexpr bool refers = requires { Work::transfers_file_data; };

private:
    /// One that concerns the descriptor has to do with its ring before the handler is called.
    void note(call_manner m) noexcept { this->set_manner(m.direct, m.leaves && !Work::concerns_descriptor); }

    using completion_member = std::conditional_t<apart, kept_type*, kept_type>;

    template <class... Kept>
    completion_member keep(std::tuple<Kept...> kept) {
        if constexpr (apart)
            return std::get<0>(kept);
        else
            return std::apply(
                [this](Kept... arguments) {
                    return kept_type(std::forward<Kept>(arguments)..., [this](call_manner m) { note(m); });
                },
                std::move(kept));
    }

    template <class... Args>
    Work make_work(Args&&... args) {
        if constexpr (extends)
            return Work(this->request_, this->extension_, std::forward<Args>(args)...);
        else if constexpr (std::is_constructible_v<Work, core::short_request&, Args...>)
            return Work(this->request_, std::forward<Args>(args)...);
        else
            return Work(std::forward<Args>(args)...);
    }

    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<io_op&>(base);
        if (core::stays_pending(self, what))
            return;
        int result = self.result();
        [[maybe_unused]] const bool wanted = self.request().kind != core::request_kind::nop;
        if constexpr (Work::concerns_descriptor) {
            result = self.work_.settle(self, what == core::action::destroy);
            self.let_go();
        } else if constexpr (refers) {
            self.end_reference();
        }
        if constexpr (requires { self.work_.take(self.request()); })
            if (what == core::action::complete && result >= 0)
                self.work_.take(self.request());
        AURAIO_HANDLER_COMPLETION((self));
        // The memory goes first: the handler may start the next operation in it.
        Work work(std::move(self.work_));
        const bool direct = self.calls_directly();
        completion_member& member = self.completion_;
        kept_type* kept = nullptr;
        if constexpr (apart) {
            kept = member;
            free_in(self, std::allocator<void>());
        } else {
            kept = &member;
        }
        completion<Handler, IoExecutor> done(*kept, direct);
        if constexpr (apart)
            free_op(*kept, done.handler());
        else
            free_op(self, done.handler());
        if (what == core::action::complete) {
            AURAIO_TRACK_CALL(done);
            if constexpr (requires { work.finish(result, wanted, AURAIO_TRACKED(done)); })
                work.finish(result, wanted, AURAIO_TRACKED(done));
            else
                work.finish(result, AURAIO_TRACKED(done));
        } else if constexpr (requires { Work::dispose(result); })
            Work::dispose(result);
    }

    [[no_unique_address]] Work work_;
    completion_member completion_;
};

/// Starts an operation on `target`; with `error` != 0 it completes with that instead, without reaching the
/// kernel. Never calls the handler from within.
template <class Work, class Handler, class IoExecutor, class... Args>
[[gnu::always_inline]] inline void
start_io(AURAIO_WHEN_TRACKING(const tracked_object& object, ) core::shard& home, core::descriptor* target,
         int error, net::cancellation_type_t accepted, Handler&& handler, const IoExecutor& io,
         Args&&... args) {
    using op_type = io_op<Work, std::decay_t<Handler>, IoExecutor>;
    auto* op = op_type::create(std::forward<Handler>(handler), io, home, std::forward<Args>(args)...);
    AURAIO_WHEN_TRACKING(track_creation(home.owner(), *op, object, target ? target->fd() : -1,
                                        operation_name<Work>(object, op->request()));)
    const bool nothing = op->request().kind == core::request_kind::nop;
    if constexpr (op_type::refers) {
        if (error == 0 && !nothing) {
            target = target->for_transfer(*op);
            if (!target) [[unlikely]] {
                home.post(*op);
                return;
            }
            error = -target->refer(*op);
        }
    }
    if (error != 0 || nothing) {
        op->set_result(-error);
        home.post(*op);
        return;
    }
    connect_slot(op->handler(), *op, home, accepted);
    target->start(*op);
}

/// Starts the closing of what `owner` holds, which lets go of it. Errors as in start_io(). It cannot be
/// cancelled: the slot stays unused.
template <class Work, class Owner, class Handler>
void start_close(Owner& owner, int error, Handler&& handler) {
    using op_type = io_op<Work, std::decay_t<Handler>, std::decay_t<decltype(owner.executor())>>;
    auto* op = op_type::create(std::forward<Handler>(handler), owner.executor(), owner.home());
    AURAIO_WHEN_TRACKING(
        track_creation(owner.home().owner(), *op, owner.tracked(), owner.fd(), "async_close");)
    if (error == 0) {
        owner.close(*op);
        return;
    }
    op->set_result(-error);
    owner.home().post(*op);
}

} // namespace detail
AURAIO_CLOSE

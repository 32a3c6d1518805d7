// filesystem: asynchronous operations on paths.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/detail/file_work.hpp"
#include "auraio/detail/io_op.hpp"
#include "auraio/detail/ring_of.hpp"
#include "auraio/io_context.hpp"

#include <string>

AURAIO_OPEN
namespace detail {

/// Stands, in an initiation, for the object that operations on paths do not have.
template <class Executor>
class paths_on {
    struct start {
        template <class Handler>
        void operator()(const paths_on& self, Handler&& handler, const core::io_request& r, std::string path,
                        std::string path2) const {
            core::shard& home = ring_of(self.executor_);
            start_io<path_request>(AURAIO_WHEN_TRACKING({"io_context", &context_of(home.owner())}, ) home,
                                   &home.loose(), 0, every_cancellation, std::forward<Handler>(handler),
                                   self.executor_, r, std::move(path), std::move(path2));
        }
    };

public:
    using element_type = const paths_on;
    using executor_type = Executor;
    using initiate_request = initiation<paths_on, void(error_code), start>;

    paths_on(const Executor& e)
        : executor_(e) {}
    const executor_type& get_executor() const noexcept { return executor_; }
    element_type& operator*() const noexcept { return *this; }

private:
    Executor executor_;
};

template <class Executor>
using initiate_path_request = typename paths_on<Executor>::initiate_request;
template <class Executor, class Token>
using path_request_result =
    initiated<initiate_path_request<Executor>, Token, core::io_request, std::string, std::string>;

inline core::io_request path_request_of(core::request_kind kind, unsigned flags = 0, unsigned mode = 0) {
    core::io_request r;
    r.kind = kind;
    r.flags = flags;
    r.length = mode;
    return r;
}

} // namespace detail

/// rename(2): replaces `to` if it exists. Signature void(error_code), real errno (ENOENT, EXDEV, EACCES,
/// ...). Paths are copied. Cancellation: terminal, partial, total: a cancelled rename has not happened. `e`
/// is an executor of an aura::io_context, or a strand of one; or a context, which stands for its executor.
/// Any thread.
template <class Executor, class Token = net::default_completion_token_t<Executor>,
          detail::is_any_executor<Executor> = 0>
auto async_rename(const Executor& e, std::string from, std::string to, Token&& token = Token())
    -> detail::path_request_result<Executor, Token> {
    return detail::initiate<detail::initiate_path_request<Executor>, Token>(
        e, token, detail::path_request_of(core::request_kind::renameat), std::move(from), std::move(to));
}
template <class Context, class Token = net::default_completion_token_t<typename Context::executor_type>,
          detail::is_any_context<Context> = 0>
auto async_rename(Context& c, std::string from, std::string to, Token&& token = Token())
    -> detail::path_request_result<typename Context::executor_type, Token> {
    return async_rename(c.get_executor(), std::move(from), std::move(to), std::forward<Token>(token));
}

/// unlink(2): removes a name of a file. As async_rename(). EISDIR for a directory.
template <class Executor, class Token = net::default_completion_token_t<Executor>,
          detail::is_any_executor<Executor> = 0>
auto async_unlink(const Executor& e, std::string path, Token&& token = Token())
    -> detail::path_request_result<Executor, Token> {
    return detail::initiate<detail::initiate_path_request<Executor>, Token>(
        e, token, detail::path_request_of(core::request_kind::unlinkat), std::move(path), std::string());
}
template <class Context, class Token = net::default_completion_token_t<typename Context::executor_type>,
          detail::is_any_context<Context> = 0>
auto async_unlink(Context& c, std::string path, Token&& token = Token())
    -> detail::path_request_result<typename Context::executor_type, Token> {
    return async_unlink(c.get_executor(), std::move(path), std::forward<Token>(token));
}

/// mkdir(2) with permissions 0777, less the process's umask. As async_rename(). EEXIST if there is such a
/// name.
template <class Executor, class Token = net::default_completion_token_t<Executor>,
          detail::is_any_executor<Executor> = 0>
auto async_mkdir(const Executor& e, std::string path, Token&& token = Token())
    -> detail::path_request_result<Executor, Token> {
    return detail::initiate<detail::initiate_path_request<Executor>, Token>(
        e, token, detail::path_request_of(core::request_kind::mkdirat, 0, 0777), std::move(path),
        std::string());
}
template <class Context, class Token = net::default_completion_token_t<typename Context::executor_type>,
          detail::is_any_context<Context> = 0>
auto async_mkdir(Context& c, std::string path, Token&& token = Token())
    -> detail::path_request_result<typename Context::executor_type, Token> {
    return async_mkdir(c.get_executor(), std::move(path), std::forward<Token>(token));
}

AURAIO_CLOSE

#endif

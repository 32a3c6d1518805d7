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

template <class Executor>
class initiate_path_request {
public:
    using executor_type = Executor;
    explicit initiate_path_request(const Executor& e)
        : executor_(e) {}
    const executor_type& get_executor() const noexcept { return executor_; }

    template <class Handler>
    void operator()(Handler&& handler, const core::io_request& r, std::string path, std::string path2) const {
        core::shard& home = ring_of(executor_);
        start_io<path_request>(AURAIO_WHEN_TRACKING({"io_context", &context_of(home.owner())}, ) home,
                               &home.loose(), 0, every_cancellation, std::forward<Handler>(handler),
                               executor_, r, std::move(path), std::move(path2));
    }

private:
    Executor executor_;
};

template <class Executor, class Token>
auto start_path_request(const Executor& e, Token&& token, const core::io_request& r, std::string path,
                        std::string path2 = {}) {
    return net::async_initiate<Token, void(error_code)>(initiate_path_request<Executor>(e), token, r,
                                                        std::move(path), std::move(path2));
}

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
template <detail::any_executor Executor, class Token = net::default_completion_token_t<Executor>>
auto async_rename(const Executor& e, std::string from, std::string to, Token&& token = Token()) {
    return detail::start_path_request(e, std::forward<Token>(token),
                                      detail::path_request_of(core::request_kind::renameat), std::move(from),
                                      std::move(to));
}
template <detail::any_context Context,
          class Token = net::default_completion_token_t<typename Context::executor_type>>
auto async_rename(Context& c, std::string from, std::string to, Token&& token = Token()) {
    return async_rename(c.get_executor(), std::move(from), std::move(to), std::forward<Token>(token));
}

/// unlink(2): removes a name of a file. As async_rename(). EISDIR for a directory.
template <detail::any_executor Executor, class Token = net::default_completion_token_t<Executor>>
auto async_unlink(const Executor& e, std::string path, Token&& token = Token()) {
    return detail::start_path_request(e, std::forward<Token>(token),
                                      detail::path_request_of(core::request_kind::unlinkat), std::move(path));
}
template <detail::any_context Context,
          class Token = net::default_completion_token_t<typename Context::executor_type>>
auto async_unlink(Context& c, std::string path, Token&& token = Token()) {
    return async_unlink(c.get_executor(), std::move(path), std::forward<Token>(token));
}

/// mkdir(2) with permissions 0777, less the process's umask. As async_rename(). EEXIST if there is such a
/// name.
template <detail::any_executor Executor, class Token = net::default_completion_token_t<Executor>>
auto async_mkdir(const Executor& e, std::string path, Token&& token = Token()) {
    return detail::start_path_request(e, std::forward<Token>(token),
                                      detail::path_request_of(core::request_kind::mkdirat, 0, 0777),
                                      std::move(path));
}
template <detail::any_context Context,
          class Token = net::default_completion_token_t<typename Context::executor_type>>
auto async_mkdir(Context& c, std::string path, Token&& token = Token()) {
    return async_mkdir(c.get_executor(), std::move(path), std::forward<Token>(token));
}

AURAIO_CLOSE

#endif

// adopted_resolver: Asio's resolver over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_resolver.hpp"
#include "auraio/detail/adopted.hpp"

AURAIO_NET_OPEN
namespace ip {

/// Forwards everything to the native resolver where the executor leads to a ring, to Asio's own otherwise.
template <class InternetProtocol>
class basic_resolver<InternetProtocol, any_io_executor> : public resolver_base {
    using error_code = aura::error_code;

    template <class Token>
    static constexpr bool are_flags = std::is_same_v<std::decay_t<Token>, resolver_base::flags>;

    struct start_resolve {
        template <class Resolver, class Handler, class... What>
        void operator()(Resolver& resolver, Handler&& handler, const What&... what) const {
            resolver.async_resolve(what..., std::forward<Handler>(handler));
        }
    };
    using initiate_resolve = aura::detail::adopted_initiation<
        basic_resolver, void(error_code, basic_resolver_results<InternetProtocol>), start_resolve>;

public:
    using executor_type = any_io_executor;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_resolver<InternetProtocol, OtherExecutor>;
    };
    using protocol_type = InternetProtocol;
    using endpoint_type = typename InternetProtocol::endpoint;
    using results_type = basic_resolver_results<InternetProtocol>;
#if defined(AURAIO_HAS_RESOLVER_QUERY)
    using query = basic_resolver_query<InternetProtocol>;
    using iterator = basic_resolver_iterator<InternetProtocol>;
#endif

    explicit basic_resolver(const executor_type& e)
        : impl_(e) {}
    template <aura::detail::context_for<executor_type> Context>
    explicit basic_resolver(Context& c)
        : basic_resolver(executor_type(c.get_executor())) {}
    basic_resolver(basic_resolver&&) = default;
    basic_resolver& operator=(basic_resolver&&) = default;
    template <aura::detail::adoptable_executor Executor>
    basic_resolver(basic_resolver<InternetProtocol, Executor>&& other)
        : impl_(std::in_place, aura::detail::adopt<adopted_type>(std::move(other))) {}
    template <aura::detail::adoptable_executor Executor>
    basic_resolver& operator=(basic_resolver<InternetProtocol, Executor>&& other) {
        return *this = basic_resolver(std::move(other));
    }
    ~basic_resolver() = default;

    executor_type get_executor() noexcept {
        return impl_.on([](auto& r) { return executor_type(r.get_executor()); });
    }
    void cancel() {
        impl_.on([](auto& r) { r.cancel(); });
    }

    /// Every overload of Asio's: what to look up, and perhaps where to put the error.
    template <class... Args>
        requires requires(basic_resolver<InternetProtocol, aura::any_io_executor>& r, Args&&... args) {
            r.resolve(std::forward<Args>(args)...);
        }
    results_type resolve(Args&&... args) {
        return impl_.on([&](auto& r) { return r.resolve(std::forward<Args>(args)...); });
    }

    template <class Token = default_completion_token_t<executor_type>>
        requires(!are_flags<Token>)
    decltype(auto) async_resolve(std::string_view host, std::string_view service, Token&& token = Token()) {
        return initiate(token, std::string(host), std::string(service));
    }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(std::string_view host, std::string_view service, resolver_base::flags f,
                                 Token&& token = Token()) {
        return initiate(token, std::string(host), std::string(service), f);
    }
    template <class Token = default_completion_token_t<executor_type>>
        requires(!are_flags<Token>)
    decltype(auto) async_resolve(const protocol_type& protocol, std::string_view host,
                                 std::string_view service, Token&& token = Token()) {
        return initiate(token, protocol, std::string(host), std::string(service));
    }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(const protocol_type& protocol, std::string_view host,
                                 std::string_view service, resolver_base::flags f, Token&& token = Token()) {
        return initiate(token, protocol, std::string(host), std::string(service), f);
    }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(const endpoint_type& e, Token&& token = Token()) {
        return initiate(token, e);
    }
#if defined(AURAIO_HAS_RESOLVER_QUERY)
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(const query& q, Token&& token = Token()) {
        return initiate(token, q);
    }
#endif

private:
    using adopted_type =
        aura::detail::adopted<basic_resolver<InternetProtocol, aura::any_io_executor>,
                              basic_resolver<InternetProtocol, aura::detail::stock_executor>>;
    template <class Token, class... What>
    decltype(auto) initiate(Token& token, What&&... what) {
        return async_initiate<Token, void(error_code, results_type)>(initiate_resolve(this), token,
                                                                     std::forward<What>(what)...);
    }

public:
    adopted_type impl_;
};

} // namespace ip
AURAIO_NET_CLOSE

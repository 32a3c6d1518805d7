// basic_resolver: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/initiate.hpp"
#include "auraio/detail/op_memory.hpp"
#include "auraio/detail/resolve_op.hpp"
#include "auraio/detail/ring_of.hpp"

#include AURAIO_ASIO(ip/basic_resolver.hpp)
#include AURAIO_ASIO(ip/resolver_base.hpp)

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

AURAIO_OPEN
namespace detail {

/// The types that Asio's deprecated overloads take and return, where it has them.
#if defined(AURAIO_HAS_DEPRECATED) && AURAIO_ASIO_VERSION < 103300 // later ones have the class alone
#define AURAIO_HAS_RESOLVER_QUERY
#endif

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN
namespace ip {

/// Name resolution for objects on a ring. Interface and meaning are Asio's; see there:
///
/// - async_resolve: signature void(error_code, results_type). Errors: those of getaddrinfo(3) as Asio
///   translates them, operation_aborted. Cancellation by the handler's slot: terminal, partial, total (Asio's
///   own has none).
/// - cancel() and destruction end pending look-ups at once; what is being asked goes on in its thread and
///   concerns nobody.
///
/// Unlike Asio's own it starts no event loop and no thread of its own: look-ups of all contexts share at most
/// eight threads of the process's pool, which end when they are idle, and other look-ups wait for one of
/// these. Pending ones survive a fork: each process gets its answer.
template <class InternetProtocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_resolver<InternetProtocol, Executor> : public resolver_base {
    using error_code = aura::error_code;

    template <class Token>
    static constexpr bool are_flags = std::is_same_v<std::decay_t<Token>, resolver_base::flags>;
    using question = aura::core::name_question;

    class initiate_async_resolve {
    public:
        using executor_type = Executor;
        explicit initiate_async_resolve(basic_resolver* self)
            : self_(self) {}
        executor_type get_executor() const noexcept { return self_->get_executor(); }

        template <class Handler>
        void operator()(Handler&& handler, question q) const {
            self_->start(std::forward<Handler>(handler), std::move(q));
        }

    private:
        basic_resolver* self_;
    };

public:
    using executor_type = Executor;
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
        : executor_(e)
        , home_(&aura::detail::ring_of(e)) {}
    template <aura::detail::context_for<executor_type> Context>
    explicit basic_resolver(Context& c)
        : basic_resolver(executor_type(c.get_executor())) {}

    /// What is pending moves along; the other one remains usable.
    basic_resolver(basic_resolver&& other) noexcept
        : executor_(other.executor_)
        , home_(other.home_)
        , group_(other.leave_group()) {}
    basic_resolver& operator=(basic_resolver&& other) noexcept {
        if (this != &other) {
            cancel();
            executor_ = other.executor_;
            home_ = other.home_;
            group_ = other.leave_group();
        }
        return *this;
    }

    template <class, class>
    friend class basic_resolver;
    template <class OtherExecutor>
        requires(std::is_convertible_v<OtherExecutor, Executor> && aura::detail::ring_executor<OtherExecutor>)
    basic_resolver(basic_resolver<InternetProtocol, OtherExecutor>&& other)
        : executor_(other.executor_)
        , home_(other.home_)
        , group_(other.leave_group()) {}
    template <class OtherExecutor>
        requires(std::is_convertible_v<OtherExecutor, Executor> && aura::detail::ring_executor<OtherExecutor>)
    basic_resolver& operator=(basic_resolver<InternetProtocol, OtherExecutor>&& other) {
        return *this = basic_resolver(std::move(other));
    }

    basic_resolver(const basic_resolver&) = delete;
    basic_resolver& operator=(const basic_resolver&) = delete;

    /// Pending look-ups complete with operation_aborted.
    ~basic_resolver() { aura::core::name_lookup::cancel(group_); }

    executor_type get_executor() noexcept { return executor_; }

    void cancel() {
        AURAIO_WHEN_TRACKING(aura::detail::track_operation(home_->owner(), {"resolver", this}, 0, "cancel");)
        aura::core::name_lookup::cancel(group_);
    }

    // ---- in the calling thread ----

    results_type resolve(std::string_view host, std::string_view service) {
        return resolve(host, service, resolver_base::flags());
    }
    results_type resolve(std::string_view host, std::string_view service, error_code& ec) {
        return resolve(host, service, resolver_base::flags(), ec);
    }
    results_type resolve(std::string_view host, std::string_view service, resolver_base::flags f) {
        return ask(of_any(host, service, f));
    }
    results_type resolve(std::string_view host, std::string_view service, resolver_base::flags f,
                         error_code& ec) {
        return ask(of_any(host, service, f), ec);
    }
    results_type resolve(const protocol_type& protocol, std::string_view host, std::string_view service) {
        return resolve(protocol, host, service, resolver_base::flags());
    }
    results_type resolve(const protocol_type& protocol, std::string_view host, std::string_view service,
                         error_code& ec) {
        return resolve(protocol, host, service, resolver_base::flags(), ec);
    }
    results_type resolve(const protocol_type& protocol, std::string_view host, std::string_view service,
                         resolver_base::flags f) {
        return ask(of(protocol, host, service, f));
    }
    results_type resolve(const protocol_type& protocol, std::string_view host, std::string_view service,
                         resolver_base::flags f, error_code& ec) {
        return ask(of(protocol, host, service, f), ec);
    }
    results_type resolve(const endpoint_type& e) { return ask(aura::detail::question_about(e)); }
    results_type resolve(const endpoint_type& e, error_code& ec) {
        return ask(aura::detail::question_about(e), ec);
    }

    // ---- asynchronously ----

    template <class Token = default_completion_token_t<executor_type>>
        requires(!are_flags<Token>)
    decltype(auto) async_resolve(std::string_view host, std::string_view service, Token&& token = Token()) {
        return initiate(of_any(host, service, {}), token);
    }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(std::string_view host, std::string_view service, resolver_base::flags f,
                                 Token&& token = Token()) {
        return initiate(of_any(host, service, f), token);
    }
    template <class Token = default_completion_token_t<executor_type>>
        requires(!are_flags<Token>)
    decltype(auto) async_resolve(const protocol_type& protocol, std::string_view host,
                                 std::string_view service, Token&& token = Token()) {
        return initiate(of(protocol, host, service, {}), token);
    }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(const protocol_type& protocol, std::string_view host,
                                 std::string_view service, resolver_base::flags f, Token&& token = Token()) {
        return initiate(of(protocol, host, service, f), token);
    }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(const endpoint_type& e, Token&& token = Token()) {
        return initiate(aura::detail::question_about(e), token);
    }

#if defined(AURAIO_HAS_RESOLVER_QUERY)
    results_type resolve(const query& q) { return ask(of_query(q)); }
    results_type resolve(const query& q, error_code& ec) { return ask(of_query(q), ec); }
    template <class Token = default_completion_token_t<executor_type>>
    decltype(auto) async_resolve(const query& q, Token&& token = Token()) {
        return initiate(of_query(q), token);
    }
#endif

private:
    using group = aura::core::name_lookup::group;

    static question of_any(std::string_view host, std::string_view service, resolver_base::flags f) {
        return aura::detail::question_about(endpoint_type().protocol(), AF_UNSPEC, std::string(host),
                                            std::string(service), static_cast<int>(f));
    }
    static question of(const protocol_type& protocol, std::string_view host, std::string_view service,
                       resolver_base::flags f) {
        return aura::detail::question_about(protocol, protocol.family(), std::string(host),
                                            std::string(service), static_cast<int>(f));
    }
#if defined(AURAIO_HAS_RESOLVER_QUERY)
    static question of_query(const query& q) {
        question result;
        result.host = q.host_name();
        result.service = q.service_name();
        result.hints = q.hints();
        return result;
    }
#endif

    static results_type ask(const question& q, error_code& ec) {
        const aura::core::name_answer answer = aura::core::look_up(q);
        ec = aura::detail::to_error_code(answer);
        return aura::detail::results_of<InternetProtocol>(q, answer);
    }
    static results_type ask(const question& q) {
        error_code ec;
        results_type results = ask(q, ec);
        aura::detail::throw_if(ec, "resolve");
        return results;
    }

    template <class Token>
    decltype(auto) initiate(question&& q, Token& token) {
        return async_initiate<Token, void(error_code, results_type)>(initiate_async_resolve(this), token,
                                                                     std::move(q));
    }

    template <class Handler>
    void start(Handler&& handler, question&& q) {
        aura::detail::check_handler<Handler, error_code, results_type>();
        using op_type = aura::detail::resolve_op<InternetProtocol, std::decay_t<Handler>, Executor>;
        auto* op = aura::detail::create_op<op_type>(handler, std::forward<Handler>(handler), executor_,
                                                    *home_, std::move(q));
        AURAIO_WHEN_TRACKING(
            aura::detail::track_creation(home_->owner(), *op, {"resolver", this}, 0, "async_resolve");)
        aura::detail::connect_slot(op->handler(), *op, *home_, aura::detail::every_cancellation);
        aura::core::name_lookup::start(*op, *home_, group_);
    }

    group leave_group() noexcept { return std::exchange(group_, aura::core::name_lookup::new_group()); }

    Executor executor_;
    aura::core::shard* home_;
    group group_ = aura::core::name_lookup::new_group();
};

} // namespace ip
AURAIO_NET_CLOSE

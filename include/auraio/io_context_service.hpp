// io_context_service: services of users whose constructor takes an io_context.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/io_context.hpp"

#include <type_traits>
#include <utility>

AURAIO_OPEN

/// Base of services that belong to an aura::io_context and are constructed with it. Those that are
/// constructed with an execution_context derive from that one's service, as with Asio.
class io_context::service : public net::execution_context::service {
public:
    /// The context it belongs to.
    io_context& get_io_context() { return static_cast<io_context&>(context()); }

#if defined(AURAIO_HAS_DEPRECATED)
    io_context& get_io_service() { return get_io_context(); }

private:
    void shutdown() override { shutdown_service(); }
    virtual void shutdown_service() {}
    void notify_fork(net::execution_context::fork_event event) override { fork_service(event); }
    virtual void fork_service(net::execution_context::fork_event) {}
#else
private:
    void shutdown() override {}
#endif

protected:
    /// Constructed by use_service() and its like.
    explicit service(io_context& owner)
        : net::execution_context::service(owner) {}
    ~service() override = default;
};

namespace detail {

/// A service as Asio can construct it, which knows the context for an execution_context. Asio tells services
/// apart by the identity they inherit, so this one goes by the name of what it is made of.
template <class Service>
class made_for_io_context : public Service {
public:
    template <class... Args>
    explicit made_for_io_context(net::execution_context& c, Args&&... args)
        : Service(static_cast<io_context&>(c), std::forward<Args>(args)...) {}
};

/// Whether Asio could not make the service by itself, and ours can.
template <class Service, class... Args>
concept service_of_io_context = !std::is_constructible_v<Service, net::execution_context&, Args...> &&
                                std::is_constructible_v<Service, io_context&, Args...>;

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// As Asio's for an asio::io_context: finds the service of this type, or makes one. These stand beside
/// Asio's, as calls of every kind find them here.
template <class Service>
Service& use_service(aura::io_context& ctx) {
    using namespace aura::detail;
    auto& context = static_cast<execution_context&>(ctx);
    if constexpr (service_of_io_context<Service>)
        return use_service<made_for_io_context<Service>>(context);
    else
        return use_service<Service>(context);
}
template <class Service, class... Args>
Service& make_service(aura::io_context& ctx, Args&&... args) {
    using namespace aura::detail;
    auto& context = static_cast<execution_context&>(ctx);
    if constexpr (service_of_io_context<Service, Args...>)
        return make_service<made_for_io_context<Service>>(context, std::forward<Args>(args)...);
    else
        return make_service<Service>(context, std::forward<Args>(args)...);
}

AURAIO_NET_CLOSE

AURAIO_OPEN
using net::make_service;
using net::use_service;
AURAIO_CLOSE

#endif

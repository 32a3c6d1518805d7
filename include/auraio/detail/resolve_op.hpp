// resolve_op: a look-up of names, with its handler, and what Asio makes of question and answer.
#pragma once

#include "auraio/core/io/name_lookup.hpp"
#include "auraio/detail/completion.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/detail/op_memory.hpp"
#include "auraio/error.hpp"

#include AURAIO_ASIO(ip/basic_resolver_results.hpp)

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

AURAIO_OPEN
namespace detail {

/// The endpoint whose names are asked for, as a question.
template <class Endpoint>
core::name_question question_about(const Endpoint& e) {
    core::name_question q;
    q.address_size = static_cast<socklen_t>(e.size());
    std::memcpy(&q.address, e.data(), e.size());
    q.datagram = e.protocol().type() == SOCK_DGRAM;
    return q;
}

/// `protocol` says of which kind addresses are to be; `family`, of which family, AF_UNSPEC being any.
template <class Protocol>
core::name_question question_about(const Protocol& protocol, int family, std::string host,
                                   std::string service, int flags) {
    core::name_question q;
    q.host = std::move(host);
    q.service = std::move(service);
    q.hints.ai_flags = flags;
    q.hints.ai_family = family;
    q.hints.ai_socktype = protocol.type();
    q.hints.ai_protocol = protocol.protocol();
    return q;
}

/// Asio's translation of the EAI_* errors.
inline error_code to_error_code(const core::name_answer& a) {
    switch (a.error) {
    case 0:
        return {};
    case EAI_AGAIN:
        return net::error::host_not_found_try_again;
    case EAI_BADFLAGS:
        return net::error::invalid_argument;
    case EAI_FAIL:
        return net::error::no_recovery;
    case EAI_FAMILY:
        return net::error::address_family_not_supported;
    case EAI_MEMORY:
        return net::error::no_memory;
    case EAI_NONAME:
#if defined(EAI_ADDRFAMILY)
    case EAI_ADDRFAMILY:
#endif
#if defined(EAI_NODATA)
    case EAI_NODATA:
#endif
        return net::error::host_not_found;
    case EAI_SERVICE:
        return net::error::service_not_found;
    case EAI_SOCKTYPE:
        return net::error::socket_type_not_supported;
    default:
        return error_code(a.system_error, system_category());
    }
}

template <class Protocol>
net::ip::basic_resolver_results<Protocol> results_of(const core::name_question& q,
                                                     const core::name_answer& a) {
    using results = net::ip::basic_resolver_results<Protocol>;
    if (a.error != 0)
        return {};
    if (!q.is_reverse())
        return results::create(a.addresses.get(), q.host, q.service);
    typename Protocol::endpoint e;
    e.resize(q.address_size);
    std::memcpy(e.data(), &q.address, q.address_size);
    return results::create(e, a.host, a.service);
}

template <class Protocol, class Handler, class IoExecutor>
class resolve_op final : public core::name_lookup AURAIO_ALSO_TRACKED {
public:
    template <class H>
    resolve_op(H&& handler, const IoExecutor& io, const core::shard& home, core::name_question&& q)
        : core::name_lookup(&run, std::move(q))
        , completion_(std::forward<H>(handler), io, home, *this) {}

    const Handler& handler() const noexcept { return completion_.handler(); }

private:
    /// Gives an operation's memory back, also when its results find none.
    struct freed_at_end {
        resolve_op& op;
        const Handler& handler;
        ~freed_at_end() { free_op(op, handler); }
    };

    /// Without memory for them the handler is told so: thrown, it would be lost.
    static void take_results(resolve_op& self, net::ip::basic_resolver_results<Protocol>& results,
                             error_code& ec) {
        try {
            results = results_of<Protocol>(self.question(), self.answer());
        } catch (const std::bad_alloc&) {
            ec = net::error::no_memory;
        }
    }

    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<resolve_op&>(base);
        if (what == core::action::cancel) {
            self.on_cancel();
            return;
        }
        AURAIO_HANDLER_COMPLETION((self));
        completion<Handler, IoExecutor> done(self.completion_, self.calls_directly());
        error_code ec;
        net::ip::basic_resolver_results<Protocol> results;
        {
            // The memory goes first: the handler may start the next look-up in it.
            const freed_at_end guard{self, done.handler()};
            if (what == core::action::complete) {
                ec = self.result() < 0 ? to_error_code(self.result()) : to_error_code(self.answer());
                if (self.result() >= 0)
                    take_results(self, results, ec);
            }
        }
        if (what == core::action::complete) {
            AURAIO_TRACK_CALL(done);
            AURAIO_TRACKED(done).call(ec, std::move(results));
        }
    }

    kept_completion<Handler, IoExecutor> completion_;
};

} // namespace detail
AURAIO_CLOSE

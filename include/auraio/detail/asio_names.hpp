// asio_names: Asio's names in namespace aura and in those inside it, each by a declaration.
#pragma once

#include "auraio/detail/every_name.hpp"

#include AURAIO_ASIO_EVERYTHING

#include <utility>

#if defined(AURAIO_EVERY_NAME)

// Made from what the syntax trees of asio.hpp declare in each release from 1.22.1 to 1.38.2. What Asio has
// for itself is here as well: programs use it.

AURAIO_NET_OPEN
namespace buffer_literals {}
namespace chrono {}
namespace error {}
namespace execution {}
namespace experimental {}
namespace placeholders {}
namespace resolver_errc {}
namespace socket_errc {}
namespace ssl {}
namespace stream_errc {}
namespace this_coro {}
namespace traits {}
AURAIO_NET_CLOSE

AURAIO_NET_OPEN
AURAIO_NET_INLINE_OPEN
template <class Executor>
class basic_yield_context;
AURAIO_NET_INLINE_CLOSE
AURAIO_NET_CLOSE

AURAIO_OPEN
namespace buffer_literals = net::buffer_literals;
namespace chrono = net::chrono;
namespace error = net::error;
namespace execution = net::execution;
namespace experimental = net::experimental;
namespace placeholders = net::placeholders;
namespace resolver_errc = net::resolver_errc;
namespace socket_errc = net::socket_errc;
namespace ssl = net::ssl;
namespace stream_errc = net::stream_errc;
namespace this_coro = net::this_coro;
namespace traits = net::traits;

using net::add_const;
using net::add_lvalue_reference;
using net::add_service;
using net::aligned_delete;
using net::aligned_new;
using net::aligned_storage;
using net::alignment_of;
using net::allocator_arg_t;
using net::allocator_binder;
using net::asio_handler_is_continuation;
using net::associated_allocator;
using net::associated_allocator_t;
using net::associated_cancellation_slot;
using net::associated_cancellation_slot_t;
using net::associated_executor;
using net::associated_executor_t;
using net::associator;
using net::async_completion;
using net::async_compose;
using net::async_connect;
using net::async_initiate;
using net::async_read;
using net::async_read_at;
using net::async_read_until;
using net::async_result;
using net::async_write;
using net::async_write_at;
using net::basic_string_view;
using net::basic_system_executor;
using net::bind_allocator;
using net::bind_cancellation_slot;
using net::bind_executor;
using net::buffer;
using net::buffer_copy;
using net::buffer_sequence_begin;
using net::buffer_sequence_end;
using net::buffer_size;
using net::buffered_read_stream;
using net::buffered_stream;
using net::buffered_write_stream;
using net::buffers_begin;
using net::buffers_end;
using net::buffers_iterator;
using net::can_prefer;
using net::can_prefer_v;
using net::can_query;
using net::can_query_v;
using net::can_require;
using net::can_require_concept;
using net::can_require_concept_v;
using net::can_require_v;
using net::cancellation_filter;
using net::cancellation_signal;
using net::cancellation_slot;
using net::cancellation_slot_binder;
using net::cancellation_state;
using net::cancellation_type;
using net::cancellation_type_t;
using net::completion_handler_for;
using net::completion_signature;
using net::completion_token_for;
using net::conditional;
using net::conjunction;
using net::connect;
using net::const_buffer;
using net::const_registered_buffer;
using net::constraint;
using net::coroutine;
using net::decay;
using net::declval;
using net::default_completion_token;
using net::default_completion_token_t;
using net::defaulted_constraint;
using net::defer;
using net::detached;
using net::detached_t;
using net::disable_cancellation;
using net::dispatch;
using net::dynamic_buffer;
using net::dynamic_string_buffer;
using net::dynamic_vector_buffer;
using net::enable_if;
using net::enable_partial_cancellation;
using net::enable_terminal_cancellation;
using net::enable_total_cancellation;
using net::execution_context;
using net::executor_arg;
using net::executor_arg_t;
using net::executor_binder;
using net::executor_work_guard;
using net::false_type;
using net::get_associated_allocator;
using net::get_associated_cancellation_slot;
using net::get_associated_executor;
using net::has_service;
using net::int16_t;
using net::int32_t;
using net::int64_t;
using net::int_least16_t;
using net::int_least32_t;
using net::int_least64_t;
using net::integral_constant;
using net::invalid_service_owner;
using net::is_applicable_property;
using net::is_applicable_property_v;
using net::is_base_of;
using net::is_class;
using net::is_const;
using net::is_const_buffer_sequence;
using net::is_constructible;
using net::is_convertible;
using net::is_copy_constructible;
using net::is_destructible;
using net::is_dynamic_buffer;
using net::is_dynamic_buffer_v1;
using net::is_dynamic_buffer_v2;
using net::is_endpoint_sequence;
using net::is_executor;
using net::is_function;
using net::is_match_condition;
using net::is_move_constructible;
using net::is_mutable_buffer_sequence;
using net::is_nothrow_copy_constructible;
using net::is_nothrow_destructible;
using net::is_nothrow_prefer;
using net::is_nothrow_prefer_v;
using net::is_nothrow_query;
using net::is_nothrow_query_v;
using net::is_nothrow_require;
using net::is_nothrow_require_concept;
using net::is_nothrow_require_concept_v;
using net::is_nothrow_require_v;
using net::is_object;
using net::is_read_buffered;
using net::is_reference;
using net::is_same;
using net::is_scalar;
using net::is_write_buffered;
using net::make_service;
using net::make_strand;
using net::make_work_guard;
using net::multiple_exceptions;
using net::mutable_buffer;
using net::mutable_registered_buffer;
using net::noncopyable;
using net::null_buffers;
using net::nullptr_t;
using net::post;
using net::prefer;
using net::prefer_result;
using net::prefer_t;
using net::query;
using net::query_result;
using net::query_t;
using net::read;
using net::read_at;
using net::read_until;
using net::recycling_allocator;
using net::redirect_error;
using net::redirect_error_t;
using net::ref;
using net::reference_wrapper;
using net::register_buffers;
using net::registered_buffer_id;
using net::remove_cv;
using net::remove_cvref;
using net::remove_pointer;
using net::remove_reference;
using net::require;
using net::require_concept;
using net::require_concept_result;
using net::require_concept_t;
using net::require_result;
using net::require_t;
using net::result_of;
using net::serial_port_base;
using net::service_already_exists;
using net::socket_base;
using net::static_thread_pool;
using net::strand;
using net::string_view;
using net::system_context;
using net::system_executor;
using net::thread_pool;
using net::transfer_all;
using net::transfer_at_least;
using net::transfer_exactly;
using net::true_type;
using net::uint16_t;
using net::uint32_t;
using net::uint64_t;
using net::uint_least16_t;
using net::uint_least32_t;
using net::uint_least64_t;
using net::uintmax_t;
using net::uintptr_t;
using net::use_future;
using net::use_future_t;
using net::use_service;
using net::uses_executor;
using net::void_type;
using net::wait_traits;
using net::write;
using net::write_at;
#if defined(AURAIO_HAS_THREAD)
using net::system_category;
#endif
#if AURAIO_ASIO_VERSION < 102900 && defined(AURAIO_HAS_DEPRECATED)
using net::asio_handler_allocate;
using net::asio_handler_deallocate;
using net::asio_handler_invoke;
#endif
#if AURAIO_ASIO_VERSION < 103300 && defined(AURAIO_HAS_DEPRECATED)
using net::buffer_cast;
using net::const_buffers_1;
using net::mutable_buffers_1;
#endif
#if AURAIO_ASIO_VERSION >= 102300
using net::append;
using net::append_t;
using net::as_tuple;
using net::as_tuple_t;
using net::async_operation;
using net::completion_signature_of;
using net::completion_signature_of_t;
using net::deferred;
using net::deferred_async_operation;
using net::deferred_conditional;
using net::deferred_function;
using net::deferred_noop;
using net::deferred_sequence;
using net::deferred_t;
using net::deferred_values;
using net::is_async_operation;
using net::is_contiguous_iterator;
using net::is_deferred;
using net::is_pointer;
using net::prepend;
using net::prepend_t;
#endif
#if AURAIO_ASIO_VERSION >= 102600
using net::any_completion_executor;
using net::any_completion_handler;
using net::any_completion_handler_allocator;
using net::consign;
using net::consign_t;
#endif
#if AURAIO_ASIO_VERSION >= 102700
using net::associated_immediate_executor;
using net::associated_immediate_executor_t;
using net::bind_immediate_executor;
using net::deferred_signatures;
using net::get_associated_immediate_executor;
using net::immediate_executor_binder;
using net::signal_set_base;
#endif
#if AURAIO_ASIO_VERSION >= 102900
using net::add_const_t;
using net::add_lvalue_reference_t;
using net::aligned_storage_t;
using net::conditional_t;
using net::constraint_t;
using net::decay_t;
using net::enable_if_t;
using net::prefer_result_t;
using net::query_result_t;
using net::remove_cv_t;
using net::remove_cvref_t;
using net::remove_pointer_t;
using net::remove_reference_t;
using net::require_concept_result_t;
using net::require_result_t;
using net::result_of_t;
using net::type_identity;
using net::type_identity_t;
using net::void_t;
#endif
#if AURAIO_ASIO_VERSION >= 103100
using net::async_immediate;
using net::cancel_after;
using net::cancel_after_t;
using net::cancel_after_timer;
using net::cancel_at;
using net::cancel_at_t;
using net::cancel_at_timer;
using net::composed;
using net::is_completion_condition;
using net::is_connect_condition;
using net::partial_allocator_binder;
using net::partial_as_tuple;
using net::partial_cancel_after;
using net::partial_cancel_after_timer;
using net::partial_cancel_at;
using net::partial_cancel_at_timer;
using net::partial_cancellation_slot_binder;
using net::partial_executor_binder;
using net::partial_immediate_executor_binder;
using net::partial_redirect_error;
#endif
#if AURAIO_ASIO_VERSION >= 103100 && defined(AURAIO_HAS_CO_AWAIT)
using net::co_composed;
#endif
#if AURAIO_ASIO_VERSION >= 103300
using net::config;
using net::config_from_concurrency_hint;
using net::config_from_env;
using net::config_from_string;
using net::config_service;
using net::disposition;
using net::disposition_traits;
using net::is_disposition;
using net::is_disposition_v;
using net::is_integral;
using net::is_nothrow_copy_assignable;
using net::is_nothrow_default_constructible;
using net::is_unsigned;
using net::no_error;
using net::no_error_t;
using net::to_exception_ptr;
#endif
#if AURAIO_ASIO_VERSION >= 103400
using net::is_nothrow_move_assignable;
using net::is_nothrow_move_constructible;
#endif
#if AURAIO_ASIO_VERSION >= 103800
using net::basic_inline_executor;
using net::inline_executor;
using net::inline_or;
using net::inline_or_executor;
using net::is_void;
using net::partial_redirect_disposition;
using net::redirect_disposition;
using net::redirect_disposition_t;
#endif
#if defined(AURAIO_HAS_CO_AWAIT)
using net::co_spawn;
using net::use_awaitable;
#endif
#if defined(AURAIO_HAS_DEADLINE_TIMER)
using net::time_traits;
#endif
#if defined(AURAIO_HAS_DEPRECATED)
using net::basic_io_object;
#endif
#if defined(AURAIO_HAS_IOSTREAM)
using net::basic_socket_streambuf;
using net::basic_streambuf;
using net::basic_streambuf_ref;
using net::streambuf;
#endif
#if defined(AURAIO_HAS_PIPE)
using net::connect_pipe;
#endif
#if defined(AURAIO_HAS_THREAD)
using net::thread;
#endif
#if defined(AURAIO_HAS_TS_EXECUTORS)
using net::bad_executor;
#endif

namespace ip {
using net::ip::address;
using net::ip::address_v4;
using net::ip::address_v4_iterator;
using net::ip::address_v4_range;
using net::ip::address_v6;
using net::ip::address_v6_iterator;
using net::ip::address_v6_range;
using net::ip::bad_address_cast;
using net::ip::basic_address_iterator;
using net::ip::basic_address_range;
using net::ip::basic_endpoint;
using net::ip::basic_resolver_entry;
using net::ip::basic_resolver_iterator;
using net::ip::basic_resolver_query;
using net::ip::basic_resolver_results;
using net::ip::host_name;
using net::ip::make_address;
using net::ip::make_address_v4;
using net::ip::make_address_v6;
using net::ip::make_network_v4;
using net::ip::make_network_v6;
namespace multicast = net::ip::multicast;
using net::ip::network_v4;
using net::ip::network_v6;
using net::ip::port_type;
using net::ip::resolver_base;
using net::ip::resolver_query_base;
using net::ip::scope_id_type;
namespace unicast = net::ip::unicast;
using net::ip::v4_mapped;
using net::ip::v4_mapped_t;
using net::ip::v6_only;
} // namespace ip
namespace generic {
using net::generic::basic_endpoint;
} // namespace generic
namespace posix {
using net::posix::descriptor_base;
} // namespace posix
#if defined(AURAIO_HAS_LOCAL_SOCKETS)
namespace local {
using net::local::basic_endpoint;
using net::local::connect_pair;
#if AURAIO_ASIO_VERSION >= 102700
using net::local::seq_packet_protocol;
#endif
} // namespace local
#endif

// The only names of Asio's that no header within asio.hpp declares.
#if defined(ASIO_SPAWN_HPP) || defined(BOOST_ASIO_SPAWN_HPP)
using net::basic_yield_context;
using net::spawn;
using net::yield_context;
#else
using net::basic_yield_context;
#if AURAIO_ASIO_VERSION < 102400
using yield_context = net::basic_yield_context<net::executor_binder<void (*)(), net::any_io_executor>>;
#else
using yield_context = net::basic_yield_context<net::any_io_executor>;
#endif
namespace detail::spawning {
void spawn() = delete; // what is found is found by the arguments
/// Asio's spawn() of a header that comes later.
struct call {
    template <class... Args>
    auto operator()(Args&&... args) const -> decltype(spawn(std::forward<Args>(args)...)) {
        return spawn(std::forward<Args>(args)...);
    }
};
} // namespace detail::spawning
inline constexpr detail::spawning::call spawn{};
#endif
AURAIO_CLOSE

#endif

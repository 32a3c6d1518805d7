// asio_names: Asio's names in namespace aura, each by a declaration.
#pragma once

#if defined(AURAIO_USING_NAMESPACE) // auraio.hpp has seen to it that this Asio has these names

#include "auraio/detail/config.hpp"

// With a using-directive, which namespace.hpp has, `using namespace aura;` finds both Asio's io_context and
// ours, and chooses neither. A declaration has no such effect, but needs that the name is there: this is for
// all of Asio, for the versions that the list was made from, and for their settings as they come.

AURAIO_NET_OPEN
namespace chrono {}
namespace error {}
namespace execution {}
namespace experimental {}
namespace placeholders {}
namespace ssl {}
namespace this_coro {}
namespace traits {}
AURAIO_NET_CLOSE

AURAIO_OPEN
namespace chrono = net::chrono;
namespace error = net::error;
namespace execution = net::execution;
namespace experimental = net::experimental;
namespace placeholders = net::placeholders;
namespace ssl = net::ssl;
namespace this_coro = net::this_coro;
namespace traits = net::traits;

using net::add_const;
using net::add_service;
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
using net::bad_executor;
using net::basic_io_object;
using net::basic_serial_port;
using net::basic_socket_streambuf;
using net::basic_streambuf;
using net::basic_streambuf_ref;
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
using net::co_spawn;
using net::completion_handler_for;
using net::completion_signature;
using net::completion_token_for;
using net::conditional;
using net::connect;
using net::connect_pipe;
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
using net::int64_t;
using net::integral_constant;
using net::invalid_service_owner;
using net::is_applicable_property;
using net::is_applicable_property_v;
using net::is_base_of;
using net::is_const;
using net::is_const_buffer_sequence;
using net::is_constructible;
using net::is_convertible;
using net::is_dynamic_buffer;
using net::is_dynamic_buffer_v1;
using net::is_dynamic_buffer_v2;
using net::is_endpoint_sequence;
using net::is_executor;
using net::is_function;
using net::is_match_condition;
using net::is_mutable_buffer_sequence;
using net::is_nothrow_prefer;
using net::is_nothrow_prefer_v;
using net::is_nothrow_query;
using net::is_nothrow_query_v;
using net::is_nothrow_require;
using net::is_nothrow_require_concept;
using net::is_nothrow_require_concept_v;
using net::is_nothrow_require_v;
using net::is_read_buffered;
using net::is_same;
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
using net::reference_wrapper;
using net::register_buffers;
using net::registered_buffer_id;
using net::remove_pointer;
using net::remove_reference;
using net::require;
using net::require_concept;
using net::require_concept_result;
using net::require_concept_t;
using net::require_result;
using net::require_t;
using net::result_of;
using net::serial_port;
using net::serial_port_base;
using net::service_already_exists;
using net::socket_base;
using net::static_thread_pool;
using net::strand;
using net::streambuf;
using net::string_view;
using net::system_context;
using net::system_executor;
using net::thread_pool;
using net::transfer_all;
using net::transfer_at_least;
using net::transfer_exactly;
using net::true_type;
using net::uint64_t;
using net::uintptr_t;
using net::use_awaitable;
using net::use_future;
using net::use_future_t;
using net::use_service;
using net::uses_executor;
using net::void_type;
using net::wait_traits;
using net::write;
using net::write_at;
#if AURAIO_ASIO_VERSION >= 103400
using net::add_const_t;
using net::aligned_storage_t;
using net::associated_immediate_executor;
using net::associated_immediate_executor_t;
using net::async_immediate;
using net::bind_immediate_executor;
using net::cancel_after;
using net::cancel_after_t;
using net::cancel_after_timer;
using net::cancel_at;
using net::cancel_at_t;
using net::cancel_at_timer;
using net::co_composed;
using net::composed;
using net::conditional_t;
using net::config;
using net::config_from_concurrency_hint;
using net::config_from_env;
using net::config_from_string;
using net::config_service;
using net::constraint_t;
using net::decay_t;
using net::deferred_signatures;
using net::disposition;
using net::disposition_traits;
using net::enable_if_t;
using net::get_associated_immediate_executor;
using net::immediate_executor_binder;
using net::is_completion_condition;
using net::is_connect_condition;
using net::is_disposition;
using net::is_disposition_v;
using net::is_integral;
using net::is_nothrow_default_constructible;
using net::is_nothrow_move_assignable;
using net::is_nothrow_move_constructible;
using net::is_unsigned;
using net::no_error;
using net::no_error_t;
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
using net::prefer_result_t;
using net::query_result_t;
using net::remove_pointer_t;
using net::remove_reference_t;
using net::require_concept_result_t;
using net::require_result_t;
using net::result_of_t;
using net::signal_set_base;
using net::to_exception_ptr;
using net::type_identity_t;
using net::void_t;
#endif
#if AURAIO_ASIO_VERSION >= 102600
using net::any_completion_executor;
using net::any_completion_handler;
using net::any_completion_handler_allocator;
using net::append;
using net::append_t;
using net::as_tuple;
using net::as_tuple_t;
using net::async_operation;
using net::completion_signature_of;
using net::completion_signature_of_t;
using net::consign;
using net::consign_t;
using net::deferred;
using net::deferred_async_operation;
using net::deferred_conditional;
using net::deferred_function;
using net::deferred_init_tag;
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
#if AURAIO_ASIO_VERSION < 103400
using net::asio_handler_allocate;
using net::asio_handler_allocate_is_deprecated;
using net::asio_handler_deallocate;
using net::asio_handler_deallocate_is_deprecated;
using net::asio_handler_invoke;
using net::asio_handler_invoke_is_deprecated;
using net::buffer_cast;
using net::const_buffers_1;
using net::mutable_buffers_1;
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
#if defined(AURAIO_HAS_THREAD)
using net::thread;
#endif
#if defined(AURAIO_HAS_DEADLINE_TIMER)
using net::time_traits;
#endif
AURAIO_CLOSE

#endif

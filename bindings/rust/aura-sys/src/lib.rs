//! Bindings of `auraio/aura.h`, auraio's C library: everything it declares, under its own names, and nothing else. The
//! system's types in it are those of the crate `libc`.
//!
//! They are written by hand and committed, so that building needs no libclang; the tests hold every type, constant
//! and signature against the header. What the functions mean stands in the header. Programs want the crate `aura`.
//!
//! The library is found through pkg-config (`auraio-c`), or in the directory that `AURAIO_LIB_DIR` names.
#![allow(non_camel_case_types)]

mod inline;

pub use inline::*;
pub use libc::{iovec, mode_t, msghdr, off_t, sockaddr, socklen_t, ssize_t, statx, statx_timestamp};

use std::os::raw::{c_char, c_double, c_int, c_uint, c_void};

macro_rules! opaque {
    ($($(#[$attribute:meta])* $name:ident)*) => {$(
        $(#[$attribute])*
        #[repr(C)]
        pub struct $name {
            _bytes: [u8; 0],
            _not_auto: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
        }
    )*};
}
opaque! {
    /// An engine.
    aura_engine_t
    /// A started operation: a number that is never given to another.
    aura_request_t
}

pub const AURA_VERSION_MAJOR: c_int = 0;
pub const AURA_VERSION_MINOR: c_int = 2;
pub const AURA_VERSION_PATCH: c_int = 0;

pub type aura_callback_t =
    Option<unsafe extern "C" fn(request: *mut aura_request_t, result: ssize_t, user_data: *mut c_void)>;

pub type aura_op_type_t = c_uint;
pub const AURA_OP_READ: aura_op_type_t = 0;
pub const AURA_OP_WRITE: aura_op_type_t = 1;
pub const AURA_OP_READV: aura_op_type_t = 2;
pub const AURA_OP_WRITEV: aura_op_type_t = 3;
pub const AURA_OP_FSYNC: aura_op_type_t = 4;
pub const AURA_OP_FDATASYNC: aura_op_type_t = 5;
pub const AURA_OP_OPENAT: aura_op_type_t = 6;
pub const AURA_OP_CLOSE: aura_op_type_t = 7;
pub const AURA_OP_STATX: aura_op_type_t = 8;
pub const AURA_OP_FALLOCATE: aura_op_type_t = 9;
pub const AURA_OP_FTRUNCATE: aura_op_type_t = 10;
pub const AURA_OP_SYNC_FILE_RANGE: aura_op_type_t = 11;
pub const AURA_OP_RECV: aura_op_type_t = 12;
pub const AURA_OP_SEND: aura_op_type_t = 13;
pub const AURA_OP_ACCEPT: aura_op_type_t = 14;
pub const AURA_OP_CONNECT: aura_op_type_t = 15;
pub const AURA_OP_TIMEOUT: aura_op_type_t = 16;
pub const AURA_OP_UNREGISTER: aura_op_type_t = 17;
pub const AURA_OP_RENAMEAT: aura_op_type_t = 18;
pub const AURA_OP_UNLINKAT: aura_op_type_t = 19;
pub const AURA_OP_MKDIRAT: aura_op_type_t = 20;
pub const AURA_OP_RECVMSG: aura_op_type_t = 21;
pub const AURA_OP_SENDMSG: aura_op_type_t = 22;
pub const AURA_OP_POLL: aura_op_type_t = 23;

#[repr(C)]
#[derive(Clone, Copy)]
pub union aura_buf_t_u {
    pub pointer: *mut c_void,
    pub const_pointer: *const c_void,
    pub offset: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct aura_buf_t {
    pub u: aura_buf_t_u,
    pub index: c_int,
    pub reserved: c_int,
}

pub const AURA_CURRENT_POSITION: off_t = -1;
pub const AURA_FIXED_FILE: c_int = -2147483648;
pub const AURA_BACKGROUND: c_int = 1073741824;

pub type aura_reg_type_t = c_uint;
pub const AURA_REG_BUFFERS: aura_reg_type_t = 0;
pub const AURA_REG_FILES: aura_reg_type_t = 1;

pub type aura_ring_select_t = c_uint;
pub const AURA_SELECT_ADAPTIVE: aura_ring_select_t = 0;
pub const AURA_SELECT_CPU_LOCAL: aura_ring_select_t = 1;
pub const AURA_SELECT_ROUND_ROBIN: aura_ring_select_t = 2;
pub const AURA_SELECT_THREAD_LOCAL: aura_ring_select_t = 3;

pub type aura_backend_t = c_uint;
pub const AURA_BACKEND_AUTO: aura_backend_t = 0;
pub const AURA_BACKEND_URING: aura_backend_t = 1;
pub const AURA_BACKEND_EPOLL: aura_backend_t = 2;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct aura_options_t {
    pub struct_size: usize,
    pub ring_count: c_int,
    pub queue_depth: c_int,
    pub completion_depth: c_int,
    pub ring_select: c_int,
    pub backend: c_int,
    pub max_p99_latency_ms: c_double,
    pub takeover_after: c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union aura_op_data {
    pub buf: aura_buf_t,
    pub buffers: *const iovec,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct aura_op_t {
    pub struct_size: usize,
    pub type_: c_int,
    pub fd: c_int,
    pub flags: c_uint,
    pub count: c_int,
    pub data: aura_op_data,
    pub len: usize,
    pub offset: off_t,
    pub callback: aura_callback_t,
    pub user_data: *mut c_void,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct aura_buffer_stats_t {
    pub struct_size: usize,
    pub in_use_bytes: u64,
    pub cached_bytes: u64,
    pub total_bytes: u64,
    pub allocations: u64,
    pub deallocations: u64,
    pub failures: u64,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct aura_stats_t {
    pub struct_size: usize,
    pub rings: u64,
    pub submitted: u64,
    pub completed: u64,
    pub in_flight: u64,
    pub handlers: u64,
    pub turns: u64,
    pub enters: u64,
    pub wakes_sent: u64,
    pub wakes_received: u64,
    pub cq_overflows: u64,
    pub adaptive_spills: u64,
    pub loop_delay_max_ns: u64,
    pub long_turns: u64,
    pub ring_shortages: u64,
    pub gate_waits: u64,
    pub operations: u64,
    pub takeovers: u64,
    pub takeovers_computing: u64,
    pub stranded: u64,
    pub busy_ns: u64,
    pub idle_ns: u64,
    pub system_ns: u64,
    pub handed_over: u64,
}

pub const AURA_ALL_RINGS: c_int = -1;
pub const AURA_HISTOGRAM_BUCKETS: usize = 1152;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct aura_histogram_t {
    pub struct_size: usize,
    pub count: u64,
    pub sum_ns: u64,
    pub buckets: [u64; AURA_HISTOGRAM_BUCKETS],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct aura_storage_t {
    pub struct_size: usize,
    pub max_p99_latency_ns: i64,
    pub min_in_flight: c_int,
    pub max_in_flight: c_int,
    pub adaptive: c_int,
}

pub type aura_loop_time_t = c_uint;
pub const AURA_LOOP_QUEUE_DELAY: aura_loop_time_t = 0;
pub const AURA_LOOP_HANDLER_TIME: aura_loop_time_t = 1;

pub type aura_phase_t = c_uint;
pub const AURA_PHASE_PASSTHROUGH: aura_phase_t = 0;
pub const AURA_PHASE_BASELINE: aura_phase_t = 1;
pub const AURA_PHASE_PROBING: aura_phase_t = 2;
pub const AURA_PHASE_STEADY: aura_phase_t = 3;
pub const AURA_PHASE_BACKOFF: aura_phase_t = 4;
pub const AURA_PHASE_SETTLING: aura_phase_t = 5;
pub const AURA_PHASE_CONVERGED: aura_phase_t = 6;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct aura_device_stats_t {
    pub struct_size: usize,
    pub name: [c_char; 32],
    pub major: c_uint,
    pub minor: c_uint,
    pub phase: c_int,
    pub rings: c_uint,
    pub reason: *const c_char,
    pub phase_changes: u64,
    pub limit: u64,
    pub in_flight: u64,
    pub waiting: u64,
    pub submitted: u64,
    pub completed: u64,
    pub delayed: u64,
    pub bytes: u64,
    pub throughput: c_double,
    pub p99_latency_ns: u64,
    pub latency_samples: u64,
    pub background_waiting: u64,
    pub background_delayed: u64,
}

pub type aura_log_level_t = c_uint;
pub const AURA_LOG_ERR: aura_log_level_t = 3;
pub const AURA_LOG_WARNING: aura_log_level_t = 4;
pub const AURA_LOG_INFO: aura_log_level_t = 6;

pub type aura_log_handler_t =
    Option<unsafe extern "C" fn(level: aura_log_level_t, message: *const c_char, user_data: *mut c_void)>;

// Every declaration from here to the end of the block is read by tests/header.rs.
#[rustfmt::skip]
extern "C" {
    pub fn aura_create() -> *mut aura_engine_t;
    pub fn aura_create_with_options(options: *const aura_options_t) -> *mut aura_engine_t;
    pub fn aura_destroy(engine: *mut aura_engine_t) -> c_int;
    pub fn aura_get_ring_count(engine: *const aura_engine_t) -> c_int;
    pub fn aura_get_backend(engine: *const aura_engine_t) -> c_int;
    pub fn aura_get_backend_reason(engine: *const aura_engine_t) -> *const c_char;

    pub fn aura_read(engine: *mut aura_engine_t, fd: c_int, buf: aura_buf_t, len: usize, offset: off_t,
                     callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_write(engine: *mut aura_engine_t, fd: c_int, buf: aura_buf_t, len: usize, offset: off_t,
                      callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_readv(engine: *mut aura_engine_t, fd: c_int, buffers: *const iovec, count: c_int, offset: off_t,
                      callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_writev(engine: *mut aura_engine_t, fd: c_int, buffers: *const iovec, count: c_int, offset: off_t,
                       callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_fsync(engine: *mut aura_engine_t, fd: c_int, callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_fdatasync(engine: *mut aura_engine_t, fd: c_int, callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_openat(engine: *mut aura_engine_t, directory: c_int, path: *const c_char, flags: c_int, mode: mode_t,
                       callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_close(engine: *mut aura_engine_t, fd: c_int, callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_statx(engine: *mut aura_engine_t, directory: c_int, path: *const c_char, flags: c_int, mask: c_uint,
                      result: *mut statx, callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_renameat(engine: *mut aura_engine_t, old_directory: c_int, old_path: *const c_char, new_directory: c_int,
                         new_path: *const c_char, flags: c_uint,
                         callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_unlinkat(engine: *mut aura_engine_t, directory: c_int, path: *const c_char, flags: c_int,
                         callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_mkdirat(engine: *mut aura_engine_t, directory: c_int, path: *const c_char, mode: mode_t,
                        callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_fallocate(engine: *mut aura_engine_t, fd: c_int, mode: c_int, offset: off_t, len: off_t,
                          callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_ftruncate(engine: *mut aura_engine_t, fd: c_int, length: off_t,
                          callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_sync_file_range(engine: *mut aura_engine_t, fd: c_int, offset: off_t, len: off_t, flags: c_uint,
                                callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;

    pub fn aura_recv(engine: *mut aura_engine_t, fd: c_int, data: *mut c_void, len: usize, flags: c_int,
                     callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_send(engine: *mut aura_engine_t, fd: c_int, data: *const c_void, len: usize, flags: c_int,
                     callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_recvmsg(engine: *mut aura_engine_t, fd: c_int, message: *mut msghdr, flags: c_int,
                        callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_sendmsg(engine: *mut aura_engine_t, fd: c_int, message: *const msghdr, flags: c_int,
                        callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_poll_fd(engine: *mut aura_engine_t, fd: c_int, events: c_uint,
                        callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_accept(engine: *mut aura_engine_t, fd: c_int, address: *mut sockaddr, address_len: *mut socklen_t, flags: c_int,
                       callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_connect(engine: *mut aura_engine_t, fd: c_int, address: *const sockaddr, address_len: socklen_t,
                        callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;
    pub fn aura_timeout(engine: *mut aura_engine_t, nanoseconds: u64,
                        callback: aura_callback_t, user_data: *mut c_void) -> *mut aura_request_t;

    pub fn aura_submit_linked(engine: *mut aura_engine_t, operations: *const aura_op_t, count: usize,
                              requests: *mut *mut aura_request_t) -> *mut aura_request_t;

    pub fn aura_cancel(engine: *mut aura_engine_t, request: *mut aura_request_t) -> c_int;
    pub fn aura_request_pending(request: *const aura_request_t) -> bool;
    pub fn aura_request_fd(request: *const aura_request_t) -> c_int;
    pub fn aura_request_user_data(request: *const aura_request_t) -> *mut c_void;
    pub fn aura_request_op_type(request: *const aura_request_t) -> c_int;

    pub fn aura_poll(engine: *mut aura_engine_t) -> c_int;
    pub fn aura_wait(engine: *mut aura_engine_t, timeout_ms: c_int) -> c_int;
    pub fn aura_run(engine: *mut aura_engine_t) -> c_int;
    pub fn aura_stop(engine: *mut aura_engine_t);
    pub fn aura_drain(engine: *mut aura_engine_t, timeout_ms: c_int) -> c_int;
    pub fn aura_flush(engine: *mut aura_engine_t) -> c_int;
    pub fn aura_get_poll_fd(engine: *mut aura_engine_t) -> c_int;
    pub fn aura_in_callback_context() -> bool;

    pub fn aura_buffer_alloc(engine: *mut aura_engine_t, size: usize) -> *mut c_void;
    pub fn aura_buffer_free(engine: *mut aura_engine_t, buffer: *mut c_void);
    pub fn aura_get_buffer_stats(engine: *const aura_engine_t, stats: *mut aura_buffer_stats_t) -> c_int;

    pub fn aura_register_buffers(engine: *mut aura_engine_t, buffers: *const iovec, count: c_uint) -> c_int;
    pub fn aura_register_files(engine: *mut aura_engine_t, fds: *const c_int, count: c_uint) -> c_int;
    pub fn aura_get_fixed_file(engine: *const aura_engine_t, index: c_int) -> c_int;
    pub fn aura_update_file(engine: *mut aura_engine_t, index: c_int, fd: c_int) -> c_int;
    pub fn aura_unregister(engine: *mut aura_engine_t, type_: aura_reg_type_t) -> c_int;
    pub fn aura_request_unregister(engine: *mut aura_engine_t, type_: aura_reg_type_t) -> c_int;
    pub fn aura_unregister_async(engine: *mut aura_engine_t, type_: aura_reg_type_t,
                                   callback: aura_callback_t, user_data: *mut c_void) -> c_int;

    pub fn aura_dump(engine: *mut aura_engine_t, fd: c_int) -> c_int;
    pub fn aura_serve_statistics(engine: *mut aura_engine_t, path: *const c_char, prometheus_port: c_int) -> c_int;
    pub fn aura_get_stats(engine: *const aura_engine_t, stats: *mut aura_stats_t) -> c_int;
    pub fn aura_get_ring_stats(engine: *const aura_engine_t, ring: c_int, stats: *mut aura_stats_t) -> c_int;
    pub fn aura_get_loop_histogram(
        engine: *const aura_engine_t,
        ring: c_int,
        which: aura_loop_time_t,
        histogram: *mut aura_histogram_t,
    ) -> c_int;
    pub fn aura_get_histogram(
        engine: *const aura_engine_t,
        ring: c_int,
        type_: aura_op_type_t,
        histogram: *mut aura_histogram_t,
    ) -> c_int;
    pub fn aura_histogram_percentile(histogram: *const aura_histogram_t, fraction: c_double) -> u64;

    pub fn aura_set_storage(engine: *mut aura_engine_t, path: *const c_char, storage: *const aura_storage_t) -> c_int;
    pub fn aura_set_batch_threshold(engine: *mut aura_engine_t, requests: c_uint) -> c_int;
    pub fn aura_phase_name(phase: c_int) -> *const c_char;
    pub fn aura_get_device_stats(engine: *const aura_engine_t, device: c_int, stats: *mut aura_device_stats_t) -> c_int;

    pub fn aura_version() -> *const c_char;
    pub fn aura_version_int() -> c_int;
    pub fn aura_set_log_handler(handler: aura_log_handler_t, user_data: *mut c_void);
    pub fn aura_set_stall_report(milliseconds: c_uint);
}

//! The operations, one type each: what it owns, how it is started, what its result means.
pub(crate) mod files;
pub(crate) mod messages;
pub(crate) mod paths;
pub(crate) mod plain;
pub(crate) mod sockets;
pub(crate) mod vectors;

use aura_sys as sys;
use std::os::raw::c_void;

/// Starts what is described, by the function of its type.
///
/// # Safety
/// As for that function.
pub(crate) unsafe fn start_described(
    engine: *mut sys::aura_engine_t,
    op: sys::aura_op_t,
) -> *mut sys::aura_request_t {
    let (callback, user): (sys::aura_callback_t, *mut c_void) = (op.callback, op.user_data);
    match op.type_ as sys::aura_op_type_t {
        sys::AURA_OP_READ => sys::aura_read(engine, op.fd, op.data.buf, op.len, op.offset, callback, user),
        sys::AURA_OP_WRITE => sys::aura_write(engine, op.fd, op.data.buf, op.len, op.offset, callback, user),
        sys::AURA_OP_READV => {
            sys::aura_readv(engine, op.fd, op.data.buffers, op.count, op.offset, callback, user)
        }
        sys::AURA_OP_WRITEV => {
            sys::aura_writev(engine, op.fd, op.data.buffers, op.count, op.offset, callback, user)
        }
        sys::AURA_OP_FSYNC => sys::aura_fsync(engine, op.fd, callback, user),
        sys::AURA_OP_FDATASYNC => sys::aura_fdatasync(engine, op.fd, callback, user),
        sys::AURA_OP_FTRUNCATE => sys::aura_ftruncate(engine, op.fd, op.offset, callback, user),
        _ => unreachable!("no link is of type {}", op.type_),
    }
}

/// Implements Operation::start by Link::describe.
macro_rules! start_by_description {
    () => {
        unsafe fn start(
            this: *mut Self,
            engine: *mut aura_sys::aura_engine_t,
            callback: aura_sys::aura_callback_t,
            user_data: *mut std::os::raw::c_void,
        ) -> *mut aura_sys::aura_request_t {
            crate::operations::start_described(engine, Self::describe(this, callback, user_data))
        }
    };
}
pub(crate) use start_by_description;

/// An operation whose value is all that is named: how it is started, `op` being the value at its place, and what its result
/// means; without that it is of no interest.
macro_rules! operation {
    ($name:ident => $output:ty: |$op:ident, $engine:ident, $callback:ident, $user:ident| $start:expr,
     |$value:pat_param, $result:ident| $finish:expr) => {
        // SAFETY: what is named is in the value, which stays at its place, or on the heap.
        unsafe impl crate::operation::Operation for $name {
            type Output = $output;
            unsafe fn start(
                this: *mut Self,
                $engine: *mut aura_sys::aura_engine_t,
                $callback: aura_sys::aura_callback_t,
                $user: *mut std::os::raw::c_void,
            ) -> *mut aura_sys::aura_request_t {
                let $op = &mut *this;
                $start
            }
            fn finish(self, $result: crate::error::Result<usize>) -> $output {
                let $value = self;
                $finish
            }
        }
    };
    ($name:ident: |$op:ident, $engine:ident, $callback:ident, $user:ident| $start:expr) => {
        crate::operations::operation!($name => crate::error::Result<()>:
            |$op, $engine, $callback, $user| $start, |_, result| result.map(drop));
    };
}
pub(crate) use operation;

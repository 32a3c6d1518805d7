//! What the header defines as inline functions: descriptions of buffers and of operations.
use super::*;

/// Memory of the caller, to be read into or written from.
pub const fn aura_buf(pointer: *const c_void) -> aura_buf_t {
    aura_buf_t { u: aura_buf_t_u { const_pointer: pointer }, index: -1, reserved: 0 }
}

/// Memory at `offset` of buffer `index` of aura_register_buffers().
pub const fn aura_buf_fixed(index: c_int, offset: usize) -> aura_buf_t {
    aura_buf_t { u: aura_buf_t_u { offset }, index: if index < 0 { -2 } else { index }, reserved: 0 }
}

/// Sets struct_size, and every other field to 0. Null is ignored.
///
/// # Safety
/// `options`, unless null, can be written to.
pub unsafe fn aura_options_init(options: *mut aura_options_t) {
    if !options.is_null() {
        core::ptr::write_bytes(options, 0, 1);
        core::ptr::addr_of_mut!((*options).struct_size).write(core::mem::size_of::<aura_options_t>());
    }
}

/// Sets struct_size, and all else to -1. Null is ignored.
///
/// # Safety
/// `storage`, unless null, can be written to.
pub unsafe fn aura_storage_init(storage: *mut aura_storage_t) {
    if !storage.is_null() {
        core::ptr::write_bytes(storage, 0xff, 1);
        core::ptr::addr_of_mut!((*storage).struct_size).write(core::mem::size_of::<aura_storage_t>());
    }
}

pub fn aura_op_describe(
    type_: aura_op_type_t,
    fd: c_int,
    callback: aura_callback_t,
    user_data: *mut c_void,
) -> aura_op_t {
    aura_op_t {
        struct_size: core::mem::size_of::<aura_op_t>(),
        type_: type_ as c_int,
        fd,
        flags: 0,
        count: 0,
        data: aura_op_data { buf: aura_buf(core::ptr::null()) },
        len: 0,
        offset: 0,
        callback,
        user_data,
    }
}

pub fn aura_op_read(
    fd: c_int,
    buf: aura_buf_t,
    len: usize,
    offset: off_t,
    callback: aura_callback_t,
    user_data: *mut c_void,
) -> aura_op_t {
    let data = aura_op_data { buf };
    aura_op_t { data, len, offset, ..aura_op_describe(AURA_OP_READ, fd, callback, user_data) }
}

pub fn aura_op_write(
    fd: c_int,
    buf: aura_buf_t,
    len: usize,
    offset: off_t,
    callback: aura_callback_t,
    user_data: *mut c_void,
) -> aura_op_t {
    aura_op_t { type_: AURA_OP_WRITE as c_int, ..aura_op_read(fd, buf, len, offset, callback, user_data) }
}

pub fn aura_op_readv(
    fd: c_int,
    buffers: *const iovec,
    count: c_int,
    offset: off_t,
    callback: aura_callback_t,
    user_data: *mut c_void,
) -> aura_op_t {
    let mut op = aura_op_describe(AURA_OP_READV, fd, callback, user_data);
    op.data.buffers = buffers; // the rest of the union stays as it was, as in the header
    aura_op_t { count, offset, ..op }
}

pub fn aura_op_writev(
    fd: c_int,
    buffers: *const iovec,
    count: c_int,
    offset: off_t,
    callback: aura_callback_t,
    user_data: *mut c_void,
) -> aura_op_t {
    aura_op_t {
        type_: AURA_OP_WRITEV as c_int,
        ..aura_op_readv(fd, buffers, count, offset, callback, user_data)
    }
}

pub fn aura_op_fsync(fd: c_int, callback: aura_callback_t, user_data: *mut c_void) -> aura_op_t {
    aura_op_describe(AURA_OP_FSYNC, fd, callback, user_data)
}

pub fn aura_op_fdatasync(fd: c_int, callback: aura_callback_t, user_data: *mut c_void) -> aura_op_t {
    aura_op_describe(AURA_OP_FDATASYNC, fd, callback, user_data)
}

pub fn aura_op_ftruncate(
    fd: c_int,
    length: off_t,
    callback: aura_callback_t,
    user_data: *mut c_void,
) -> aura_op_t {
    aura_op_t { offset: length, ..aura_op_describe(AURA_OP_FTRUNCATE, fd, callback, user_data) }
}

pub fn aura_op_close(fd: c_int, callback: aura_callback_t, user_data: *mut c_void) -> aura_op_t {
    aura_op_describe(AURA_OP_CLOSE, fd, callback, user_data)
}

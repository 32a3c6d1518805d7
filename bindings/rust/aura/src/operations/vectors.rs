//! Reads and writes of several buffers.
use super::start_by_description;
use crate::error::Result;
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::operation::{Link, Operation};
use crate::shared::EngineRef;
use aura_sys as sys;
use std::os::raw::{c_int, c_void};

pub(crate) struct ReadvAt<B> {
    fd: Fd,
    buffers: Vec<B>,
    offset: u64,
    vectors: Vec<sys::iovec>,
}
pub(crate) struct WritevAt<B> {
    fd: Fd,
    buffers: Vec<B>,
    offset: u64,
    vectors: Vec<sys::iovec>,
}
/// Of memory that the caller answers for, the array included.
pub(crate) struct ReadvRef(pub Fd, pub Vectors, pub u64);
pub(crate) struct WritevRef(pub Fd, pub Vectors, pub u64);

#[derive(Clone, Copy)]
pub(crate) struct Vectors(pub *const sys::iovec, pub usize);

// SAFETY: the addresses in `vectors` are of the buffers beside them, or are promised.
unsafe impl<B: Send> Send for ReadvAt<B> {}
// SAFETY: the same.
unsafe impl<B: Send> Send for WritevAt<B> {}
// SAFETY: an address; using it is what is unsafe.
unsafe impl Send for Vectors {}

/// The library refuses what does not fit.
fn as_count(count: usize) -> c_int {
    c_int::try_from(count).unwrap_or(c_int::MAX)
}

impl<B> ReadvAt<B> {
    pub(crate) fn new(fd: Fd, buffers: Vec<B>, offset: u64) -> ReadvAt<B> {
        ReadvAt { fd, buffers, offset, vectors: Vec::new() }
    }
}
impl<B> WritevAt<B> {
    pub(crate) fn new(fd: Fd, buffers: Vec<B>, offset: u64) -> WritevAt<B> {
        WritevAt { fd, buffers, offset, vectors: Vec::new() }
    }
}

// SAFETY: each B is stable, and so is the array of addresses, which is on the heap.
unsafe impl<B: IoBufMut> Operation for ReadvAt<B> {
    type Output = (Result<usize>, Vec<B>);
    fn lend(&mut self, engine: &EngineRef) {
        self.buffers.iter_mut().for_each(|b| b.lend(engine));
    }
    start_by_description!();
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        let mut rest = result.unwrap_or(0);
        for buf in &mut self.buffers {
            buf.take_back();
            if result.is_ok() {
                let count = rest.min(buf.bytes_total());
                rest -= count;
                // SAFETY: the kernel fills one after the other.
                unsafe { buf.set_read(count) };
            }
        }
        (result, self.buffers)
    }
}
// SAFETY: names the memory that is in the operation, which does not move until it has ended.
unsafe impl<B: IoBufMut> Link for ReadvAt<B> {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let op = &mut *this;
        op.vectors = (op.buffers.iter_mut())
            .map(|b| sys::iovec { iov_base: b.stable_mut_ptr().cast(), iov_len: b.bytes_total() })
            .collect();
        let (vectors, count) = (op.vectors.as_ptr(), as_count(op.vectors.len()));
        sys::aura_op_readv(op.fd.file(), vectors, count, op.offset as i64, callback, user_data)
    }
}

// SAFETY: as above.
unsafe impl<B: IoBuf> Operation for WritevAt<B> {
    type Output = (Result<usize>, Vec<B>);
    fn lend(&mut self, engine: &EngineRef) {
        self.buffers.iter_mut().for_each(|b| b.lend(engine));
    }
    start_by_description!();
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.buffers.iter_mut().for_each(IoBuf::take_back);
        (result, self.buffers)
    }
}
// SAFETY: names the memory that is in the operation, which does not move until it has ended.
unsafe impl<B: IoBuf> Link for WritevAt<B> {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let op = &mut *this;
        op.vectors = (op.buffers.iter())
            .map(|b| sys::iovec { iov_base: b.stable_ptr() as *mut c_void, iov_len: b.bytes_init() })
            .collect();
        let (vectors, count) = (op.vectors.as_ptr(), as_count(op.vectors.len()));
        sys::aura_op_writev(op.fd.file(), vectors, count, op.offset as i64, callback, user_data)
    }
}

// SAFETY: the caller of the function that made it has promised the memory.
unsafe impl Operation for ReadvRef {
    type Output = Result<usize>;
    start_by_description!();
    fn finish(self, result: Result<usize>) -> Self::Output {
        result
    }
}
// SAFETY: names memory that the caller answers for.
unsafe impl Link for ReadvRef {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let ReadvRef(fd, vectors, offset) = &*this;
        sys::aura_op_readv(fd.file(), vectors.0, as_count(vectors.1), *offset as i64, callback, user_data)
    }
}

// SAFETY: as above.
unsafe impl Operation for WritevRef {
    type Output = Result<usize>;
    start_by_description!();
    fn finish(self, result: Result<usize>) -> Self::Output {
        result
    }
}
// SAFETY: names memory that the caller answers for.
unsafe impl Link for WritevRef {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let WritevRef(fd, vectors, offset) = &*this;
        sys::aura_op_writev(fd.file(), vectors.0, as_count(vectors.1), *offset as i64, callback, user_data)
    }
}

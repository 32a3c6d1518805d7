//! Reads and writes of one buffer.
use super::start_by_description;
use crate::buffer::BufferRef;
use crate::error::Result;
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::operation::{Link, Operation};
use crate::shared::EngineRef;
use aura_sys as sys;
use std::os::raw::c_void;

pub(crate) struct ReadAt<B>(pub Fd, pub B, pub u64);
pub(crate) struct WriteAt<B>(pub Fd, pub B, pub u64);
/// Of memory that the caller answers for.
pub(crate) struct ReadRef(pub Fd, pub BufferRef, pub usize, pub u64);
pub(crate) struct WriteRef(pub Fd, pub BufferRef, pub usize, pub u64);

// SAFETY: B is stable.
unsafe impl<B: IoBufMut> Operation for ReadAt<B> {
    type Output = (Result<usize>, B);
    fn lend(&mut self, engine: &EngineRef) {
        self.1.lend(engine);
    }
    start_by_description!();
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.1.take_back();
        if let Ok(count) = result {
            // No driver is trusted to have read no more than there is room for.
            let count = count.min(self.1.bytes_total());
            // SAFETY: the kernel has read them.
            unsafe { self.1.set_read(count) };
        }
        (result, self.1)
    }
}
// SAFETY: names the memory that is in the operation, which does not move until it has ended.
unsafe impl<B: IoBufMut> Link for ReadAt<B> {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let ReadAt(fd, buf, offset) = &mut *this;
        let (memory, len) = (sys::aura_buf(buf.stable_mut_ptr().cast()), buf.bytes_total());
        sys::aura_op_read(fd.file(), memory, len, *offset as i64, callback, user_data)
    }
}

// SAFETY: B is stable.
unsafe impl<B: IoBuf> Operation for WriteAt<B> {
    type Output = (Result<usize>, B);
    fn lend(&mut self, engine: &EngineRef) {
        self.1.lend(engine);
    }
    start_by_description!();
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.1.take_back();
        (result, self.1)
    }
}
// SAFETY: names the memory that is in the operation, which does not move until it has ended.
unsafe impl<B: IoBuf> Link for WriteAt<B> {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let WriteAt(fd, buf, offset) = &*this;
        let (memory, len) = (sys::aura_buf(buf.stable_ptr().cast()), buf.bytes_init());
        sys::aura_op_write(fd.file(), memory, len, *offset as i64, callback, user_data)
    }
}

// SAFETY: the caller of the function that made it has promised the memory.
unsafe impl Operation for ReadRef {
    type Output = Result<usize>;
    start_by_description!();
    fn finish(self, result: Result<usize>) -> Self::Output {
        result
    }
}
// SAFETY: names memory that the caller answers for.
unsafe impl Link for ReadRef {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let ReadRef(fd, buf, len, offset) = &*this;
        sys::aura_op_read(fd.file(), buf.raw(), *len, *offset as i64, callback, user_data)
    }
}

// SAFETY: as above.
unsafe impl Operation for WriteRef {
    type Output = Result<usize>;
    start_by_description!();
    fn finish(self, result: Result<usize>) -> Self::Output {
        result
    }
}
// SAFETY: names memory that the caller answers for.
unsafe impl Link for WriteRef {
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t {
        let WriteRef(fd, buf, len, offset) = &*this;
        sys::aura_op_write(fd.file(), buf.raw(), *len, *offset as i64, callback, user_data)
    }
}

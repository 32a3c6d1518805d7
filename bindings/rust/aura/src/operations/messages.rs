//! Datagrams with the address of the other side.
use crate::error::Result;
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::operation::Operation;
use crate::shared::EngineRef;
use crate::socket_address::SocketAddress;
use aura_sys as sys;
use libc::{MSG_NOSIGNAL, MSG_TRUNC};
use std::net::SocketAddr;
use std::os::raw::c_void;
use std::os::unix::io::AsRawFd;
use std::ptr::addr_of_mut;

/// What the kernel reads, which names what is beside it. Nothing before the start.
struct Header {
    message: sys::msghdr,
    part: sys::iovec,
}
// SAFETY: its pointers name what moves with it, and are used by the kernel alone.
unsafe impl Send for Header {}

impl Header {
    fn empty() -> Header {
        // SAFETY: numbers and pointers, for which zero is a value.
        unsafe { std::mem::zeroed() }
    }

    /// # Safety
    /// All three stay at their places until the operation has ended.
    unsafe fn fill(
        this: *mut Header,
        peer: *mut SocketAddress,
        data: *mut u8,
        len: usize,
    ) -> *mut sys::msghdr {
        (*this).part = sys::iovec { iov_base: data.cast(), iov_len: len };
        let message = addr_of_mut!((*this).message);
        (*message).msg_name = addr_of_mut!((*peer).storage).cast();
        (*message).msg_namelen = (*peer).len;
        (*message).msg_iov = addr_of_mut!((*this).part);
        (*message).msg_iovlen = 1;
        message
    }
}

pub(crate) struct RecvFrom<B> {
    fd: Fd,
    buf: B,
    flags: i32,
    peer: SocketAddress,
    header: Header,
}

impl<B> RecvFrom<B> {
    pub(crate) fn new(fd: Fd, buf: B, flags: i32) -> RecvFrom<B> {
        RecvFrom { fd, buf, flags, peer: SocketAddress::empty(), header: Header::empty() }
    }
}

// SAFETY: B is stable, and the rest is at a place that stays.
unsafe impl<B: IoBufMut> Operation for RecvFrom<B> {
    type Output = (Result<(usize, Option<SocketAddr>)>, B);
    fn lend(&mut self, engine: &EngineRef) {
        self.buf.lend(engine);
    }
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &mut *this;
        let (data, len) = (op.buf.stable_mut_ptr(), op.buf.bytes_total());
        if op.flags & MSG_TRUNC != 0 {
            let begun = op.buf.bytes_init().min(len);
            data.add(begun).write_bytes(0, len - begun); // as Recv does, and for its reason
        }
        let message = Header::fill(&mut op.header, &mut op.peer, data, len);
        sys::aura_recvmsg(engine, op.fd.as_raw_fd(), message, op.flags, callback, user_data)
    }
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.buf.take_back();
        let result = result.map(|count| {
            let discarded = self.flags & MSG_TRUNC != 0 && self.fd.discards_what_is_truncated();
            let received = if discarded { 0 } else { count.min(self.buf.bytes_total()) };
            // SAFETY: the kernel has received them, or start() has initialised them.
            unsafe { self.buf.set_read(received) };
            self.peer.len = self.header.message.msg_namelen;
            (count, self.peer.to_inet())
        });
        (result, self.buf)
    }
}

pub(crate) struct SendTo<B> {
    fd: Fd,
    buf: B,
    flags: i32,
    peer: SocketAddress,
    header: Header,
}

impl<B> SendTo<B> {
    pub(crate) fn new(fd: Fd, buf: B, peer: SocketAddress, flags: i32) -> SendTo<B> {
        SendTo { fd, buf, flags, peer, header: Header::empty() }
    }
}

// SAFETY: as above.
unsafe impl<B: IoBuf> Operation for SendTo<B> {
    type Output = (Result<usize>, B);
    fn lend(&mut self, engine: &EngineRef) {
        self.buf.lend(engine);
    }
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &mut *this;
        // The kernel reads through the pointer, which recvmsg(2) has in common.
        let (data, len) = (op.buf.stable_ptr() as *mut u8, op.buf.bytes_init());
        let message = Header::fill(&mut op.header, &mut op.peer, data, len);
        sys::aura_sendmsg(engine, op.fd.as_raw_fd(), message, op.flags | MSG_NOSIGNAL, callback, user_data)
    }
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.buf.take_back();
        (result, self.buf)
    }
}

//! Operations on sockets.
use super::operation;
use crate::error::Result;
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::operation::Operation;
use crate::shared::EngineRef;
use crate::socket_address::SocketAddress;
use aura_sys as sys;
use libc::{MSG_NOSIGNAL, MSG_TRUNC, SOCK_CLOEXEC};
use std::net::SocketAddr;
use std::os::raw::c_void;
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::addr_of_mut;

pub(crate) struct Recv<B>(pub Fd, pub B, pub i32);
pub(crate) struct SendData<B>(pub Fd, pub B, pub i32);

// SAFETY: B is stable.
unsafe impl<B: IoBufMut> Operation for Recv<B> {
    type Output = (Result<usize>, B);
    fn lend(&mut self, engine: &EngineRef) {
        self.1.lend(engine);
    }
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let Recv(fd, buf, flags) = &mut *this;
        let (data, len) = (buf.stable_mut_ptr(), buf.bytes_total());
        let begun = buf.bytes_init().min(len);
        if *flags & MSG_TRUNC != 0 {
            // What a protocol does with this flag is its own: whatever it does not write is initialised all the same.
            data.add(begun).write_bytes(0, len - begun);
        }
        sys::aura_recv(engine, fd.as_raw_fd(), data.cast(), len, *flags, callback, user_data)
    }
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.1.take_back();
        if let Ok(count) = result {
            // With MSG_TRUNC the result is the datagram's length, which may be more than there is room for, or, on TCP, how
            // many bytes were thrown away.
            let discarded = self.2 & MSG_TRUNC != 0 && self.0.discards_what_is_truncated();
            let count = if discarded { 0 } else { count.min(self.1.bytes_total()) };
            // SAFETY: the kernel has received them, and with MSG_TRUNC start() has initialised what it did not write.
            unsafe { self.1.set_read(count) };
        }
        (result, self.1)
    }
}

// SAFETY: B is stable.
unsafe impl<B: IoBuf> Operation for SendData<B> {
    type Output = (Result<usize>, B);
    fn lend(&mut self, engine: &EngineRef) {
        self.1.lend(engine);
    }
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let SendData(fd, buf, flags) = &*this;
        let (data, len) = (buf.stable_ptr().cast(), buf.bytes_init());
        // A peer that is gone is an error, not a signal, as in std.
        sys::aura_send(engine, fd.as_raw_fd(), data, len, *flags | MSG_NOSIGNAL, callback, user_data)
    }
    fn finish(mut self, result: Result<usize>) -> Self::Output {
        self.1.take_back();
        (result, self.1)
    }
}

pub(crate) struct Accept {
    fd: Fd,
    peer: SocketAddress,
}

impl Accept {
    pub(crate) fn new(fd: Fd) -> Accept {
        Accept { fd, peer: SocketAddress::empty() }
    }
}

operation!(Accept => Result<(Fd, Option<SocketAddr>)>: |op, engine, callback, user| {
    let (address, len) = (addr_of_mut!(op.peer.storage), addr_of_mut!(op.peer.len));
    sys::aura_accept(engine, op.fd.as_raw_fd(), address.cast(), len, SOCK_CLOEXEC, callback, user)
}, |op, result| {
    // SAFETY: the kernel has made it.
    result.map(|fd| (Fd::new(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }), op.peer.to_inet()))
});

pub(crate) struct Connect(pub Fd, pub SocketAddress);

operation!(Connect: |op, engine, callback, user| {
    let address = addr_of_mut!(op.1.storage).cast::<sys::sockaddr>();
    sys::aura_connect(engine, op.0.as_raw_fd(), address, op.1.len, callback, user)
});

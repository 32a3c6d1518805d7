//! Memory that an operation can own: it comes back when the operation has ended.
use crate::shared::EngineRef;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// Memory to write from.
///
/// # Safety
/// `stable_ptr` and `bytes_init` give initialised memory that stays at its place and unchanged while the value is
/// neither touched nor moved.
pub unsafe trait IoBuf: Send + 'static {
    fn stable_ptr(&self) -> *const u8;
    /// How many bytes there are to write.
    fn bytes_init(&self) -> usize;
    /// How many bytes there is room for, at least `bytes_init`: that many are at the pointer, the first initialised.
    fn bytes_total(&self) -> usize {
        self.bytes_init()
    }

    /// A part of the buffer: as it is written from, of the bytes there are; to read into, up to the room there is. A fresh
    /// vector's `slice(..n)` is read into for exactly n bytes, and is as long as what was read. Without an end it goes
    /// to the last byte there is. Panics when the range begins behind the bytes there are, or ends behind the room.
    ///
    /// ```
    /// use aura::IoBuf;
    /// let part = Vec::with_capacity(100).slice(..10);
    /// assert_eq!((part.bytes_init(), part.bytes_total()), (0, 10));
    /// ```
    fn slice(self, range: impl RangeBounds<usize>) -> Slice<Self>
    where
        Self: Sized,
    {
        let begin = match range.start_bound() {
            Bound::Included(&n) => n,
            Bound::Excluded(&n) => n + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&n) => n + 1,
            Bound::Excluded(&n) => n,
            Bound::Unbounded => self.bytes_init(),
        };
        let (init, total) = (self.bytes_init(), self.bytes_total());
        assert!(begin <= end && begin <= init && end <= total, "range {begin}..{end} of {init}, {total}");
        Slice { buf: self, begin, end }
    }

    /// An operation of `engine` has the buffer from now on.
    #[doc(hidden)]
    fn lend(&mut self, _engine: &EngineRef) {}
    /// The operation has ended: in a callback of that engine, or because it was not started.
    #[doc(hidden)]
    fn take_back(&mut self) {}
}

/// Memory to read into.
///
/// # Safety
/// As [`IoBuf`], for `stable_mut_ptr` and `bytes_total`, except that the memory need not be initialised, and that
/// nothing else reads or writes it. There are [`bytes_total`](IoBuf::bytes_total) of them.
pub unsafe trait IoBufMut: IoBuf {
    fn stable_mut_ptr(&mut self) -> *mut u8;
    /// `count` bytes have been read to the beginning.
    ///
    /// # Safety
    /// They have been initialised.
    unsafe fn set_read(&mut self, count: usize);
}

// SAFETY: all of these have their bytes on the heap or in static memory, and give nobody else access to them.
unsafe impl IoBuf for Vec<u8> {
    fn stable_ptr(&self) -> *const u8 {
        self.as_ptr()
    }
    fn bytes_init(&self) -> usize {
        self.len()
    }
    fn bytes_total(&self) -> usize {
        self.capacity()
    }
}
/// Reading fills the capacity, whatever the length was, and sets the length to what was read. After a failure the
/// vector is as before.
// SAFETY: as above; reads have no more than the capacity, and set_read() is told of bytes that are initialised.
unsafe impl IoBufMut for Vec<u8> {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }
    unsafe fn set_read(&mut self, count: usize) {
        self.set_len(count);
    }
}

// SAFETY: as for the vector.
unsafe impl IoBuf for Box<[u8]> {
    fn stable_ptr(&self) -> *const u8 {
        self.as_ptr()
    }
    fn bytes_init(&self) -> usize {
        self.len()
    }
}
// SAFETY: as for the vector; all of it is initialised.
unsafe impl IoBufMut for Box<[u8]> {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }
    unsafe fn set_read(&mut self, _: usize) {}
}

macro_rules! read_only {
    ($($type:ty),*) => {$(
        // SAFETY: on the heap or static, and nobody can change it.
        unsafe impl IoBuf for $type {
            fn stable_ptr(&self) -> *const u8 {
                self.as_ptr()
            }
            fn bytes_init(&self) -> usize {
                self.len()
            }
        }
    )*};
}
read_only!(String, &'static [u8], &'static str, Arc<[u8]>, Arc<str>);

/// A part of a buffer, made by [`IoBuf::slice`].
#[derive(Debug)]
pub struct Slice<B> {
    buf: B,
    begin: usize,
    end: usize,
}

impl<B> Slice<B> {
    pub fn into_inner(self) -> B {
        self.buf
    }
    pub fn get_ref(&self) -> &B {
        &self.buf
    }
    /// What is left when so many bytes of it have been moved.
    #[cfg(feature = "async")]
    pub(crate) fn without_first(mut self, count: usize) -> Self {
        self.begin = self.end.min(self.begin + count);
        self
    }
}

// SAFETY: a part of what is stable is stable. It begins inside the initialised bytes, and nobody makes them fewer.
unsafe impl<B: IoBuf> IoBuf for Slice<B> {
    fn stable_ptr(&self) -> *const u8 {
        self.buf.stable_ptr().wrapping_add(self.begin)
    }
    fn bytes_init(&self) -> usize {
        self.end.min(self.buf.bytes_init()).saturating_sub(self.begin)
    }
    fn bytes_total(&self) -> usize {
        self.end - self.begin
    }
    fn lend(&mut self, engine: &EngineRef) {
        self.buf.lend(engine);
    }
    fn take_back(&mut self) {
        self.buf.take_back();
    }
}
// SAFETY: the same.
unsafe impl<B: IoBufMut> IoBufMut for Slice<B> {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.buf.stable_mut_ptr().wrapping_add(self.begin)
    }
    unsafe fn set_read(&mut self, count: usize) {
        // What is behind it and was there before stays.
        if self.begin + count > self.buf.bytes_init() {
            self.buf.set_read(self.begin + count);
        }
    }
}

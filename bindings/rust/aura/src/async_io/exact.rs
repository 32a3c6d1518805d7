//! Reads and writes that go on until everything has been moved.
use super::IoFuture;
use crate::callbacks::CURRENT_POSITION;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut, Slice};
use crate::operation::Operation;
use crate::operations::files::{ReadAt, WriteAt};
use libc::EIO;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What one transfer of the rest gives.
type Part<B> = (Result<usize>, Slice<B>);

struct Whole<B> {
    engine: Engine,
    fd: Fd,
    offset: u64,
    moved: usize,
    part: IoFuture<Part<B>>,
}

impl<B: IoBuf> Whole<B> {
    fn begin<O: Operation<Output = Part<B>>>(
        engine: &Engine,
        fd: &Fd,
        buf: Slice<B>,
        offset: u64,
        transfer: fn(Fd, Slice<B>, u64) -> O,
    ) -> Whole<B> {
        let part = IoFuture::start(engine, transfer(fd.clone(), buf, offset));
        Whole { engine: engine.clone(), fd: fd.clone(), offset, moved: 0, part }
    }

    /// `left` bytes of a buffer are still to be moved; `nothing`: what it means that none was, and `told` tells the buffer how
    /// many were before that.
    fn poll<O: Operation<Output = Part<B>>>(
        &mut self,
        context: &mut Context<'_>,
        left: fn(&Slice<B>) -> usize,
        nothing: Error,
        told: fn(&mut B, usize),
        transfer: fn(Fd, Slice<B>, u64) -> O,
    ) -> Poll<(Result<()>, B)> {
        loop {
            let (result, buf) = match Pin::new(&mut self.part).poll(context) {
                Poll::Ready(part) => part,
                Poll::Pending => return Poll::Pending,
            };
            let result = match result {
                Err(error) => Err(error),
                Ok(count) if count >= left(&buf) => Ok(()),
                Ok(0) => {
                    let mut buf = buf.into_inner();
                    told(&mut buf, self.moved);
                    return Poll::Ready((Err(nothing), buf));
                }
                Ok(count) => {
                    self.moved += count;
                    if self.offset != CURRENT_POSITION {
                        self.offset += count as u64;
                    }
                    let rest = transfer(self.fd.clone(), buf.without_first(count), self.offset);
                    self.part = IoFuture::start(&self.engine, rest);
                    continue;
                }
            };
            return Poll::Ready((result, buf.into_inner()));
        }
    }
}

macro_rules! whole {
    ($(#[$attribute:meta])* $name:ident, $bound:ident, $transfer:ident, $range:expr, $left:expr, $nothing:expr, $told:expr) => {
        $(#[$attribute])*
        #[must_use = "dropping it cancels the operation"]
        pub struct $name<B>(Whole<B>);

        impl<B: $bound> $name<B> {
            pub(super) fn begin(engine: &Engine, fd: &Fd, buf: B, offset: u64) -> $name<B> {
                let end = $range(&buf);
                $name(Whole::begin(engine, fd, buf.slice(..end), offset, $transfer::<Slice<B>>))
            }

            /// As [`IoFuture::cancel`], of what is under way.
            ///
            /// # Errors
            /// [`Error::Ended`], `ENOMEM`.
            pub fn cancel(&self) -> Result<()> {
                self.0.part.cancel()
            }
        }

        impl<B: $bound> Future for $name<B> {
            type Output = (Result<()>, B);
            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
                self.0.poll(context, $left, $nothing, $told, $transfer::<Slice<B>>)
            }
        }

        // Nothing is pinned: the operation is elsewhere.
        impl<B> Unpin for $name<B> {}
    };
}
whole!(
    /// Of [`async_read_exact_at`](super::AsyncEngine::async_read_exact_at). Dropping it is safe, as with an [`IoFuture`].
    ReadExactAt, IoBufMut, ReadAt, IoBuf::bytes_total, IoBuf::bytes_total, Error::EndOfFile,
    // SAFETY: so many have been read to its beginning. Without this a vector that was longer would keep what it had behind
    // them: each part is read into a slice, and a slice leaves alone what is behind it.
    |buf, count| unsafe { buf.set_read(count) }
);
whole!(
    /// Of [`async_write_all_at`](super::AsyncEngine::async_write_all_at). Dropping it is safe, as with an [`IoFuture`].
    WriteAllAt, IoBuf, WriteAt, IoBuf::bytes_init, IoBuf::bytes_init, Error::Io(EIO), |_, _| {}
);

//! Connections, one after the other.
use super::{AsyncEngine, IoFuture};
use crate::engine::Engine;
use crate::error::Result;
use crate::fd::Fd;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

type Accepted = Result<(Fd, Option<SocketAddr>)>;

/// The connections of a listening socket: [`next`](Accepts::next), or a stream of the crate futures-core (feature `stream`).
/// It never ends by itself; an error is of one accept, and the next may succeed.
///
/// ```
/// # async fn f(engine: aura::Engine, listener: std::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
/// use aura::async_io::AsyncEngine;
/// let mut accepts = engine.accepts(&listener.into());
/// loop {
///     let (connection, peer) = accepts.next().await?;
///     println!("{peer:?}");
///     engine.async_send(&connection, "hello", 0).await.0?;
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Accepts {
    engine: Engine,
    listener: Fd,
    pending: Option<IoFuture<Accepted>>,
}

impl Accepts {
    pub(super) fn new(engine: &Engine, listener: &Fd) -> Accepts {
        Accepts { engine: engine.clone(), listener: listener.clone(), pending: None }
    }

    /// The next connection. Dropping this future loses none: the accept goes on, and the next call waits for it.
    #[allow(clippy::should_implement_trait)] // named as the crates of futures name it
    pub fn next(&mut self) -> Next<'_> {
        Next(self)
    }

    /// As the future that [`next`](Accepts::next) gives.
    pub fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<Accepted> {
        let pending = self.pending.get_or_insert_with(|| self.engine.async_accept(&self.listener));
        let accepted = Pin::new(pending).poll(context);
        if accepted.is_ready() {
            self.pending = None;
        }
        accepted
    }
}

/// Of [`Accepts::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Next<'a>(&'a mut Accepts);

impl Future for Next<'_> {
    type Output = Accepted;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Accepted> {
        self.0.poll_accept(context)
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Accepts {
    type Item = Accepted;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Accepted>> {
        self.poll_accept(context).map(Some)
    }
}

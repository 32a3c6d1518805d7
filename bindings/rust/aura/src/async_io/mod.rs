//! Futures for any executor (feature `async`).
//!
//! The operations are those of [`Engine`], started at once by the functions of [`AsyncEngine`]. Somebody has to run the
//! engine: a thread in [`Engine::run`], a [`Driver`], or an executor that watches [`Engine::poll_fd`].
//!
//! ```
//! # let path = std::env::current_exe().unwrap();
//! # fn block_on<T>(f: impl std::future::Future<Output = T>) -> T {
//! #     struct Unpark(std::thread::Thread);
//! #     impl std::task::Wake for Unpark { fn wake(self: std::sync::Arc<Self>) { self.0.unpark() } }
//! #     let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
//! #     let (mut f, mut cx) = (Box::pin(f), std::task::Context::from_waker(&waker));
//! #     loop { match f.as_mut().poll(&mut cx) { std::task::Poll::Ready(t) => return t, _ => std::thread::park() } }
//! # }
//! use aura::async_io::{AsyncEngine, Driver};
//!
//! let engine = aura::Engine::new()?;
//! let _driver = Driver::spawn(&engine)?;
//! let file = aura::Fd::new(std::fs::File::open(path)?);
//! block_on(async {
//!     let (result, buf) = engine.async_read_at(&file, Vec::with_capacity(100), 0).await;
//!     assert_eq!(result?, buf.len());
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })
//! # .unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Engine`]: crate::Engine
//! [`Engine::run`]: crate::Engine::run
//! [`Engine::poll_fd`]: crate::Engine::poll_fd
mod accepts;
mod driver;
mod engine;
mod exact;
mod future;
mod link;

pub use accepts::{Accepts, Next};
pub use driver::Driver;
pub use engine::AsyncEngine;
pub use exact::{ReadExactAt, WriteAllAt};
pub use future::IoFuture;
pub use link::{Link, LinkFuture};

//! Asynchronous files, sockets and timers on io_uring, with one ring per processor: auraio's engine for Rust.
//!
//! An [`Engine`] is made once. Any thread starts operations on it; closures are told how they ended, inside
//! [`Engine::wait`] and its like, or, with the feature `async`, futures that any executor polls.
//!
//! ```
//! # let path = std::env::current_exe().unwrap();
//! use aura::{Engine, Fd};
//!
//! let engine = Engine::new()?;
//! let file = Fd::new(std::fs::File::open(path)?);
//! engine.read_at(&file, Vec::with_capacity(4096), 0, |result, buf: Vec<u8>| {
//!     println!("{result:?}: {} bytes", buf.len());
//! })?;
//! engine.wait(None)?; // runs the closure
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is safe
//!
//! The kernel holds the address of a buffer beyond any scope that the compiler knows. Operations that *own* their buffer
//! until it is done with them need no `unsafe`; those that take a [`BufferRef`] do.
//!
//! | operation | | why |
//! |---|---|---|
//! | [`Engine::new`], [`Engine::with_options`] | safe | |
//! | [`Engine::allocate_buffer`] | safe | the [`Buffer`] goes back to the pool when it is dropped |
//! | [`Engine::read`], [`Engine::write`] | **unsafe** | a [`BufferRef`] has no lifetime |
//! | [`Engine::readv`], [`Engine::writev`] | **unsafe** | the same, for the array too |
//! | [`Engine::read_at`], [`write_at`](Engine::write_at), [`readv_at`](Engine::readv_at), [`writev_at`](Engine::writev_at), [`recv`](Engine::recv), [`send`](Engine::send) | safe | the operation owns the buffer |
//! | [`Engine::fsync`], [`Engine::fdatasync`] and the others | safe | no buffer, or one of their own |
//! | [`Engine::cancel`] | safe | a [`RequestHandle`] names its operation for ever, and no other |
//! | [`Engine::poll`], [`wait`](Engine::wait), [`run`](Engine::run), [`drain`](Engine::drain) | safe | in a callback they fail with [`Error::InCallback`] |
//! | [`BufferRef::from_ptr`], [`from_slice`](BufferRef::from_slice), [`from_mut_slice`](BufferRef::from_mut_slice) | **unsafe** | no lifetime |
//! | [`BufferRef::fixed`], [`fixed_index`](BufferRef::fixed_index) | safe | names a registered buffer; the engine checks it |
//! | [`Engine::register_buffers`] | **unsafe** | the memory must outlive the registration |
//! | [`Engine::unregister_buffers`], [`request_unregister_buffers`](Engine::request_unregister_buffers) | safe | |
//! | [`Engine::register_files`], [`RegisteredFiles`] | safe | the table keeps the files open |
//! | [`Engine::set_storage`], [`Engine::device_stats`] | safe | |
//! | `BufferRef::from(&buffer)` | safe | the functions that use it are not |
//! | `AsyncEngine::async_read`, `async_write` | **unsafe** | as `read` and `write` |
//! | `AsyncEngine::async_read_at` and the others | safe | the operation owns the buffer, also when the future is dropped |
//! | [`Fd::new`] | safe | operations keep the descriptor open |
//! | [`Fd::borrow_raw`] | **unsafe** | somebody else might close it; where the function is unsafe anyway a number will do |
//! | [`Engine::as_ptr`] | safe | what C functions do with it is not |

mod buffer;
mod callbacks;
mod chain;
mod engine;
mod error;
mod fd;
mod idle;
mod io_buf;
mod log;
mod open_options;
mod operation;
mod operations;
mod options;
mod panics;
mod registered_files;
mod registration;
mod request;
mod shared;
mod socket_address;
mod stats;
mod storage;
mod table;
#[cfg(doctest)]
mod unsafe_calls;

#[cfg(feature = "async")]
pub mod async_io;

pub use aura_sys as sys;
pub use aura_sys::statx as Statx;
pub use buffer::{Buffer, BufferRef, BufferStats};
pub use callbacks::CURRENT_POSITION;
pub use chain::Chain;
pub use engine::{in_callback_context, version, Engine};
pub use error::{Error, Result};
pub use fd::{Descriptor, Fd};
pub use idle::Limit;
pub use io_buf::{IoBuf, IoBufMut, Slice};
pub use log::{set_log_handler, set_stall_report, LogLevel};
pub use open_options::OpenOptions;
pub use options::{Backend, Options, RingSelect};
pub use registered_files::RegisteredFiles;
pub use request::{OpType, Request, RequestHandle};
pub use socket_address::SocketAddress;
pub use stats::{Latencies, Stats};
pub use storage::{DeviceStats, Phase, StorageSettings};

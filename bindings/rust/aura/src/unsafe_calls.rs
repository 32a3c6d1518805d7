//! Tests of the compiler: what is unsafe does not compile without the word, and compiles with it. Nothing of this is in the crate.
//!
//! Reads and writes of memory that they do not own:
//!
//! ```no_run
//! # let (engine, fd) = (aura::Engine::new()?, 0);
//! # let buf = engine.allocate_buffer(4096)?;
//! unsafe {
//!     engine.read(fd, (&buf).into(), 4096, 0, |_| ())?;
//!     engine.write(fd, (&buf).into(), 4096, 0, |_| ())?;
//!     engine.readv(fd, std::ptr::null(), 0, 0, |_| ())?;
//!     engine.writev(fd, std::ptr::null(), 0, 0, |_| ())?;
//!     engine.register_buffers(&[(&buf).into()])?;
//! }
//! # Ok::<(), aura::Error>(())
//! ```
//! ```compile_fail,E0133
//! # let (engine, fd) = (aura::Engine::new().unwrap(), 0);
//! # let buf = engine.allocate_buffer(4096).unwrap();
//! engine.read(fd, (&buf).into(), 4096, 0, |_| ());
//! ```
//! ```compile_fail,E0133
//! # let (engine, fd) = (aura::Engine::new().unwrap(), 0);
//! # let buf = engine.allocate_buffer(4096).unwrap();
//! engine.write(fd, (&buf).into(), 4096, 0, |_| ());
//! ```
//! ```compile_fail,E0133
//! # let (engine, fd) = (aura::Engine::new().unwrap(), 0);
//! engine.readv(fd, std::ptr::null(), 0, 0, |_| ());
//! ```
//! ```compile_fail,E0133
//! # let (engine, fd) = (aura::Engine::new().unwrap(), 0);
//! engine.writev(fd, std::ptr::null(), 0, 0, |_| ());
//! ```
//! ```compile_fail,E0133
//! # let engine = aura::Engine::new().unwrap();
//! # let buf = engine.allocate_buffer(4096).unwrap();
//! engine.register_buffers(&[(&buf).into()]);
//! ```
//!
//! As futures:
//!
#![cfg_attr(feature = "async", doc = "```no_run")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! # use aura::async_io::AsyncEngine;
//! # let (engine, fd) = (aura::Engine::new()?, 0);
//! # let buf = engine.allocate_buffer(4096)?;
//! let _ = unsafe { engine.async_read(fd, &buf, 4096, 0) }?;
//! let _ = unsafe { engine.async_write(fd, &buf, 4096, 0) }?;
//! # Ok::<(), aura::Error>(())
//! ```
//! ```compile_fail,E0133
//! # use aura::async_io::AsyncEngine;
//! # let (engine, fd) = (aura::Engine::new().unwrap(), 0);
//! # let buf = engine.allocate_buffer(4096).unwrap();
//! let _ = engine.async_read(fd, &buf, 4096, 0);
//! ```
//! ```compile_fail,E0133
//! # use aura::async_io::AsyncEngine;
//! # let (engine, fd) = (aura::Engine::new().unwrap(), 0);
//! # let buf = engine.allocate_buffer(4096).unwrap();
//! let _ = engine.async_write(fd, &buf, 4096, 0);
//! ```
//!
//! References to memory:
//!
//! ```no_run
//! # use aura::BufferRef;
//! # let mut memory = [0u8; 10];
//! let _ = unsafe { (BufferRef::from_ptr(memory.as_mut_ptr(), 10), BufferRef::from_slice(&memory)) };
//! let _ = unsafe { BufferRef::from_mut_slice(&mut memory) };
//! ```
//! ```compile_fail,E0133
//! # let mut memory = [0u8; 10];
//! let _ = aura::BufferRef::from_ptr(memory.as_mut_ptr(), 10);
//! ```
//! ```compile_fail,E0133
//! let _ = aura::BufferRef::from_slice(&[0u8; 10]);
//! ```
//! ```compile_fail,E0133
//! let _ = aura::BufferRef::from_mut_slice(&mut [0u8; 10]);
//! ```
//!
//! Descriptors that somebody else may close:
//!
//! ```no_run
//! # let engine = aura::Engine::new()?;
//! engine.fsync(&unsafe { aura::Fd::borrow_raw(0) }, |_| ())?;
//! # Ok::<(), aura::Error>(())
//! ```
//! ```compile_fail,E0308
//! # let engine = aura::Engine::new().unwrap();
//! engine.fsync(0, |_| ());
//! ```
//! ```compile_fail,E0133
//! let _ = aura::Fd::borrow_raw(0);
//! ```
//!
//! A buffer that an operation owns is out of reach until it comes back, and what a callback borrows would be gone:
//!
//! ```compile_fail,E0382
//! # let engine = aura::Engine::new().unwrap();
//! # let file = aura::Fd::new(std::fs::File::open("/").unwrap());
//! let buf = vec![0; 10];
//! engine.read_at(&file, buf, 0, |_, _| ());
//! buf.len();
//! ```
//! ```compile_fail,E0597
//! # let engine = aura::Engine::new().unwrap();
//! # let file = aura::Fd::new(std::fs::File::open("/").unwrap());
//! let done = std::sync::atomic::AtomicBool::new(false);
//! let done = &done;
//! engine.fsync(&file, move |_| done.store(true, std::sync::atomic::Ordering::Relaxed));
//! ```
//! ```compile_fail,E0277
//! # let engine = aura::Engine::new().unwrap();
//! # let file = aura::Fd::new(std::fs::File::open("/").unwrap());
//! let done = std::rc::Rc::new(()); // the callback may run in another thread
//! engine.fsync(&file, move |_| drop(done));
//! ```
//!
//! What needs the word elsewhere and not here may have it all the same:
//!
//! ```no_run
//! # let engine = aura::Engine::new()?;
//! # let handle: aura::RequestHandle = engine.timeout(std::time::Duration::from_secs(1), |_| ())?;
//! #[allow(unused_unsafe)]
//! unsafe {
//!     engine.cancel(&handle)?;
//! }
//! # Ok::<(), aura::Error>(())
//! ```

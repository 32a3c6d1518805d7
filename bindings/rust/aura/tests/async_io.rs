//! Futures: their outputs, dropping and cancelling them, wakers, the driver.
mod support;
use aura::async_io::{AsyncEngine, Driver, IoFuture};
use aura::{Engine, Error, Fd, OpenOptions};
use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use support::*;

struct Unpark(std::thread::Thread, AtomicUsize);
impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.unpark();
    }
}

fn unparking() -> (Arc<Unpark>, Waker) {
    let wake = Arc::new(Unpark(std::thread::current(), AtomicUsize::new(0)));
    (wake.clone(), wake.into())
}

/// Somebody else drives the engine.
fn block_on<F: Future>(future: F) -> F::Output {
    let (waker, mut future) = (unparking().1, Box::pin(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Drives the engine itself.
fn finish<T>(engine: &Engine, mut future: IoFuture<T>) -> T {
    let waker = unparking().1;
    loop {
        if let Poll::Ready(output) = poll_once(&mut future, &waker) {
            return output;
        }
        assert_ne!(engine.wait(PATIENCE), Ok(0));
    }
}

#[test]
fn every_operation_on_files() {
    let (engine, file) = (one_ring(), Scratch::new());
    let _driver = Driver::spawn(&engine).unwrap();
    block_on(async {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let fd = engine.async_openat(None, file.path(), &options).await.unwrap();
        assert_eq!(engine.async_write_at(&fd, "hello", 0).await, (Ok(5), "hello"));
        assert_eq!(engine.async_writev_at(&fd, vec![" ", "world"], 5).await.0, Ok(6));
        assert_eq!(engine.async_fsync(&fd).await, Ok(()));
        assert_eq!(engine.async_fdatasync(&fd).await, Ok(()));
        assert_eq!(engine.async_sync_file_range(&fd, 0, 0, 2).await, Ok(()));
        assert_eq!(
            engine.async_statx(None, file.path(), 0, libc::STATX_BASIC_STATS).await.unwrap().stx_size,
            11
        );
        let (result, buf) = engine.async_read_at(&fd, Vec::with_capacity(100), 6).await;
        assert_eq!((result, &buf[..]), (Ok(5), &b"world"[..]));
        let (result, bufs) = engine.async_readv_at(&fd, vec![buf, Vec::with_capacity(100)], 0).await;
        assert_eq!((result, &bufs[0][..]), (Ok(11), &b"hello world"[..]));
        assert_eq!(engine.async_ftruncate(&fd, 2).await, Ok(()));
        let allocated = engine.async_fallocate(&fd, 0, 0, 4).await;
        assert!(allocated.is_ok() || allocated == Err(Error::Io(95)));

        let buf = engine.allocate_buffer(16).unwrap();
        // SAFETY: the buffer outlives the operations, which are awaited.
        let n = unsafe { engine.async_read(&fd, &buf, 2, 0) }.unwrap().await.unwrap();
        assert_eq!(&buf[..n], b"he");
        assert_eq!(unsafe { engine.async_write(&fd, &buf, 2, 2) }.unwrap().await, Ok(2));
        assert_eq!(engine.async_close(fd).await, Ok(()));
    });
    assert_eq!(&file.content()[..4], b"hehe");
}

#[test]
fn every_operation_on_sockets() {
    let engine = Engine::new().unwrap();
    let driver = Driver::spawn(&engine).unwrap();
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = engine.async_accept(&Fd::new(listener));
        let client = Fd::stream_socket(&address.into()).unwrap();
        engine.async_connect(&client, address).await.unwrap();
        let (server, _) = accepting.await.unwrap();
        let receiving = engine.async_recv(&server, Vec::with_capacity(8), 0);
        assert_eq!(engine.async_send(&client, b"ping".to_vec(), 0).await.0, Ok(4));
        assert_eq!(receiving.await, (Ok(4), b"ping".to_vec()));
        assert_eq!(engine.async_timeout(Duration::from_millis(1)).await, Ok(()));
    });
    assert_eq!(driver.stop(), Ok(()));
}

#[test]
fn what_cannot_be_started_is_ready_with_its_buffer() {
    let engine = one_ring();
    let waker = unparking().1;
    let refused = |errno| Poll::Ready(Err(Error::Submission(errno)));
    let mut read = engine.async_read_at(&bad_fd(), b"mine".to_vec(), 0);
    assert_eq!(read.request(), None);
    assert_eq!(read.cancel(), Err(Error::Ended));
    assert_eq!(poll_once(&mut read, &waker), Poll::Ready((Err(Error::Submission(EBADF)), b"mine".to_vec())));
    let buf = engine.allocate_buffer(10).unwrap();
    let mut pooled = engine.async_send(&bad_fd(), buf, 0);
    assert!(
        matches!(poll_once(&mut pooled, &waker), Poll::Ready((Err(Error::Submission(EBADF)), b)) if b.len() == 10)
    );
    assert_eq!(poll_once(&mut engine.async_fsync(&bad_fd()), &waker), refused(EBADF));
    let mut open = engine.async_openat(None, "a\0b", OpenOptions::new().read(true));
    assert!(matches!(poll_once(&mut open, &waker), Poll::Ready(Err(Error::Submission(EINVAL)))));
    assert!(matches!(
        poll_once(&mut engine.async_statx(None, "a\0b", 0, 0), &waker),
        Poll::Ready(Err(Error::Submission(EINVAL)))
    ));
}

/// Tells when it is dropped.
struct Watched(Vec<u8>, Arc<AtomicUsize>);
impl Drop for Watched {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}
// SAFETY: a Vec's.
unsafe impl aura::IoBuf for Watched {
    fn stable_ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }
    fn bytes_init(&self) -> usize {
        self.0.len()
    }
}
unsafe impl aura::IoBufMut for Watched {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }
    unsafe fn set_read(&mut self, _: usize) {}
}

#[test]
fn a_dropped_future_leaves_its_buffer_to_the_operation() {
    let (engine, (ours, theirs)) = (one_ring(), pair());
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut future = engine.async_recv(&ours, Watched(vec![0; 64], dropped.clone()), 0);
    assert!(poll_once(&mut future, &unparking().1).is_pending());
    engine.flush().unwrap();
    let request = future.request().unwrap();
    drop(future);
    drop(ours);
    assert_eq!(dropped.load(Ordering::SeqCst), 0); // the kernel may have it still
    assert_eq!(engine.drain(PATIENCE), Ok(1));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert!(!request.is_pending());
    let mut end = [0; 1];
    assert_eq!((&theirs).read(&mut end).unwrap(), 0); // and the descriptor is closed
}

#[test]
fn a_future_may_be_dropped_before_during_and_after() {
    let engine = Engine::new().unwrap();
    let driver = Driver::spawn(&engine).unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    const ROUNDS: usize = 300;
    for round in 0..ROUNDS {
        let (ours, theirs) = pair(); // one each: a receive that is being cancelled may still take the next one's byte
        let future = engine.async_recv(&ours, Watched(vec![0; 16], dropped.clone()), 0);
        match round % 3 {
            0 => drop(future),
            1 => {
                (&theirs).write_all(b"x").unwrap();
                drop(future);
            }
            _ => {
                (&theirs).write_all(b"y").unwrap();
                assert!(matches!(block_on(future).0, Ok(1..=16)));
            }
        }
    }
    driver.stop().unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), ROUNDS);
}

#[test]
fn an_accepted_connection_nobody_waits_for_is_closed() {
    let engine = one_ring();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = engine.async_accept(&Fd::new(listener));
    let mut client = std::net::TcpStream::connect(address).unwrap();
    while accepting.request().unwrap().is_pending() {
        engine.wait(PATIENCE).unwrap();
    }
    drop(accepting);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn cancelling_gives_the_buffer_back() {
    let (engine, (ours, _theirs)) = (one_ring(), pair());
    let future = engine.async_recv(&ours, engine.allocate_buffer(77).unwrap(), 0);
    assert_eq!(future.cancel(), Ok(()));
    let (result, buf) = finish(&engine, future);
    assert_eq!((result, buf.len()), (Err(Error::Cancelled), 77));
}

#[test]
fn the_last_waker_is_woken_and_the_ones_before_are_not() {
    let engine = one_ring();
    let ((first, first_waker), (second, second_waker)) = (unparking(), unparking());
    let mut future = engine.async_timeout(Duration::ZERO);
    assert!(poll_once(&mut future, &first_waker).is_pending());
    assert!(poll_once(&mut future, &second_waker).is_pending());
    assert_eq!(Arc::strong_count(&first), 2); // ours and the waker's: the future has forgotten it
    engine.drain(PATIENCE).unwrap();
    assert_eq!((first.1.load(Ordering::Relaxed), second.1.load(Ordering::Relaxed)), (0, 1));
    assert!(poll_once(&mut future, &second_waker).is_ready());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut future, &second_waker)))
        .is_err());
}

#[test]
fn a_future_keeps_its_engine_and_its_buffer_does_not_keep_it() {
    let (engine, (ours, theirs)) = (one_ring(), pair());
    let buf = engine.allocate_buffer(8).unwrap();
    let future = engine.async_recv(&ours, buf, 0);
    drop(engine);
    drop(ours);
    drop(future); // the last of the engine: what is pending ends in here
    assert_eq!((&theirs).read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_driver_outlives_panics_and_may_be_dropped_in_a_callback() {
    let engine = one_ring();
    let driver = Driver::spawn(&engine).unwrap();
    engine.timeout(Duration::ZERO, |_| panic!("on purpose")).unwrap();
    engine.flush().unwrap();
    assert_eq!(block_on(engine.async_timeout(Duration::from_millis(1))), Ok(()));
    let (sender, receiver) = std::sync::mpsc::channel();
    engine
        .timeout(Duration::ZERO, move |_| {
            drop(driver);
            sender.send(()).unwrap();
        })
        .unwrap();
    receiver.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_driver_ends_alone() {
    let engine = Engine::with_options(aura::Options::new().ring_count(2)).unwrap();
    let running = engine.clone();
    let thread = std::thread::spawn(move || running.run());
    for _ in 0..20 {
        let driver = Driver::spawn(&engine).unwrap();
        assert_eq!(block_on(engine.async_timeout(Duration::ZERO)), Ok(()));
        driver.stop().unwrap();
    }
    assert!(!thread.is_finished());
    assert_eq!(block_on(engine.async_timeout(Duration::ZERO)), Ok(()));
    engine.stop();
    assert_eq!(thread.join().unwrap(), Ok(()));
}

#[test]
fn futures_may_be_sent() {
    fn check<T: Send + Sync>() {}
    check::<IoFuture<(aura::Result<usize>, Vec<u8>)>>();
    check::<Driver>();
}

#[test]
fn a_close_whose_future_is_dropped_closes() {
    let (engine, (ours, mut theirs)) = (one_ring(), std::os::unix::net::UnixStream::pair().unwrap());
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    drop(engine.async_close(ours));
    engine.drain(PATIENCE).unwrap();
    assert_eq!(std::io::Read::read(&mut theirs, &mut [0; 1]).unwrap(), 0);
}

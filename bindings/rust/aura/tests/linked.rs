//! Chains as one future.
mod support;
use aura::async_io::AsyncEngine;
use aura::{Engine, Error};
use std::io::Write;
use std::task::{Context, Poll};
use support::*;

#[test]
fn the_outputs_of_a_chain_are_those_of_one_future() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    let chain = engine
        .link()
        .write(&fd, "hello ", 0)
        .writev(&fd, vec!["wor", "ld"], 6)
        .fdatasync(&fd)
        .fsync(&fd)
        .read(&fd, Vec::with_capacity(100).slice_of(11), 0)
        .readv(&fd, vec![vec![0; 5].into_boxed_slice()], 6)
        .ftruncate(&fd, 5)
        .write(&fd, "!", 5);
    let outputs = wait_for(&engine, chain.submit_async());
    let ((first, text), (second, _), data, sync, (read, all), (readv, parts), cut, (last, _)) = outputs;
    assert_eq!((first, text, second), (Ok(6), "hello ", Ok(5)));
    assert_eq!((data, sync, cut, last), (Ok(()), Ok(()), Ok(()), Ok(1)));
    assert_eq!((read, &all.into_inner()[..]), (Ok(11), &b"hello world"[..]));
    assert_eq!((readv, &parts[0][..]), (Ok(5), &b"world"[..]));
    assert_eq!(file.content(), b"hello!");
}

/// A vector's first bytes, whatever its length.
trait SliceOf {
    fn slice_of(self, count: usize) -> aura::Slice<Vec<u8>>;
}
impl SliceOf for Vec<u8> {
    fn slice_of(self, count: usize) -> aura::Slice<Vec<u8>> {
        aura::IoBuf::slice(self, ..count)
    }
}

#[test]
fn what_is_behind_a_short_operation_is_cancelled_and_keeps_its_buffer() {
    let (engine, file) = (one_ring(), Scratch::with(b"abc"));
    let fd = file.open();
    let chain = engine.link().read(&fd, Vec::with_capacity(10), 0).write(&fd, "not reached".to_string(), 0);
    let ((read, got), (written, kept)) = wait_for(&engine, chain.submit_async());
    assert_eq!((read, &got[..]), (Ok(3), &b"abc"[..]));
    assert_eq!((written, &kept[..]), (Err(Error::Cancelled), "not reached"));
    assert_eq!(file.content(), b"abc");
}

#[test]
fn a_chain_that_is_refused_says_why_in_each_output() {
    let (engine, file) = (one_ring(), Scratch::new());
    let pooled = engine.allocate_buffer(100).unwrap();
    let chain = engine.link().write(&file.open(), pooled, 0).fsync(&bad_fd());
    let ((written, buffer), synced) = wait_for(&engine, chain.submit_async());
    let refused = Error::Submission(EBADF);
    assert_eq!((written, buffer.len(), synced), (Err(refused), 100, Err(refused)));
    drop(buffer);
    assert_eq!(engine.buffer_stats().unwrap().in_use_bytes, 0);
    assert_eq!(file.content(), b"");
}

#[test]
fn a_chain_whose_future_is_dropped_is_cancelled() {
    let (engine, (ours, mut theirs)) = (Engine::new().unwrap(), pair());
    let file = Scratch::new();
    let offset = aura::CURRENT_POSITION;
    let future = engine.link().read(&ours, vec![0; 4], offset).write(&file.open(), "x", 0).submit_async();
    engine.flush().unwrap();
    drop(future);
    engine.drain(PATIENCE).unwrap();
    theirs.write_all(b"1234").unwrap(); // whoever reads it, it is not the chain
    let rest = wait_for(&engine, engine.async_read_at(&ours, vec![0; 4], offset));
    assert_eq!(rest, (Ok(4), b"1234".to_vec()));
    assert_eq!(file.content(), b"");
}

#[test]
fn a_chain_that_is_dropped_or_never_submitted_starts_nothing() {
    let (engine, file) = (one_ring(), Scratch::new());
    drop(engine.link().write(&file.open(), engine.allocate_buffer(10).unwrap(), 0).fsync(&file.open()));
    assert_eq!(engine.drain(None), Ok(0));
    assert_eq!(engine.buffer_stats().unwrap().in_use_bytes, 0);
    assert_eq!(file.content(), b"");
}

#[test]
fn one_waker_hears_of_the_last_operation() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Counted(AtomicUsize);
    impl std::task::Wake for Counted {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    let counted = std::sync::Arc::new(Counted(AtomicUsize::new(0)));
    let waker = counted.clone().into();
    let mut context = Context::from_waker(&waker);
    let mut chain =
        Box::pin(engine.link().write(&fd, "a", 0).write(&fd, "b", 1).write(&fd, "c", 2).submit_async());
    assert!(std::future::Future::poll(chain.as_mut(), &mut context).is_pending());
    assert_eq!(engine.drain(PATIENCE), Ok(3));
    assert_eq!(counted.0.load(Ordering::Relaxed), 1);
    let ready = std::future::Future::poll(chain.as_mut(), &mut context);
    assert!(matches!(ready, Poll::Ready(((Ok(1), "a"), (Ok(1), "b"), (Ok(1), "c")))));
}

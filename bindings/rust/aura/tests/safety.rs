//! What the table of the crate calls safe, called by a program that may not say `unsafe`; src/unsafe_calls.rs has the rest of it.
#![forbid(unsafe_code)]
#![allow(clippy::needless_borrows_for_generic_args)] // the reference is what is tested
use aura::{BufferRef, Engine, Error, Fd, Options, RequestHandle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn file() -> Fd {
    std::fs::File::open(std::env::current_exe().unwrap()).unwrap().into()
}

#[test]
fn engines_buffers_and_syncs() {
    let made = [Engine::new(), Engine::with_options(Options::new().ring_count(1))];
    for engine in made.into_iter().map(Result::unwrap) {
        let mut buffer = engine.allocate_buffer(100).unwrap();
        buffer.as_mut_slice()[99] = 1;
        let reference: BufferRef = (&buffer).into();
        assert_eq!((reference.len(), BufferRef::from(&buffer).len()), (100, 100));
        engine.fsync(&file(), |r| assert_eq!(r, Ok(()))).unwrap();
        engine.fdatasync(&file(), |r| assert_eq!(r, Ok(()))).unwrap();
        assert_eq!(engine.drain(None), Ok(2));
    }
}

#[test]
fn the_four_that_run_callbacks() {
    let engine = Engine::new().unwrap();
    engine.timeout(Duration::ZERO, |_| ()).unwrap();
    while engine.poll().unwrap() == 0 {
        std::thread::yield_now();
    }
    engine.timeout(Duration::ZERO, |_| ()).unwrap();
    assert_eq!(engine.wait(30_000), Ok(1));
    let clone = engine.clone();
    engine.timeout(Duration::ZERO, move |_| clone.stop()).unwrap();
    assert_eq!(engine.run(), Ok(()));
    assert_eq!(engine.drain(30_000), Ok(0));
}

#[test]
fn a_request_that_has_ended_names_nothing() {
    let engine = Engine::new().unwrap();
    let handle: RequestHandle = engine.timeout(Duration::from_secs(3600), |_| ()).unwrap();
    engine.cancel(&handle).unwrap();
    assert_eq!(engine.drain(None), Ok(1));
    assert_eq!(engine.cancel(&handle), Err(Error::Ended));
    assert_eq!(engine.cancel(handle), Err(Error::Ended));
    drop(engine);
    assert!(!handle.is_pending());
}

#[test]
fn registered_buffers_are_named_by_their_index() {
    assert_eq!(BufferRef::fixed_index(3).len(), 0);
    let copied = BufferRef::fixed(3, 100); // Copy: as often as one likes
    let _ = (copied, copied);
}

#[test]
fn an_engine_is_shared_by_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let engine = Engine::new().unwrap();
    shared(&engine);
    assert_eq!(engine.clone().as_ptr(), engine.as_ptr()); // one C engine, for those who need it
    let buffer = std::thread::spawn(move || engine.allocate_buffer(100).unwrap()).join().unwrap();
    assert_eq!(buffer.len(), 100); // and outlives the last engine in our hands
}

#[test]
fn a_wait_with_nothing_pending_takes_its_time() {
    let engine = Engine::new().unwrap();
    let begin = Instant::now();
    for _ in 0..5 {
        assert_eq!(engine.wait(3), Ok(0));
    }
    assert!(begin.elapsed() >= Duration::from_millis(15));
    let begin = Instant::now();
    assert_eq!(engine.wait(None), Ok(0)); // nothing that would end it
    assert_eq!(engine.wait(Duration::from_secs(3600)), Ok(0)); // looks again before
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert_eq!(engine.wait(0), Ok(0));
}

#[test]
fn a_wait_with_nothing_pending_hears_of_what_is_started() {
    let engine = Engine::new().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let starter = std::thread::spawn({
        let (engine, done) = (engine.clone(), done.clone());
        move || {
            for _ in 0..100 {
                let (sender, ended) = std::sync::mpsc::channel();
                engine.timeout(Duration::ZERO, move |r| sender.send(r).unwrap()).unwrap();
                assert_eq!(ended.recv(), Ok(Ok(())));
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    let mut ran = 0;
    while !done.load(Ordering::SeqCst) {
        ran += engine.wait(30_000).unwrap();
    }
    starter.join().unwrap();
    assert_eq!(ran, 100);
}

#[cfg(feature = "async")]
#[test]
fn futures_without_a_buffer() {
    use aura::async_io::{AsyncEngine, Driver};
    let engine = Engine::new().unwrap();
    let driver = Driver::spawn(&engine).unwrap();
    drop(engine.async_fsync(&file()));
    drop(engine.async_fdatasync(&file()));
    driver.stop().unwrap();
}

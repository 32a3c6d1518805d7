//! Engines: options, driving, callbacks and their panics, cancellation, the end.
mod support;
use aura::{in_callback_context, set_log_handler, set_stall_report, Backend, Engine, Error, Options, RingSelect};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::*;

#[test]
fn engines_may_be_shared_and_sent() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Engine>();
    fn check_send<T: Send>() {}
    check_send::<aura::Buffer>();
    check_send::<aura::BufferRef>();
    check_send::<aura::Request>();
}

#[test]
fn options_are_heeded_or_refused() {
    for select in
        [RingSelect::Adaptive, RingSelect::CpuLocal, RingSelect::RoundRobin, RingSelect::ThreadLocal]
    {
        let mut options = Options::new();
        options.ring_count(2).queue_depth(8).completion_depth(64).ring_select(select).backend(Backend::Uring);
        let engine = Engine::with_options(&options).unwrap();
        assert_eq!(engine.ring_count(), 2);
        assert_eq!(engine.backend(), Backend::Uring);
        assert!(engine.backend_reason().contains("uring"), "{}", engine.backend_reason());
        engine.timeout(Duration::ZERO, |r| assert_eq!(r, Ok(()))).unwrap();
        assert_eq!(engine.drain(PATIENCE), Ok(1));
    }
    for refused in [
        Options::new().ring_count(513),
        Options::new().queue_depth(u32::MAX),
        Options::new().completion_depth(65537),
        Options::new().queue_depth(64).completion_depth(32),
    ] {
        assert_eq!(Engine::with_options(refused).unwrap_err(), Error::Io(EINVAL));
    }
    assert_eq!(aura::version(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_four_ways_to_run_callbacks() {
    let engine = one_ring();
    assert_eq!(engine.poll(), Ok(0));
    assert_eq!(engine.wait(None), Ok(0));
    assert_eq!(engine.drain(None), Ok(0));
    let request =
        engine.timeout(Duration::from_secs(3600), |r| assert_eq!(r, Err(Error::Cancelled))).unwrap();
    assert_eq!(engine.wait(Duration::from_micros(1)), Ok(0));
    assert_eq!(engine.wait(1), Ok(0));
    assert_eq!(engine.drain(Duration::ZERO), Err(Error::TimedOut));
    assert_eq!(Error::TimedOut.kind(), std::io::ErrorKind::TimedOut);
    engine.cancel(request).unwrap();
    assert_eq!(engine.wait(Duration::MAX), Ok(1));
    assert_eq!(engine.wait(Duration::MAX), Ok(0));

    engine.stop(); // before: the next run() returns at once
    assert_eq!(engine.run(), Ok(()));
    let other = engine.clone();
    engine.timeout(Duration::ZERO, move |_| other.stop()).unwrap();
    assert_eq!(engine.run(), Ok(()));
}

#[test]
fn the_descriptor_is_readable_when_there_is_something_to_do() {
    let engine = one_ring();
    let first = std::os::unix::io::AsRawFd::as_raw_fd(&engine.poll_fd().unwrap());
    assert_eq!(first, std::os::unix::io::AsRawFd::as_raw_fd(&engine.poll_fd().unwrap()));
}

#[test]
fn a_callback_may_start_and_cancel_but_not_run_others() {
    let engine = one_ring();
    let (sender, ended) = outcome();
    let inner = engine.clone();
    assert!(!in_callback_context());
    engine
        .timeout(Duration::ZERO, move |_| {
            assert!(in_callback_context());
            assert_eq!(inner.poll(), Err(Error::InCallback));
            assert_eq!(inner.wait(None), Err(Error::InCallback));
            assert_eq!(inner.run(), Err(Error::InCallback));
            assert_eq!(inner.drain(None), Err(Error::InCallback));
            let request = inner.timeout(Duration::from_secs(3600), move |r| sender.send(r).unwrap()).unwrap();
            inner.cancel(request).unwrap();
        })
        .unwrap();
    assert_eq!(ended.wait(&engine), Err(Error::Cancelled));
}

#[test]
fn cancelling_hits_no_stranger() {
    let engine = one_ring();
    let (sender, first) = outcome();
    let request = engine.timeout(Duration::ZERO, move |r| sender.send(r).unwrap()).unwrap();
    assert_eq!(first.wait(&engine), Ok(()));
    assert_eq!(engine.cancel(request), Err(Error::Ended));
    let fired = Arc::new(AtomicUsize::new(0));
    for _ in 0..200 {
        let fired = fired.clone();
        let next = engine.timeout(Duration::ZERO, move |r| {
            r.unwrap();
            fired.fetch_add(1, Ordering::Relaxed);
        });
        assert_ne!(next.unwrap(), request);
        assert_eq!(engine.cancel(request), Err(Error::Ended)); // the slot is another's now
    }
    engine.drain(PATIENCE).unwrap();
    assert_eq!(fired.load(Ordering::Relaxed), 200);

    let other = one_ring();
    let foreign = other.timeout(Duration::from_secs(3600), |_| ()).unwrap();
    assert_eq!(engine.cancel(foreign), Err(Error::Io(EINVAL)));
    drop(other);
    assert!(!foreign.is_pending());
    assert_eq!(engine.cancel(foreign), Err(Error::Ended));
}

#[test]
fn a_cancelled_receive_gives_its_buffer_back() {
    let (engine, (ours, _theirs)) = (one_ring(), pair());
    let (sender, cancelled) = outcome();
    let request = engine.recv(&ours, b"mine".to_vec(), 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    engine.flush().unwrap();
    engine.cancel(request).unwrap();
    assert_eq!(cancelled.wait(&engine), (Err(Error::Cancelled), b"mine".to_vec()));
}

// ---- panics ----

fn message(payload: Box<dyn std::any::Any + Send>) -> String {
    payload.downcast_ref::<&str>().map(|s| s.to_string()).unwrap_or_default()
}

#[test]
fn a_panic_goes_on_behind_c() {
    let engine = one_ring();
    let ran = Arc::new(AtomicUsize::new(0));
    for turn in 0..3 {
        let (one, two) = (ran.clone(), ran.clone());
        engine
            .timeout(Duration::ZERO, move |_| {
                one.fetch_add(1, Ordering::Relaxed);
                panic!("on purpose");
            })
            .unwrap();
        engine
            .timeout(Duration::ZERO, move |_| {
                two.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| match turn {
            0 => engine.drain(PATIENCE).map(|_| ()),
            1 => engine.run(),
            _ => engine.wait(PATIENCE).map(|_| ()),
        }));
        assert_eq!(message(panicked.unwrap_err()), "on purpose");
        engine.drain(PATIENCE).unwrap(); // the engine goes on, and nothing is left of the panic
        assert_eq!(ran.load(Ordering::Relaxed), 2 * (turn + 1));
    }
}

#[test]
fn a_second_panic_of_a_turn_is_not_lost_for_the_hook_but_ends_there() {
    let engine = one_ring();
    for text in ["first", "second"] {
        engine.timeout(Duration::ZERO, move |_| panic!("{text}")).unwrap();
    }
    assert!(catch_unwind(AssertUnwindSafe(|| engine.drain(PATIENCE))).is_err());
    assert_eq!(engine.drain(PATIENCE), Ok(0));
}

#[test]
fn a_panic_while_the_engine_ends_ends_there() {
    let engine = one_ring();
    engine.timeout(Duration::from_secs(3600), |_| panic!("on purpose")).unwrap();
    drop(engine);
}

// ---- the end ----

#[test]
fn the_last_clone_ends_what_is_pending() {
    let (engine, (ours, _theirs)) = (one_ring(), pair());
    let (sender, ended) = outcome();
    engine.recv(&ours, vec![7; 3], 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    let clone = engine.clone();
    drop(engine);
    assert!(ended.now().is_none());
    drop(clone);
    assert_eq!(ended.now(), Some((Err(Error::Cancelled), vec![7; 3])));
}

#[test]
fn a_buffer_in_flight_does_not_keep_its_engine_and_survives_it() {
    let (engine, (ours, _theirs)) = (one_ring(), pair());
    let mut buf = engine.allocate_buffer(5000).unwrap();
    buf[4999] = 42;
    let (sender, ended) = outcome();
    engine.recv(&ours, buf, 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    drop(engine);
    let (result, buf) = ended.now().expect("the engine has ended");
    assert_eq!((result, buf.len(), buf[4999]), (Err(Error::Cancelled), 5000, 42));
    assert_eq!(buf.as_ptr() as usize % 4096, 0);
}

#[test]
fn a_buffer_of_another_engine_keeps_that_one() {
    let (engine, other, (ours, _theirs)) = (one_ring(), one_ring(), pair());
    let buf = other.allocate_buffer(100).unwrap();
    let (sender, ended) = outcome();
    let request = engine.recv(&ours, buf, 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    drop(other);
    engine.cancel(request).unwrap();
    let (result, buf) = ended.wait(&engine);
    assert_eq!((result, &buf[..]), (Err(Error::Cancelled), &[0; 100][..]));
}

#[test]
fn a_buffer_keeps_its_engine() {
    let engine = one_ring();
    assert_eq!(engine.allocate_buffer(0).unwrap_err(), Error::Io(EINVAL));
    let buf = engine.allocate_buffer(100).unwrap();
    let stats = engine.buffer_stats().unwrap();
    assert!(stats.in_use_bytes >= 100 && stats.total_bytes >= stats.in_use_bytes);
    assert_eq!(stats.allocations - stats.deallocations, 1);
    drop(engine);
    assert_eq!(&buf[..], [0; 100]);
    std::thread::spawn(move || drop(buf)).join().unwrap(); // and ends it, in any thread
}

#[test]
fn an_engine_may_end_in_a_callback_of_another() {
    let (engine, other) = (one_ring(), one_ring());
    let ended = Arc::new(AtomicBool::new(false));
    let flag = ended.clone();
    other.timeout(Duration::from_secs(3600), move |_| flag.store(true, Ordering::Relaxed)).unwrap();
    engine.timeout(Duration::ZERO, move |_| drop(other)).unwrap();
    engine.drain(PATIENCE).unwrap();
    assert!(ended.load(Ordering::Relaxed));
}

// ---- the log ----

#[test]
fn a_callback_that_does_not_return_is_reported() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let _alone = LOG.lock().unwrap();
    set_log_handler(Some(Box::new(|_, text| {
        TOLD.fetch_or(text.contains("has not returned") || text.contains("in a handler"), Ordering::Relaxed);
    })));
    set_stall_report(Some(Duration::from_millis(20)));
    let engine = Engine::new().unwrap();
    engine
        .timeout(Duration::ZERO, |_| {
            let began = std::time::Instant::now();
            while !TOLD.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(60) {
                std::hint::spin_loop();
            }
        })
        .unwrap();
    engine.drain(PATIENCE).unwrap();
    set_stall_report(None);
    set_log_handler(None);
    assert!(TOLD.load(Ordering::Relaxed));
}

/// Held by tests that set the log handler, of which the process has one.
static LOG: Mutex<()> = Mutex::new(());

#[test]
fn the_log_handler_is_told_and_may_panic() {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let _alone = LOG.lock().unwrap();
    let dropped = Arc::new(());
    let witness = dropped.clone();
    set_log_handler(Some(Box::new(move |_, text| {
        let _ = &witness;
        HEARD.lock().unwrap().push(text.to_owned());
        assert!(catch_unwind(|| set_log_handler(None)).is_err());
        panic!("on purpose");
    })));
    assert!(Engine::with_options(Options::new().ring_count(513)).is_err());
    set_log_handler(None);
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert!(HEARD.lock().unwrap().iter().any(|text| text.contains("ring_count")));
}

#[test]
fn statistics_count_what_was_done() {
    let engine =
        Engine::with_options(Options::new().ring_count(2).ring_select(RingSelect::RoundRobin)).unwrap();
    let file = std::fs::File::open("Cargo.toml").unwrap();
    let before = engine.read_latencies(None).unwrap();
    assert_eq!((before.count(), before.percentile(0.5)), (0, Duration::ZERO));
    let fd = aura::Fd::new(file);
    for _ in 0..256 {
        engine.read_at(&fd, vec![0; 16], 0, |n, _| assert_eq!(n, Ok(16))).unwrap();
        engine.drain(PATIENCE).unwrap();
    }
    let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    engine.dump(&writer).unwrap();
    drop(writer);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    assert!(text.contains("ring 0: ") && text.contains("ring 1: "), "{text}");
    let all = engine.stats().unwrap();
    assert_eq!((all.rings, all.submitted, all.completed, all.in_flight), (2, 256, 256, 0));
    assert!(all.enters > 0 && all.turns > 0 && all.handlers >= 256);
    assert_eq!(engine.ring_stats(1).unwrap().submitted, 128);
    assert_eq!(engine.ring_stats(2), Err(Error::Io(EINVAL)));
    assert_eq!(engine.ring_stats(usize::MAX), Err(Error::Io(EINVAL)));
    let latencies = engine.read_latencies(None).unwrap();
    assert!(latencies.count() >= 4); // one of 64, and more where the device is slow
    assert!(latencies.percentile(0.5) <= latencies.percentile(1.0) && latencies.sum() > Duration::ZERO);
    assert_eq!(latencies.since(&latencies).count(), 0);
    assert!(engine.read_latencies(Some(0)).unwrap().count() >= 2);
    assert_eq!(engine.write_latencies(None).unwrap().count(), 0);
    let times = engine.handler_times(None).unwrap();
    assert!(times.count() > 0 && times.count() <= all.handlers / 61);
    assert_eq!(engine.queue_delays(None).unwrap().count(), times.count());
    assert!(format!("{latencies:?}").contains("p99"));
}

#[test]
fn statistics_are_served_while_the_engine_lives() {
    let path = std::env::temp_dir().join(format!("aura-statistics-{}", std::process::id()));
    let engine = Engine::new().unwrap();
    assert_eq!(engine.serve_statistics("a\0b", None), Err(Error::Io(EINVAL)));
    assert_eq!(engine.serve_statistics(&path, None), Ok(0));
    let mut line = String::new();
    let socket = std::os::unix::net::UnixStream::connect(&path).unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(socket), &mut line).unwrap();
    assert!(line.starts_with("{\"context\":\"main\"") && line.ends_with("]}\n"), "{line}");
    assert_ne!(engine.serve_statistics(&path, Some(0)).unwrap(), 0);
    drop(engine);
    assert!(!path.exists());
}

#[test]
fn a_child_of_fork_is_refused_and_the_parent_goes_on() {
    use libc::{fork, waitpid, ECHILD};
    let (engine, (ours, mut theirs)) = (one_ring(), pair());
    let (sender, received) = outcome();
    let buffer = engine.allocate_buffer(16).unwrap();
    let request = engine.recv(&ours, buffer, 0, move |r, _| sender.send(r).unwrap()).unwrap();
    engine.flush().unwrap();
    // SAFETY: the child prints nothing, and ends before it would return.
    let child = unsafe { fork() };
    if child == 0 {
        let refused = engine.poll() == Err(Error::Io(ECHILD))
            && engine.drain(PATIENCE) == Err(Error::Io(ECHILD))
            && engine.cancel(request) == Err(Error::Io(ECHILD))
            && engine.fsync(&ours, |_| ()) == Err(Error::Submission(ECHILD))
            && engine.allocate_buffer(1).is_err();
        drop(engine);
        // SAFETY: it only ends the process.
        unsafe { libc::_exit(i32::from(!refused)) }
    }
    let mut status = -1;
    // SAFETY: the status is ours.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    std::io::Write::write_all(&mut theirs, b"still here").unwrap();
    assert_eq!(received.wait(&engine), Ok(10));
}

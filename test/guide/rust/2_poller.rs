//! The guide's thread that waits again and again, whether something is pending or not: a future is ready, and the thread does not spin.
use aura::{Engine, Fd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

include!(concat!(env!("GUIDE_AROUND"), "/block_on.rs"));

fn main() -> aura::Result<()> {
    // guide: all

    use aura::async_io::AsyncEngine;
    let file = Fd::from(scratch_file());
    for _ in 0..10 {
        let (result, buf) = block_on(engine.async_read_at(&file, Vec::with_capacity(100), 4000));
        assert_eq!((result, buf.len()), (Ok(100), 100));
    }
    let begin = Instant::now();
    block_on(engine.async_timeout(Duration::from_millis(50)))?;
    assert!(begin.elapsed() >= Duration::from_millis(50));
    // The thread's clone is the last but this one.
    stop.store(true, Ordering::Relaxed);
    while Arc::strong_count(&engine) > 1 {
        thread::yield_now();
    }
    // What it did while nothing was pending: each wait took its time.
    let begin = Instant::now();
    assert_eq!(engine.wait(10), Ok(0));
    assert!(begin.elapsed() >= Duration::from_millis(10));
    Ok(())
}

//! Many threads against one engine: starting, cancelling, driving, and allocating at once.
mod support;
use aura::{Engine, Error, Fd, Options};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use support::*;

const THREADS: usize = 4;
const OPERATIONS: usize = 2000;

fn content(offset: u64) -> u8 {
    (offset / 64 % 251) as u8
}

/// What the threads share.
struct World {
    engine: Engine,
    file: Fd,
    ended: AtomicUsize,
    cancelled: AtomicUsize,
}

fn start_some(world: &Arc<World>, seed: u64) {
    let mut random = seed | 1;
    for _ in 0..OPERATIONS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (engine, here) = (&world.engine, world.clone());
        let request = match random % 3 {
            0 => {
                let offset = random / 3 % 4096 * 64;
                let buf = engine.allocate_buffer(64).unwrap();
                engine.read_at(&world.file, buf, offset, move |result, buf| {
                    here.end(result.map(|n| assert_eq!((n, &buf[..]), (64, &[content(offset); 64][..]))));
                })
            }
            1 => engine.timeout(Duration::from_micros(random % 500), move |result| here.end(result)),
            _ => engine.timeout(Duration::from_secs(3600), move |result| here.end(result)),
        }
        .unwrap();
        if random % 3 == 2 || random % 7 == 0 {
            match engine.cancel(request) {
                Ok(()) | Err(Error::Ended) => (),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl World {
    fn end(&self, result: aura::Result<()>) {
        match result {
            Ok(()) => (),
            Err(Error::Cancelled) => {
                self.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => panic!("{error}"),
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn threads_start_cancel_and_drive() {
    let data: Vec<u8> = (0..4096 * 64).map(content).collect();
    let scratch = Scratch::with(&data);
    let world = Arc::new(World {
        engine: Engine::with_options(Options::new().ring_count(2)).unwrap(),
        file: scratch.open(),
        ended: AtomicUsize::new(0),
        cancelled: AtomicUsize::new(0),
    });
    let drivers: Vec<_> = (0..2)
        .map(|_| {
            let world = world.clone();
            std::thread::spawn(move || world.engine.run())
        })
        .collect();
    let starters: Vec<_> = (1..=THREADS as u64)
        .map(|seed| {
            let world = world.clone();
            std::thread::spawn(move || start_some(&world, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        })
        .collect();
    starters.into_iter().for_each(|thread| thread.join().unwrap());
    while !drivers.iter().all(|thread| thread.is_finished()) {
        world.engine.stop(); // again: one may not be in run() yet
        std::thread::yield_now();
    }
    drivers.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    world.engine.drain(PATIENCE).unwrap();
    assert_eq!(world.ended.load(Ordering::Relaxed), THREADS * OPERATIONS);
    assert!(world.cancelled.load(Ordering::Relaxed) >= THREADS * OPERATIONS / 4);
    assert_eq!(world.engine.buffer_stats().unwrap().in_use_bytes, 0);
}

#[test]
fn engines_end_while_operations_are_in_flight() {
    let scratch = Scratch::with(&[1; 65536]);
    for round in 0..40 {
        let engine = Engine::new().unwrap();
        let (file, ended) = (scratch.open(), Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let (driven, until) = (engine.clone(), stop.clone());
        let driver = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                driven.poll().unwrap();
            }
        });
        for i in 0..64 {
            let (buf, count) = (engine.allocate_buffer(1024).unwrap(), ended.clone());
            let done = move |_: aura::Result<usize>, _| {
                count.fetch_add(1, Ordering::Relaxed);
            };
            engine.read_at(&file, buf, i * 1024, done).unwrap();
        }
        if round % 2 == 0 {
            stop.store(true, Ordering::Relaxed);
            driver.join().unwrap();
            drop(engine); // the last one
        } else {
            drop(engine);
            stop.store(true, Ordering::Relaxed);
            driver.join().unwrap(); // which had the last one
        }
        assert_eq!(ended.load(Ordering::Relaxed), 64);
    }
}

//! A callback that takes long holds up no other.
use aura::{Engine, Options};
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_callback_may_wait_for_another_one() {
    let engine = Engine::with_options(Options::new().ring_count(2)).unwrap();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let engine = engine.clone();
            std::thread::spawn(move || engine.run())
        })
        .collect();
    let (told, over) = mpsc::channel();
    let within = engine.clone();
    engine
        .timeout(Duration::ZERO, move |_| {
            let (done, wait) = mpsc::channel();
            // On the ring of this callback, which another thread has to take.
            within
                .timeout(Duration::from_millis(1), move |result| done.send(result.is_ok()).unwrap())
                .unwrap();
            told.send(wait.recv_timeout(PATIENCE)).unwrap();
        })
        .unwrap();
    assert_eq!(over.recv_timeout(2 * PATIENCE), Ok(Ok(true)));
    engine.stop();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    let stats = engine.stats().unwrap();
    assert!(stats.takeovers >= 1 && stats.takeovers_computing <= stats.takeovers);
}

#[test]
fn the_limit_is_an_option() {
    for limit in [None, Some(Duration::ZERO), Some(Duration::from_millis(5)), Some(Duration::MAX)] {
        Engine::with_options(Options::new().takeover_after(limit)).unwrap();
    }
}

//! The gate before storage devices: settings, and what is shown of a device.
mod support;
use aura::{Error, Phase, StorageSettings};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use support::*;

/// Engines of one process share what may be in flight on a device: one test at a time uses it.
fn the_device() -> MutexGuard<'static, ()> {
    static DEVICE: Mutex<()> = Mutex::new(());
    DEVICE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn no_more_is_in_flight_than_may_be() {
    let _alone = the_device();
    let engine = one_ring();
    let scratch = Scratch::with(&[7; 65536]);
    let file = scratch.open();
    assert!(engine.device_stats().unwrap().is_empty());
    engine.set_storage(Some(scratch.path()), StorageSettings::new().max_in_flight(2)).unwrap();
    engine.set_batch_threshold(1);
    let ended = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let (ended, engine_in_callback) = (ended.clone(), engine.clone());
        engine
            .read_at(&file, Vec::with_capacity(4096), 0, move |result, _: Vec<u8>| {
                assert_eq!(result, Ok(4096));
                assert!(engine_in_callback.device_stats().unwrap()[0].in_flight <= 2);
                ended.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap();
    }
    engine.drain(PATIENCE).unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 100);
    let devices = engine.device_stats().unwrap();
    assert_eq!(devices.len(), 1);
    let device = &devices[0];
    assert!(!device.name.is_empty());
    assert_eq!(device.limit, Some(2));
    assert!(device.completed >= 100 && device.delayed >= 90 && device.waiting == 0);
    assert_ne!(device.phase, Phase::Other(0));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let engine = one_ring();
    assert_eq!(engine.set_storage(None, StorageSettings::new().min_in_flight(0)), Err(Error::Io(EINVAL)));
    let nowhere = Path::new("/no/such/file");
    assert_eq!(engine.set_storage(Some(nowhere), &StorageSettings::new()), Err(Error::Io(2)));
    engine.set_storage(None, StorageSettings::new().adaptive(false)).unwrap();
}

#[test]
fn the_background_yields_to_those_who_wait() {
    let _alone = the_device();
    let engine = one_ring();
    let scratch = Scratch::with(&[7; 65536]);
    let file = scratch.open();
    let scrubbed = file.background();
    engine.set_storage(Some(scratch.path()), StorageSettings::new().max_in_flight(2)).unwrap();
    let began = std::time::Instant::now();
    let (users, scrubs, scrubbed_before) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..100 {
        let (users, scrubs, before) = (users.clone(), scrubs.clone(), scrubbed_before.clone());
        engine
            .read_at(&file, Vec::with_capacity(4096), 0, move |result, _: Vec<u8>| {
                assert_eq!(result, Ok(4096));
                if users.fetch_add(1, Ordering::Relaxed) == 90 {
                    // One may go each tenth of a second whoever waits.
                    let allowed = 1 + began.elapsed().as_millis() as usize / 100;
                    before.store(scrubs.load(Ordering::Relaxed).saturating_sub(allowed), Ordering::Relaxed);
                }
            })
            .unwrap();
    }
    for _ in 0..50 {
        let scrubs = scrubs.clone();
        engine
            .read_at(&scrubbed, Vec::with_capacity(4096), 4096, move |result, _: Vec<u8>| {
                assert_eq!(result, Ok(4096));
                scrubs.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap();
    }
    engine.drain(PATIENCE).unwrap();
    assert_eq!((users.load(Ordering::Relaxed), scrubs.load(Ordering::Relaxed)), (100, 50));
    assert_eq!(scrubbed_before.load(Ordering::Relaxed), 0);
    let device = &engine.device_stats().unwrap()[0];
    assert!(device.background_waiting == 0 && device.background_delayed >= 40);
    let table = engine.register_files(&[scrubbed]).unwrap();
    let entry = table.get(0).unwrap();
    assert!(!entry.is_background(), "an entry has no class of its own");
    engine
        .read_at(&entry.background(), Vec::with_capacity(4096), 0, |result, _: Vec<u8>| {
            assert_eq!(result, Ok(4096))
        })
        .unwrap();
    engine.drain(PATIENCE).unwrap();
    table.unregister().unwrap();
}

#[test]
fn operations_without_a_class_are_as_on_any_descriptor() {
    let engine = one_ring();
    let scratch = Scratch::with(b"123456");
    let scrubbed = scratch.open().background();
    let ended = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ended = ended.clone();
        move |result| {
            assert_eq!(result, Ok(()));
            ended.fetch_add(1, Ordering::Relaxed);
        }
    };
    engine.ftruncate(&scrubbed, 4, count()).unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(scratch.content(), b"1234");
    engine.fallocate(&scrubbed, 0, 0, 8, count()).unwrap();
    engine.fsync(&scrubbed, count()).unwrap();
    engine.fdatasync(&scrubbed, count()).unwrap();
    engine.sync_file_range(&scrubbed, 0, 0, 0, count()).unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 5);
}

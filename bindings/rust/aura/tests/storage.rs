//! The gate before storage devices: settings, and what is shown of a device.
mod support;
use aura::{Error, Phase, StorageSettings};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use support::*;

#[test]
fn no_more_is_in_flight_than_may_be() {
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

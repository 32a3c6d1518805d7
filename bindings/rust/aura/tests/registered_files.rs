//! Registered files: reads by entry, replacement, and the end of a table.
mod support;
use aura::{Error, Fd};
use libc::{EBADF, EBUSY, ENOENT};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use support::*;

/// What a read at the beginning of `file` gives.
fn text_of(engine: &aura::Engine, file: &Fd) -> String {
    let got = Arc::new(std::sync::Mutex::new(String::new()));
    let into = got.clone();
    engine
        .read_at(file, Vec::with_capacity(16), 0, move |result, buf: Vec<u8>| {
            result.unwrap();
            *into.lock().unwrap() = String::from_utf8(buf).unwrap();
        })
        .unwrap();
    assert_eq!(engine.drain(PATIENCE), Ok(1));
    let text = got.lock().unwrap().clone();
    text
}

#[test]
fn reads_go_by_the_entry_and_follow_its_replacement() {
    let engine = one_ring();
    let (one, two) = (Scratch::with(b"one"), Scratch::with(b"two"));
    assert_eq!(engine.register_files(&[]).unwrap_err(), Error::Io(EINVAL));
    let files = engine.register_files(&[one.open(), two.open()]).unwrap();
    assert_eq!(engine.register_files(&[one.open()]).unwrap_err(), Error::Io(EBUSY));
    assert_eq!(files.len(), 2);
    assert!(files.get(2).is_none());
    let (first, second) = (files.get(0).unwrap(), files.get(1).unwrap());
    assert_eq!(text_of(&engine, &first), "one");
    assert_eq!(text_of(&engine, &second), "two");
    let three = Scratch::with(b"three");
    files.update(0, Some(&three.open())).unwrap();
    assert_eq!(text_of(&engine, &first), "three");
    files.update(1, None).unwrap();
    assert_eq!(engine.fsync(&second, |_| unreachable!()).unwrap_err(), Error::Submission(EBADF));
    assert_eq!(files.update(2, None), Err(Error::Io(EINVAL)));
    assert_eq!(engine.ftruncate(&first, 1, |_| unreachable!()).unwrap_err(), Error::Submission(EBADF));
    files.unregister().unwrap();
    assert_eq!(engine.fsync(&first, |_| unreachable!()).unwrap_err(), Error::Submission(ENOENT));
}

#[test]
fn the_table_keeps_files_open_until_the_last_operation_is_over() {
    let engine = one_ring();
    let (reader, mut writer) = pair();
    let table = engine.register_files(&[reader]).unwrap();
    let reader = table.get(0).unwrap();
    let ended = Arc::new(AtomicUsize::new(0));
    let count = ended.clone();
    engine
        .read_at(&reader, Vec::with_capacity(1), aura::CURRENT_POSITION, move |result, _| {
            assert_eq!(result, Ok(1));
            count.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
    engine.poll().unwrap();
    drop(table);
    let late = engine.read_at(&reader, Vec::with_capacity(1), aura::CURRENT_POSITION, |_, _| unreachable!());
    assert_eq!(late.unwrap_err(), Error::Submission(EBUSY));
    std::io::Write::write_all(&mut writer, b"x").unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 1);
    engine.register_files(&[Fd::new(writer)]).unwrap();
}

#[cfg(feature = "async")]
#[test]
fn the_end_is_a_future() {
    use aura::async_io::AsyncEngine;
    let engine = one_ring();
    let one = Scratch::with(b"one");
    let files = engine.register_files(&[one.open()]).unwrap();
    let file = files.get(0).unwrap();
    let (result, buf) = wait_for(&engine, engine.async_read_at(&file, Vec::with_capacity(8), 0));
    assert_eq!((result, buf.as_slice()), (Ok(3), b"one".as_slice()));
    assert_eq!(wait_for(&engine, files.async_unregister()), Ok(()));
    assert_eq!(wait_for(&engine, engine.async_unregister_buffers()), Err(Error::Io(ENOENT)));
    let buffer = engine.allocate_buffer(4096).unwrap();
    // SAFETY: it lives longer than the registration.
    unsafe { engine.register_buffers(&[(&buffer).into()]).unwrap() };
    assert_eq!(wait_for(&engine, engine.async_unregister_buffers()), Ok(()));
}

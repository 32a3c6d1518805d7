//! Registered buffers: their life, and what operations on them say in each part of it.
mod support;
use aura::{BufferRef, Error, OpType};
use libc::{EBUSY, ENOENT, EOVERFLOW};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use support::*;

#[test]
fn reads_go_into_registered_buffers() {
    let engine = one_ring();
    let scratch = Scratch::with(b"registered");
    let file = scratch.open();
    let first = engine.allocate_buffer(4096).unwrap();
    let second = engine.allocate_buffer(4096).unwrap();
    assert_eq!(engine.unregister_buffers(), Err(Error::Io(ENOENT)));
    // SAFETY: both live until the end of this test.
    unsafe {
        engine.register_buffers(&[(&first).into(), (&second).into()]).unwrap();
        assert_eq!(engine.register_buffers(&[(&first).into()]), Err(Error::Io(EBUSY)));
        let request = engine.read(&file, BufferRef::fixed(1, 100), 10, 0, |r| assert_eq!(r, Ok(10))).unwrap();
        assert_eq!(request.op_type(), Some(OpType::Read));
        assert_eq!(engine.drain(PATIENCE), Ok(1));
        assert_eq!(&second[100..110], b"registered");
        assert_eq!(
            engine.read(&file, BufferRef::fixed_index(2), 10, 0, |_| unreachable!()),
            Err(Error::Submission(EINVAL))
        );
        assert_eq!(
            engine.read(&file, BufferRef::fixed(0, 4090), 10, 0, |_| unreachable!()),
            Err(Error::Submission(EOVERFLOW))
        );
        assert_eq!(engine.register_buffers(&[BufferRef::fixed(0, 0)]), Err(Error::Io(EINVAL)));
    }
    assert_eq!(engine.unregister_buffers(), Ok(()));
    // SAFETY: nothing is registered, so nothing is read.
    let refused = unsafe { engine.read(&file, BufferRef::fixed(0, 0), 10, 0, |_| unreachable!()) };
    assert_eq!(refused, Err(Error::Submission(ENOENT)));
}

#[test]
fn the_end_can_be_asked_for_and_is_told() {
    let engine = one_ring();
    let scratch = Scratch::with(b"text");
    let file = scratch.open();
    let buffer = engine.allocate_buffer(4096).unwrap();
    assert_eq!(engine.request_unregister_buffers(|_| unreachable!()), Err(Error::Io(ENOENT)));
    let read = Arc::new(AtomicBool::new(false));
    let ended = Arc::new(AtomicBool::new(false));
    let (has_read, has_ended) = (read.clone(), ended.clone());
    // SAFETY: the buffer lives until the end of this test.
    unsafe {
        engine.register_buffers(&[(&buffer).into()]).unwrap();
        engine
            .read(&file, BufferRef::fixed(0, 0), 4, 0, move |r| {
                assert_eq!(r, Ok(4));
                has_read.store(true, Ordering::Relaxed);
            })
            .unwrap();
    }
    engine
        .request_unregister_buffers(move |r| {
            assert_eq!(r, Ok(()));
            assert!(read.load(Ordering::Relaxed), "what was started before ends before");
            has_ended.store(true, Ordering::Relaxed);
        })
        .unwrap();
    // SAFETY: refused.
    let late = unsafe { engine.read(&file, BufferRef::fixed(0, 0), 4, 0, |_| unreachable!()) };
    assert_eq!(late, Err(Error::Submission(EBUSY)));
    engine.drain(PATIENCE).unwrap();
    assert!(ended.load(Ordering::Relaxed));
    assert_eq!(&buffer[..4], b"text");
}

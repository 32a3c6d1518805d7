//! Panics of callbacks: they end before the C library and go on behind it.
//!
//! A callback runs inside a C function that this crate has called. `collect` puts a frame around that call, `guard`
//! around the callback: a panic is caught by `guard`, kept in the innermost frame of the thread, and handed out by
//! `collect` once the C function has returned.
use aura_sys as sys;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;

pub(crate) type Payload = Box<dyn Any + Send>;

struct Frame {
    panic: RefCell<Option<Payload>>,
    stop: *mut sys::aura_engine_t, // unless null, whose aura_run() a panic ends
    outer: *const Frame,
}

thread_local! {
    static INNERMOST: Cell<*const Frame> = const { Cell::new(ptr::null()) };
}

/// Calls `call`, which calls C. `stop`: an engine that is in aura_run() meanwhile, or null.
pub(crate) fn collect<R>(stop: *mut sys::aura_engine_t, call: impl FnOnce() -> R) -> (R, Option<Payload>) {
    let frame = Frame { panic: RefCell::new(None), stop, outer: INNERMOST.with(Cell::get) };
    INNERMOST.with(|innermost| innermost.set(&frame));
    let result = call(); // does not unwind: nothing but the C function is in there
    INNERMOST.with(|innermost| innermost.set(frame.outer));
    (result, frame.panic.into_inner())
}

/// Runs a callback. Never unwinds.
pub(crate) fn guard(callback: impl FnOnce()) {
    // What the callback has broken is gone with it, or belongs to those who share it with a callback.
    let payload = match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(()) => return,
        Err(payload) => payload,
    };
    let innermost = INNERMOST.try_with(Cell::get).unwrap_or(ptr::null());
    // SAFETY: the frame is on this thread's stack, below us.
    match unsafe { innermost.as_ref() } {
        Some(frame) if frame.panic.borrow().is_none() => {
            *frame.panic.borrow_mut() = Some(payload);
            if !frame.stop.is_null() {
                // SAFETY: the engine is in aura_run(), further down this stack.
                unsafe { sys::aura_stop(frame.stop) };
            }
        }
        // A second one, or C code drives the engine. The panic hook has told.
        _ => discard(payload),
    }
}

/// Drops what nobody will be told. Its destructor may panic too, and that payload is left alone.
pub(crate) fn discard(payload: Payload) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
}

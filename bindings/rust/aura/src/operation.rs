//! What an operation is to this crate: a value at a fixed place that names memory to the kernel, and a closure.
use crate::error::{Error, Result};
use crate::panics;
use crate::request::Request;
use crate::shared::EngineRef;
use aura_sys as sys;
use std::os::raw::c_void;

/// # Safety
/// `start` hands nothing to the kernel but memory that the value owns at its place, or that whoever made the value has
/// promised.
pub(crate) unsafe trait Operation: Send + 'static {
    type Output;

    /// Before `start`: an operation of `engine` has the buffers from now on.
    fn lend(&mut self, _engine: &EngineRef) {}

    /// Starts it; null, with errno, when it was not.
    ///
    /// # Safety
    /// `*this` stays at its place until the callback is called, which may be before this returns.
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t;

    /// What the result means. Also called when it was not started.
    fn finish(self, result: Result<usize>) -> Self::Output;
}

/// Operations that can be links of a chain.
///
/// # Safety
/// As [`Operation`], for what `describe` names.
pub(crate) unsafe trait Link: Operation {
    /// # Safety
    /// As `start`, for the operation that is made from the result.
    unsafe fn describe(
        this: *mut Self,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> sys::aura_op_t;
}

struct Context<O, F> {
    operation: O,
    done: F,
}

/// The operation and its closure, where they stay until it has ended.
pub(crate) fn place<O, F>(operation: O, done: F) -> (*mut O, *mut c_void)
where
    O: Operation,
    F: FnOnce(O::Output) + Send + 'static,
{
    let context = Box::into_raw(Box::new(Context { operation, done }));
    // SAFETY: it is ours still.
    (unsafe { std::ptr::addr_of_mut!((*context).operation) }, context.cast())
}

/// Before what `place` has placed is started: from now on it must be started or taken back, or the engine's end would
/// find its buffers in nobody's hands.
///
/// # Safety
/// O and F are those of the call of `place`.
pub(crate) unsafe fn lend<O: Operation, F>(user_data: *mut c_void, engine: &EngineRef) {
    (*user_data.cast::<Context<O, F>>()).operation.lend(engine);
}

/// Takes back what `place` has placed: the operation was not started.
///
/// # Safety
/// As it says; O and F are those of the call.
pub(crate) unsafe fn unplace<O, F>(user_data: *mut c_void) -> (O, F) {
    let context = *Box::from_raw(user_data.cast::<Context<O, F>>());
    (context.operation, context.done)
}

/// What C calls when the operation has ended.
pub(crate) unsafe extern "C" fn ended<O, F>(
    _: *mut sys::aura_request_t,
    result: sys::ssize_t,
    user_data: *mut c_void,
) where
    O: Operation,
    F: FnOnce(O::Output) + Send + 'static,
{
    panics::guard(|| {
        // SAFETY: user_data is what `place` has made, and this is called once.
        let (operation, done) = unplace::<O, F>(user_data);
        done(operation.finish(Error::of_operation(result)));
    });
}

/// Starts an operation; `done` is called with its output. When it cannot be started, both come back.
pub(crate) fn start<O, F>(
    engine: &EngineRef,
    operation: O,
    done: F,
) -> std::result::Result<Request, (Error, O, F)>
where
    O: Operation,
    F: FnOnce(O::Output) + Send + 'static,
{
    let (operation, user_data) = place(operation, done);
    // SAFETY: it was placed just now, and stays at its place until `ended`.
    let request = unsafe {
        lend::<O, F>(user_data, engine);
        O::start(operation, engine.raw(), Some(ended::<O, F>), user_data)
    };
    if request.is_null() {
        let error = Error::submission();
        // SAFETY: it was not started.
        let (operation, done) = unsafe { unplace(user_data) };
        return Err((error, operation, done));
    }
    Ok(Request::new(request))
}

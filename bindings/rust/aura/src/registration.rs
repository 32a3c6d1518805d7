//! Registered buffers: memory that the kernel knows, so that it need not be looked up for each operation.
use crate::buffer::BufferRef;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::panics;
use aura_sys as sys;
use libc::EINVAL;
use std::os::raw::{c_uint, c_void};

impl Engine {
    /// Makes buffers known to the kernel, for [`BufferRef::fixed`] by their places in the list. One list at a time. doc/memory.md
    /// tells what it costs and when it pays.
    ///
    /// # Errors
    /// `EBUSY`: a list is registered, or being unregistered; `EINVAL`: none, too many, an empty one, or one that is registered
    /// itself; `ENOMEM`, `EFAULT`, `EOPNOTSUPP`, as io_uring_register(2).
    ///
    /// # Safety
    /// The memory stays where it is until the registration has ended. Operations on it read and write it like any other.
    pub unsafe fn register_buffers(&self, buffers: &[BufferRef]) -> Result<()> {
        let list: Option<Vec<sys::iovec>> =
            buffers.iter().map(|b| Some(sys::iovec { iov_base: b.memory()?, iov_len: b.len() })).collect();
        let list = list.ok_or(Error::Io(EINVAL))?;
        let count = c_uint::try_from(list.len()).map_err(|_| Error::Io(EINVAL))?;
        Error::of_turn(sys::aura_register_buffers(self.as_ptr(), list.as_ptr(), count)).map(|_| ())
    }

    /// Ends the registration and waits for it, running callbacks meanwhile: then operations on it have ended and the kernel
    /// has let go of the memory. In a callback it only asks for the end.
    ///
    /// # Errors
    /// `ENOENT`: nothing is registered; as [`wait`](Engine::wait).
    pub fn unregister_buffers(&self) -> Result<()> {
        // SAFETY: turn() passes the engine, which is there.
        self.turn(false, |engine| unsafe { sys::aura_unregister(engine, sys::AURA_REG_BUFFERS) }).map(|_| ())
    }

    /// Asks for the registration's end: from now on operations on it are refused with `EBUSY`. `done` is called when the
    /// memory may be freed, and counts as pending until then.
    ///
    /// # Errors
    /// `ENOENT`: nothing is registered; `ENOMEM`. `done` is dropped then.
    pub fn request_unregister_buffers<F>(&self, done: F) -> Result<()>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.request_end(sys::AURA_REG_BUFFERS, done)
    }

    pub(crate) fn request_end<F>(&self, kind: sys::aura_reg_type_t, done: F) -> Result<()>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        unsafe extern "C" fn ended<F>(
            _: *mut sys::aura_request_t,
            result: sys::ssize_t,
            user_data: *mut c_void,
        ) where
            F: FnOnce(Result<()>) + Send + 'static,
        {
            panics::guard(|| {
                // SAFETY: made below, and this is called once.
                let done = Box::from_raw(user_data.cast::<F>());
                done(Error::of_operation(result).map(|_| ()));
            });
        }
        let user_data = Box::into_raw(Box::new(done));
        // SAFETY: the closure stays at its place until `ended`.
        let result =
            unsafe { sys::aura_unregister_async(self.as_ptr(), kind, Some(ended::<F>), user_data.cast()) };
        if result != 0 {
            // SAFETY: it will not be called.
            drop(unsafe { Box::from_raw(user_data) });
        }
        Error::of_turn(result).map(|_| ())
    }
}

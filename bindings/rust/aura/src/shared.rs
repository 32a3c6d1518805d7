//! A counted reference to a C engine: the last one destroys it.
//!
//! Not an `Arc`: buffers of the engine that are in flight give their reference back meanwhile (else an operation that
//! nobody drives would keep the engine alive that keeps the operation), and take one again when they come back.
use crate::panics;
use aura_sys as sys;
use std::ptr::{self, NonNull};
use std::sync::atomic::{fence, AtomicBool, AtomicUsize, Ordering};

pub(crate) struct Shared {
    raw: NonNull<sys::aura_engine_t>,
    references: AtomicUsize,
    /// Set by the thread that dropped the last reference, and read only in the callbacks that then run in that thread.
    closing: AtomicBool,
}

// pub, in a private module: a hidden method of a public trait takes one, and nobody outside can have one.
pub struct EngineRef(NonNull<Shared>);

// SAFETY: the C engine may be used by any thread, and the rest is atomic.
unsafe impl Send for EngineRef {}
// SAFETY: the same.
unsafe impl Sync for EngineRef {}

impl EngineRef {
    /// # Safety
    /// `raw` is an engine, and nobody else destroys it.
    pub(crate) unsafe fn new(raw: NonNull<sys::aura_engine_t>) -> EngineRef {
        let shared = Shared { raw, references: AtomicUsize::new(1), closing: AtomicBool::new(false) };
        EngineRef(NonNull::from(Box::leak(Box::new(shared))))
    }

    fn shared(&self) -> &Shared {
        // SAFETY: lives as long as there is a reference.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn raw(&self) -> *mut sys::aura_engine_t {
        self.shared().raw.as_ptr()
    }

    /// Gives the reference back without destroying the engine.
    ///
    /// # Safety
    /// There is another reference now. The result may be used until the engine is destroyed.
    pub(crate) unsafe fn lend(self) -> Lent {
        let lent = Lent(self.0);
        std::mem::forget(self);
        // Release: what was done through this reference happens before the engine's end.
        let before = lent.0.as_ref().references.fetch_sub(1, Ordering::Release);
        debug_assert!(before > 1);
        lent
    }
}

/// A reference that does not count.
pub(crate) struct Lent(NonNull<Shared>);

// SAFETY: as EngineRef.
unsafe impl Send for Lent {}
// SAFETY: the same.
unsafe impl Sync for Lent {}

impl Lent {
    /// Counts again; None while the engine is being destroyed.
    ///
    /// # Safety
    /// In a callback of the engine, or before its end otherwise.
    pub(crate) unsafe fn take_back(&self) -> Option<EngineRef> {
        let shared = self.0.as_ref();
        // Relaxed: only the thread that has set it runs callbacks then.
        if shared.closing.load(Ordering::Relaxed) {
            return None;
        }
        // Relaxed: whoever runs the callback has a reference, so that the count is not 0.
        shared.references.fetch_add(1, Ordering::Relaxed);
        Some(EngineRef(self.0))
    }

    /// # Safety
    /// As take_back().
    pub(crate) unsafe fn raw(&self) -> *mut sys::aura_engine_t {
        self.0.as_ref().raw.as_ptr()
    }
}

impl Clone for EngineRef {
    fn clone(&self) -> EngineRef {
        // Relaxed: a reference is made from another, which is there.
        let before = self.shared().references.fetch_add(1, Ordering::Relaxed);
        if before > usize::MAX / 2 {
            std::process::abort(); // as Arc: only references that were forgotten can be so many
        }
        EngineRef(self.0)
    }
}

impl Drop for EngineRef {
    fn drop(&mut self) {
        let shared = self.shared();
        // Release here and acquire below: the uses through all references happen before the engine's end.
        if shared.references.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        shared.closing.store(true, Ordering::Relaxed);
        let raw = shared.raw.as_ptr();
        // SAFETY: no other reference exists. Panics of the callbacks have been told by the hook, and end here.
        let (result, panic) = panics::collect(ptr::null_mut(), || unsafe { sys::aura_destroy(raw) });
        if let Some(payload) = panic {
            panics::discard(payload);
        }
        // -EDEADLK and -EBUSY: C code drives the engine behind our back. It stays then.
        if result == 0 {
            // SAFETY: made from a Box; every operation has ended.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

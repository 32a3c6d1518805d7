//! Buffers of an engine's pool, and references to memory without a lifetime.
use crate::io_buf::{IoBuf, IoBufMut};
use crate::shared::{EngineRef, Lent};
use aura_sys as sys;
use std::alloc::{alloc, dealloc, handle_alloc_error, Layout};
use std::ops::{Deref, DerefMut};
use std::os::raw::{c_int, c_void};
use std::ptr::NonNull;

/// Memory of an engine's pool, aligned to 4096 bytes as direct I/O wants it. Goes back there when it is dropped, from any
/// thread. It keeps the engine alive, except while an operation of that engine owns it: an engine that ends meanwhile
/// hands out a copy on the heap.
pub struct Buffer {
    memory: NonNull<u8>,
    len: usize,
    owner: Owner,
}

enum Owner {
    Engine(EngineRef),
    InFlight(Lent),
    Heap,
}

// SAFETY: owns its memory.
unsafe impl Send for Buffer {}
// SAFETY: shared, it can only be looked at.
unsafe impl Sync for Buffer {}

impl Buffer {
    pub(crate) fn allocate(engine: &EngineRef, size: usize) -> Option<Buffer> {
        // SAFETY: any size is allowed.
        let memory = NonNull::new(unsafe { sys::aura_buffer_alloc(engine.raw(), size) }.cast::<u8>())?;
        // SAFETY: so many bytes are there. What an earlier user left is nobody's to read.
        unsafe { memory.as_ptr().write_bytes(0, size) };
        Some(Buffer { memory, len: size, owner: Owner::Engine(engine.clone()) })
    }

    pub fn as_slice(&self) -> &[u8] {
        self
    }
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }

    fn heap_layout(len: usize) -> Layout {
        Layout::from_size_align(len, 4096).expect("as large as a buffer of the pool")
    }

    /// Gives the memory back to the pool and has a copy of it on the heap.
    ///
    /// # Safety
    /// The engine is there, and the memory is of its pool.
    unsafe fn move_to_heap(&mut self, engine: *mut sys::aura_engine_t) {
        let layout = Buffer::heap_layout(self.len);
        let copy = NonNull::new(alloc(layout)).unwrap_or_else(|| handle_alloc_error(layout));
        copy.as_ptr().copy_from_nonoverlapping(self.memory.as_ptr(), self.len);
        sys::aura_buffer_free(engine, self.memory.as_ptr().cast());
        self.memory = copy;
        self.owner = Owner::Heap;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        match &self.owner {
            // SAFETY: allocated there, and no operation has it.
            Owner::Engine(engine) => unsafe {
                sys::aura_buffer_free(engine.raw(), self.memory.as_ptr().cast())
            },
            // SAFETY: the operation that had it was not started, and is dropped where the engine is at hand.
            Owner::InFlight(engine) => unsafe {
                sys::aura_buffer_free(engine.raw(), self.memory.as_ptr().cast());
            },
            // SAFETY: allocated by move_to_heap().
            Owner::Heap => unsafe { dealloc(self.memory.as_ptr(), Buffer::heap_layout(self.len)) },
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: owned, and initialised by allocate().
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.len) }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len).finish_non_exhaustive()
    }
}

// SAFETY: the memory is not moved with the value.
unsafe impl IoBuf for Buffer {
    fn stable_ptr(&self) -> *const u8 {
        self.memory.as_ptr()
    }
    fn bytes_init(&self) -> usize {
        self.len
    }
    fn lend(&mut self, engine: &EngineRef) {
        // A buffer of another engine keeps its reference: that engine does not wait for this operation.
        self.owner = match std::mem::replace(&mut self.owner, Owner::Heap) {
            // SAFETY: the caller has a reference. The operation ends before the engine does.
            Owner::Engine(own) if own.raw() == engine.raw() => Owner::InFlight(unsafe { own.lend() }),
            other => other,
        };
    }
    fn take_back(&mut self) {
        if let Owner::InFlight(engine) = &self.owner {
            // SAFETY: the operation has ended just now.
            unsafe {
                match engine.take_back() {
                    Some(engine) => self.owner = Owner::Engine(engine),
                    None => {
                        let raw = engine.raw();
                        self.move_to_heap(raw);
                    }
                }
            }
        }
    }
}
/// Reading fills it from the beginning; its length stays.
// SAFETY: owns its memory.
unsafe impl IoBufMut for Buffer {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.memory.as_ptr()
    }
    unsafe fn set_read(&mut self, _: usize) {}
}

/// Some memory, without a lifetime: the kernel holds the address beyond any scope the compiler knows. The functions that
/// take one are unsafe: whoever calls them promises that the memory lives, and is left alone, until the operation has
/// ended. Operations that own their buffer, such as [`read_at`](crate::Engine::read_at), need no such promise.
#[derive(Debug, Clone, Copy)]
pub struct BufferRef {
    at: Place,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Memory(*mut c_void),
    Registered { index: c_int, offset: usize },
}

// SAFETY: an address; using it is what is unsafe.
unsafe impl Send for BufferRef {}
// SAFETY: the same.
unsafe impl Sync for BufferRef {}

impl BufferRef {
    /// # Safety
    /// `len` bytes at `pointer` are there as long as an operation uses the result; for reads nobody else looks at them
    /// meanwhile, for writes nobody changes them.
    pub unsafe fn from_ptr(pointer: *mut u8, len: usize) -> BufferRef {
        BufferRef { at: Place::Memory(pointer.cast()), len }
    }
    /// To write from.
    ///
    /// # Safety
    /// As [`from_ptr`](BufferRef::from_ptr).
    pub unsafe fn from_slice(slice: &[u8]) -> BufferRef {
        BufferRef { at: Place::Memory(slice.as_ptr() as *mut c_void), len: slice.len() }
    }
    /// # Safety
    /// As [`from_ptr`](BufferRef::from_ptr).
    pub unsafe fn from_mut_slice(slice: &mut [u8]) -> BufferRef {
        BufferRef { at: Place::Memory(slice.as_mut_ptr().cast()), len: slice.len() }
    }
    /// Bytes from `offset` on of the buffer that [`register_buffers`](crate::Engine::register_buffers) has registered at
    /// `index`. The engine checks both, and how many are asked for, when an operation is started.
    pub fn fixed(index: usize, offset: usize) -> BufferRef {
        let index = c_int::try_from(index).unwrap_or(c_int::MAX);
        BufferRef { at: Place::Registered { index, offset }, len: 0 }
    }
    /// The same from its beginning on.
    pub fn fixed_index(index: usize) -> BufferRef {
        BufferRef::fixed(index, 0)
    }
    pub(crate) fn memory(self) -> Option<*mut c_void> {
        match self.at {
            Place::Memory(pointer) => Some(pointer),
            Place::Registered { .. } => None,
        }
    }
    /// How many bytes there are; 0 of a registered buffer, whose size the engine knows.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        self.len
    }
    pub(crate) fn raw(self) -> sys::aura_buf_t {
        match self.at {
            Place::Memory(pointer) => sys::aura_buf(pointer),
            Place::Registered { index, offset } => sys::aura_buf_fixed(index, offset),
        }
    }
}

/// The buffer must outlive the operation, which the functions that take the reference leave to their caller.
impl From<&Buffer> for BufferRef {
    fn from(buffer: &Buffer) -> BufferRef {
        BufferRef { at: Place::Memory(buffer.memory.as_ptr().cast()), len: buffer.len }
    }
}

/// What the buffers of an engine take, and counts since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BufferStats {
    /// Held by the program.
    pub in_use_bytes: u64,
    /// Kept by threads for later.
    pub cached_bytes: u64,
    /// Both, and what is kept for all threads.
    pub total_bytes: u64,
    pub allocations: u64,
    pub deallocations: u64,
    pub failures: u64,
}

//! Registered files: a table of open files that the rings have at hand.
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fd::Fd;
use crate::table::{Numbered, Table};
use aura_sys as sys;
use libc::EINVAL;
use std::os::raw::{c_int, c_uint};
use std::os::unix::io::AsRawFd;
use std::sync::Arc;

/// A table of files that the rings of an engine have at hand, so that the kernel looks up no descriptor for each read and
/// write. It pays where many threads share the table of descriptors, and hardly elsewhere (doc/memory.md).
///
/// The table keeps its files open until it has ended: when this is dropped and the operations on it are over.
/// Operations started after the drop, on an [`Fd`] that [`get`](RegisteredFiles::get) has made,
/// are refused with `EBUSY`, and with `ENOENT` when it has ended.
#[derive(Debug)]
pub struct RegisteredFiles {
    engine: Engine,
    table: Option<Arc<Table>>, // None: its end has been asked for
}

impl Engine {
    /// Makes files known to the rings. One table at a time.
    ///
    /// # Errors
    /// `EBUSY`: there is a table, or one that has not ended; `EINVAL`: none, or an entry of a table; `EMFILE`: more than
    /// RLIMIT_NOFILE, or no descriptor for it; `EBADF`, `ENOMEM`.
    pub fn register_files(&self, files: &[Fd]) -> Result<RegisteredFiles> {
        let files: Option<Vec<Numbered>> = files.iter().map(|file| file.numbered().cloned()).collect();
        let files = files.ok_or(Error::Io(EINVAL))?;
        let numbers: Vec<c_int> = files.iter().map(Numbered::as_raw_fd).collect();
        let count = c_uint::try_from(numbers.len()).map_err(|_| Error::Io(EINVAL))?;
        // SAFETY: the numbers are copied. `files` keeps them open, and then the table does.
        Error::of_turn(unsafe { sys::aura_register_files(self.as_ptr(), numbers.as_ptr(), count) })?;
        // SAFETY: the engine is there. Nobody can end the table yet: it is this one.
        let first = unsafe { sys::aura_get_fixed_file(self.as_ptr(), 0) };
        Ok(RegisteredFiles { engine: self.clone(), table: Some(Arc::new(Table::new(files, first))) })
    }
}

impl RegisteredFiles {
    fn table(&self) -> &Arc<Table> {
        self.table.as_ref().expect("only its end takes it")
    }

    /// How many entries there are.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.table().lock().len()
    }

    /// The file of an entry, as it is when an operation is started, for reads, writes and syncs; other operations on it
    /// fail with `EBADF`, and those on another engine, or when the table has ended, with `ENOENT`, whatever is registered
    /// there. None: there is no such entry.
    pub fn get(&self, index: usize) -> Option<Fd> {
        (index < self.len()).then(|| Fd::registered(self.table().clone(), index))
    }

    /// Puts another file, or none, into an entry: operations that are started from now on go there. Those that the kernel
    /// has go on with the file before; those that still wait (for a thread that drives the engine, for their device) end
    /// with `EBADF`.
    ///
    /// # Errors
    /// `EINVAL`: there is no such entry, or `file` is itself one of a table; `EBADF`, `ENOMEM`.
    pub fn update(&self, index: usize, file: Option<&Fd>) -> Result<()> {
        let number = c_int::try_from(index).map_err(|_| Error::Io(EINVAL))?;
        let mut entries = self.table().lock();
        let file = match file {
            Some(file) => Some(file.numbered().ok_or(Error::Io(EINVAL))?),
            None => None,
        };
        let fd = file.map_or(-1, Numbered::as_raw_fd);
        // SAFETY: the table keeps it open.
        Error::of_turn(unsafe { sys::aura_update_file(self.engine.as_ptr(), number, fd) })?;
        let before = std::mem::replace(&mut entries[index], file.cloned());
        drop(entries);
        drop(before); // operations that are under way have it in the kernel
        Ok(())
    }

    /// Ends it, and waits until no ring has the table any more, running callbacks meanwhile; in a callback it only asks
    /// for the end.
    ///
    /// # Errors
    /// As [`wait`](Engine::wait).
    pub fn unregister(mut self) -> Result<()> {
        if crate::in_callback_context() {
            return Ok(()); // asked for by the drop
        }
        // Until it has ended the rings need the files, and asking a second time could end another's table: when this
        // fails, or a callback panics, they stay open.
        let kept = std::mem::ManuallyDrop::new(self.table.take());
        // SAFETY: turn() passes the engine, which is there.
        self.engine.turn(false, |engine| unsafe { sys::aura_unregister(engine, sys::AURA_REG_FILES) })?;
        drop(std::mem::ManuallyDrop::into_inner(kept));
        Ok(())
    }

    /// Asks for the end; `done` is told when no ring has the table any more.
    #[cfg(feature = "async")]
    pub(crate) fn end(mut self, done: impl FnOnce(Result<()>) + Send + 'static) -> Result<()> {
        let kept = self.table.take();
        self.engine.request_end(sys::AURA_REG_FILES, move |result| {
            drop(kept);
            done(result);
        })
    }
}

impl Drop for RegisteredFiles {
    fn drop(&mut self) {
        let kept = match self.table.take() {
            Some(kept) => kept,
            None => return,
        };
        let forgotten = kept.clone();
        if self.engine.request_end(sys::AURA_REG_FILES, move |_| drop(kept)).is_err() {
            // No memory to be told of the end: the files stay open.
            std::mem::forget(forgotten);
        }
    }
}

//! How a file is opened: std's options, which std keeps to itself.
use crate::error::{Error, Result};
use libc::{EINVAL, O_APPEND, O_CLOEXEC, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY};

/// As [`std::fs::OpenOptions`], for [`Engine::openat`](crate::Engine::openat).
#[derive(Debug, Clone)]
pub struct OpenOptions {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
    custom_flags: i32,
    mode: u32,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, $name: $type) -> &mut OpenOptions {
            self.$name = $name;
            self
        }
    )*};
}

impl OpenOptions {
    /// Nothing is set; the mode of a new file is 0o666 without the umask.
    #[allow(clippy::new_without_default)]
    pub fn new() -> OpenOptions {
        OpenOptions {
            read: false,
            write: false,
            append: false,
            truncate: false,
            create: false,
            create_new: false,
            custom_flags: 0,
            mode: 0o666,
        }
    }

    setters! {
        read: bool
        write: bool
        append: bool
        truncate: bool
        create: bool
        create_new: bool
        /// `O_*`, such as `O_DIRECT`; `O_CLOEXEC` is always there.
        custom_flags: i32
        mode: u32
    }

    pub(crate) fn flags_and_mode(&self) -> Result<(i32, u32)> {
        let access = match (self.read, self.write || self.append) {
            (true, false) => O_RDONLY,
            (false, true) => O_WRONLY,
            (true, true) => O_RDWR,
            (false, false) => return Err(Error::Submission(EINVAL)),
        };
        let changes = self.truncate || self.create || self.create_new;
        if changes && access == O_RDONLY || self.truncate && self.append && !self.create_new {
            return Err(Error::Submission(EINVAL)); // as std
        }
        let mut flags = access | self.custom_flags | O_CLOEXEC;
        for (set, flag) in [
            (self.append, O_APPEND),
            (self.truncate && !self.create_new, O_TRUNC),
            (self.create || self.create_new, O_CREAT),
            (self.create_new, O_EXCL),
        ] {
            flags |= if set { flag } else { 0 };
        }
        Ok((flags, self.mode))
    }
}

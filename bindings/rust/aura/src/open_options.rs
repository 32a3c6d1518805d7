//! How a file is opened: std's options, which std keeps to itself.
use crate::error::{Error, Result, EINVAL};

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

// The same on every architecture that auraio runs on.
const O_WRONLY: i32 = 0o1;
const O_RDWR: i32 = 0o2;
const O_CREAT: i32 = 0o100;
const O_EXCL: i32 = 0o200;
const O_TRUNC: i32 = 0o1000;
const O_APPEND: i32 = 0o2000;
const O_CLOEXEC: i32 = 0o2000000;

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
            (true, false) => 0,
            (false, true) => O_WRONLY,
            (true, true) => O_RDWR,
            (false, false) => return Err(Error::Submission(EINVAL)),
        };
        let changes = self.truncate || self.create || self.create_new;
        if changes && access == 0 || self.truncate && self.append && !self.create_new {
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

//! Names of started operations.
use aura_sys as sys;

/// What an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpType {
    Read,
    Write,
    Readv,
    Writev,
    Fsync,
    Fdatasync,
    Openat,
    Close,
    Statx,
    Fallocate,
    Ftruncate,
    SyncFileRange,
    Recv,
    Send,
    Accept,
    Connect,
    Timeout,
    Unregister,
    Renameat,
    Unlinkat,
    Mkdirat,
    Recvmsg,
    Sendmsg,
    Poll,
}

/// Names a started operation: a number that is never given to another. Using it after the operation has ended, or
/// after the engine is gone, is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request(usize);

/// Another name of it.
pub type RequestHandle = Request;

impl From<&Request> for Request {
    fn from(request: &Request) -> Request {
        *request
    }
}

impl Request {
    pub(crate) fn new(raw: *mut sys::aura_request_t) -> Request {
        Request(raw as usize)
    }

    /// For functions of the C library.
    pub fn as_ptr(self) -> *mut sys::aura_request_t {
        self.0 as *mut _
    }

    /// Whether the operation's callback has not begun yet.
    pub fn is_pending(self) -> bool {
        // SAFETY: any value is allowed.
        unsafe { sys::aura_request_pending(self.as_ptr()) }
    }

    /// None after its callback has returned.
    pub fn op_type(self) -> Option<OpType> {
        // SAFETY: any value is allowed.
        let number = unsafe { sys::aura_request_op_type(self.as_ptr()) };
        Some(match u32::try_from(number).ok()? {
            sys::AURA_OP_READ => OpType::Read,
            sys::AURA_OP_WRITE => OpType::Write,
            sys::AURA_OP_READV => OpType::Readv,
            sys::AURA_OP_WRITEV => OpType::Writev,
            sys::AURA_OP_FSYNC => OpType::Fsync,
            sys::AURA_OP_FDATASYNC => OpType::Fdatasync,
            sys::AURA_OP_OPENAT => OpType::Openat,
            sys::AURA_OP_CLOSE => OpType::Close,
            sys::AURA_OP_STATX => OpType::Statx,
            sys::AURA_OP_FALLOCATE => OpType::Fallocate,
            sys::AURA_OP_FTRUNCATE => OpType::Ftruncate,
            sys::AURA_OP_SYNC_FILE_RANGE => OpType::SyncFileRange,
            sys::AURA_OP_RECV => OpType::Recv,
            sys::AURA_OP_SEND => OpType::Send,
            sys::AURA_OP_ACCEPT => OpType::Accept,
            sys::AURA_OP_CONNECT => OpType::Connect,
            sys::AURA_OP_TIMEOUT => OpType::Timeout,
            sys::AURA_OP_UNREGISTER => OpType::Unregister,
            sys::AURA_OP_RENAMEAT => OpType::Renameat,
            sys::AURA_OP_UNLINKAT => OpType::Unlinkat,
            sys::AURA_OP_MKDIRAT => OpType::Mkdirat,
            sys::AURA_OP_RECVMSG => OpType::Recvmsg,
            sys::AURA_OP_SENDMSG => OpType::Sendmsg,
            sys::AURA_OP_POLL => OpType::Poll,
            _ => return None,
        })
    }
}

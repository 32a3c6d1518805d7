//! Addresses of sockets, as the kernel reads and writes them.
use std::io;
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// `struct sockaddr_storage`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Storage(pub [u8; 128]);

/// The address of a peer: of TCP, or a path.
#[derive(Clone, Copy)]
pub struct SocketAddress {
    pub(crate) storage: Storage,
    pub(crate) len: u32,
}

impl SocketAddress {
    /// A Unix socket.
    ///
    /// # Errors
    /// `InvalidInput`: the path has a NUL in it, or more than 107 bytes.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<SocketAddress> {
        let bytes = path.as_ref().as_os_str().as_bytes();
        let mut address = SocketAddress { storage: Storage([0; 128]), len: 0 };
        address.storage.0[..2].copy_from_slice(&AF_UNIX.to_ne_bytes());
        if bytes.contains(&0) || bytes.len() > 107 {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        address.storage.0[2..2 + bytes.len()].copy_from_slice(bytes);
        address.len = (2 + bytes.len() + 1) as u32;
        Ok(address)
    }

    pub(crate) fn family(&self) -> u16 {
        u16::from_ne_bytes([self.storage.0[0], self.storage.0[1]])
    }

    /// None unless it is of the internet.
    pub(crate) fn to_inet(self) -> Option<SocketAddr> {
        let bytes = &self.storage.0;
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        match self.family() {
            AF_INET if self.len as usize >= 8 => {
                let ip = Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
                Some(SocketAddr::new(IpAddr::V4(ip), port))
            }
            AF_INET6 if self.len as usize >= 28 => {
                let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
                let mut ip = [0u8; 16];
                ip.copy_from_slice(&bytes[8..24]);
                let (flow, scope) = (u32::from_ne_bytes(word(4)), u32::from_ne_bytes(word(24)));
                Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope)))
            }
            _ => None,
        }
    }
}

impl From<SocketAddr> for SocketAddress {
    fn from(address: SocketAddr) -> SocketAddress {
        let mut bytes = [0; size_of::<Storage>()];
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        let (family, len) = match address {
            SocketAddr::V4(v4) => {
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                (AF_INET, 16)
            }
            SocketAddr::V6(v6) => {
                bytes[4..8].copy_from_slice(&v6.flowinfo().to_ne_bytes());
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                (AF_INET6, 28)
            }
        };
        bytes[..2].copy_from_slice(&family.to_ne_bytes());
        SocketAddress { storage: Storage(bytes), len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_addresses_survive_the_kernels_form() {
        for text in ["127.0.0.1:80", "[::1]:65535", "255.1.2.3:0", "[fe80::1:2]:443"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(SocketAddress::from(address).to_inet(), Some(address));
        }
        let scoped = SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 7, 5, 3));
        assert_eq!(SocketAddress::from(scoped).to_inet(), Some(scoped));
    }

    #[test]
    fn paths_have_their_limits() {
        assert_eq!(SocketAddress::unix("/run/x").unwrap().to_inet(), None);
        assert!(SocketAddress::unix("a".repeat(107)).is_ok());
        assert!(SocketAddress::unix("a".repeat(108)).is_err());
        assert!(SocketAddress::unix("a\0b").is_err());
    }
}

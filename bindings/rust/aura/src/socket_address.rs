//! Addresses of sockets, as the kernel reads and writes them.
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// All forms begin with the family. Every byte of it is initialised, and any is a value of each form.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) union Storage {
    any: libc::sockaddr_storage,
    inet: libc::sockaddr_in,
    inet6: libc::sockaddr_in6,
    unix: libc::sockaddr_un,
}

/// The address of a peer: of TCP, or a path.
#[derive(Clone, Copy)]
pub struct SocketAddress {
    pub(crate) storage: Storage,
    pub(crate) len: libc::socklen_t,
}

impl SocketAddress {
    /// Room for the address that the kernel writes.
    pub(crate) fn empty() -> SocketAddress {
        // SAFETY: numbers, for which zero is a value.
        let storage = unsafe { zeroed() };
        SocketAddress { storage, len: size_of::<Storage>() as libc::socklen_t }
    }

    /// A Unix socket.
    ///
    /// # Errors
    /// `InvalidInput`: the path has a NUL in it, or more than 107 bytes.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<SocketAddress> {
        let bytes = path.as_ref().as_os_str().as_bytes();
        let mut address = SocketAddress::empty();
        // SAFETY: numbers, for which zero is a value.
        let mut unix: libc::sockaddr_un = unsafe { zeroed() };
        if bytes.contains(&0) || bytes.len() >= unix.sun_path.len() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        unix.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (place, byte) in unix.sun_path.iter_mut().zip(bytes) {
            *place = *byte as libc::c_char;
        }
        let path_starts = size_of::<libc::sockaddr_un>() - size_of_val(&unix.sun_path);
        address.storage.unix = unix;
        address.len = (path_starts + bytes.len() + 1) as libc::socklen_t; // with the NUL
        Ok(address)
    }

    pub(crate) fn family(&self) -> libc::sa_family_t {
        // SAFETY: every byte is initialised.
        unsafe { self.storage.any.ss_family }
    }

    /// None unless it is of the internet.
    pub(crate) fn to_inet(self) -> Option<SocketAddr> {
        match libc::c_int::from(self.family()) {
            libc::AF_INET if self.len as usize >= size_of::<libc::sockaddr_in>() => {
                // SAFETY: every byte is initialised.
                let inet = unsafe { self.storage.inet };
                let ip = inet.sin_addr.s_addr.to_ne_bytes(); // in the order of the network, as the port
                Some(SocketAddrV4::new(ip.into(), u16::from_be(inet.sin_port)).into())
            }
            libc::AF_INET6 if self.len as usize >= size_of::<libc::sockaddr_in6>() => {
                // SAFETY: every byte is initialised.
                let inet6 = unsafe { self.storage.inet6 };
                let (ip, port) = (inet6.sin6_addr.s6_addr, u16::from_be(inet6.sin6_port));
                Some(SocketAddrV6::new(ip.into(), port, inet6.sin6_flowinfo, inet6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

impl From<SocketAddr> for SocketAddress {
    fn from(address: SocketAddr) -> SocketAddress {
        let mut socket_address = SocketAddress::empty();
        let (storage, port) = (&mut socket_address.storage, address.port().to_be());
        socket_address.len = match address {
            SocketAddr::V4(v4) => {
                storage.inet = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: port,
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                storage.inet6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: port,
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                size_of::<libc::sockaddr_in6>()
            }
        } as libc::socklen_t;
        socket_address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

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

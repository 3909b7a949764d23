//! Ports for programs that have to be told theirs before they start.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Where the system gives no ports to those who ask for any (`ip_local_port_range` of Linux begins at 32768): a port that was
/// only looked at and let go again up there soon is another test's.
const FIRST: u16 = 10_000;
const LAST: u16 = 32_000;

/// A port of the loopback that nobody has, and that this process gives nobody else.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = LAST - FIRST;
    // Another run of the tests on this machine begins elsewhere.
    let start = u16::try_from(std::process::id().wrapping_mul(199) % u32::from(count)).expect("less than the ports there are");
    let mut looked_at = (0..count).map(|_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        FIRST + start.wrapping_add(step) % count
    });
    looked_at
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}

/// The same with the address of the loopback before it.
pub fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}

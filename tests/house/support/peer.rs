//! Connections from other addresses of this machine than 127.0.0.1: all of 127.0.0.0/8 are its own.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use super::wait::PATIENCE;

/// A connection from 127.0.0.`from`. A read that takes longer than patience is an error.
pub fn connect(to: SocketAddr, from: u8) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let own = SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0));
    socket.bind(&own.into()).expect("an address of our own");
    socket.connect(&to.into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
    stream
}

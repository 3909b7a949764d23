//! A web server on loopback, for the policies of MTA-STS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::{ServerConnection, StreamOwned};

use super::authority::Authority;

/// A web server on loopback that gives everybody the same answer.
pub struct Web {
    /// Its port.
    pub port: u16,
    asked: Arc<AtomicUsize>,
}

impl Web {
    /// Starts it on a free port, with a certificate for `name`.
    pub fn start(authority: &Authority, name: &str, answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (config, count) = (authority.server(name), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("TLS"), stream);
                // A client that does not like the certificate goes away.
                let mut head = Vec::new();
                let mut octets = [0; 1024];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut octets) {
                        Ok(count) if count > 0 => head.extend_from_slice(&octets[..count]),
                        _ => break,
                    }
                }
                if head.starts_with(b"GET /.well-known/mta-sts.txt ") {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(answer.as_bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        Self { port, asked }
    }

    /// How often it was asked for an MTA-STS policy.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A page of plain text.
pub fn page(status: &str, text: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

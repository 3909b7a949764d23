//! A web server on loopback, for the policies of MTA-STS, and for reports that are posted.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConnection, StreamOwned};

use super::authority::Authority;
use super::wait::until;

/// A web server on loopback that gives everybody the same answer.
pub struct Web {
    /// Its port.
    pub port: u16,
    asked: Arc<AtomicUsize>,
    posted: Arc<Mutex<Vec<Posted>>>,
}

/// What was posted: the head and the body.
pub type Posted = (String, Vec<u8>);

impl Web {
    /// Starts it on a free port, with a certificate for `name`.
    pub fn start(authority: &Authority, name: &str, answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(AtomicUsize::new(0));
        let posted = Arc::new(Mutex::new(Vec::new()));
        let posts = Arc::clone(&posted);
        let (config, count) = (authority.server(name), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("TLS"), stream);
                // A client that does not like the certificate goes away.
                let mut head = Vec::new();
                let mut octets = [0; 1024];
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    match stream.read(&mut octets) {
                        Ok(count) if count > 0 => head.extend_from_slice(&octets[..count]),
                        _ => break,
                    }
                }
                if head.starts_with(b"POST ") {
                    let end = head.windows(4).position(|four| four == b"\r\n\r\n").map_or(head.len(), |at| at + 4);
                    let mut body = head.split_off(end);
                    let head = String::from_utf8_lossy(&head).to_lowercase();
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let begun = body.len();
                    body.resize(length.and_then(|length| length.trim().parse().ok()).unwrap_or(begun), 0);
                    if stream.read_exact(&mut body[begun..]).is_ok() {
                        posts.lock().expect("posts").push((head, body));
                    }
                    let _ = stream.write_all(page("201 Created", "").as_bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                } else if head.starts_with(b"GET /.well-known/mta-sts.txt ") {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(answer.as_bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        Self { port, asked, posted }
    }

    /// Waits until so many bodies were posted.
    pub fn wait_for_posts(&self, count: usize) -> Vec<Posted> {
        until(&format!("{count} posts"), || {
            Some(self.posted.lock().expect("posts").clone()).filter(|posts| posts.len() >= count)
        })
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

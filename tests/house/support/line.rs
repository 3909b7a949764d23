//! A connection that speaks in lines, plain or over TLS; what SMTP, IMAP and POP3 have in common.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use rustls::{ClientConnection, StreamOwned};

use super::tls;
use super::wait::PATIENCE;

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Only while one becomes the other.
    Between,
}

/// Of more octets said than this, only the end is kept.
const LONG: usize = 1_000_000;

/// A connection to the server. A read that takes longer than patience is an error.
pub struct Line {
    transport: Transport,
    /// Both ways of a compressed connection.
    deflate: Option<(Compress, Decompress)>,
    input: Vec<u8>,
    /// What was said so far, for the message of a failed test.
    said: String,
}

impl Line {
    /// Connects in plain text.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_nodelay(true).expect("nodelay");
        Self {
            transport: Transport::Plain(stream),
            deflate: None,
            input: Vec::new(),
            said: String::new(),
        }
    }

    /// Connects as a proxy that hands on the connection of a client of this address.
    pub fn connect_for(address: SocketAddr, client: &str) -> Self {
        let mut stream = super::peer::connect(address, 2);
        let (family, own) = match client.contains(':') {
            true => ("TCP6", "2001:db8::1"),
            false => ("TCP4", "198.51.100.1"),
        };
        let header = format!("PROXY {family} {client} {own} 56324 25\r\n");
        stream.write_all(header.as_bytes()).expect("a connection");
        Self {
            transport: Transport::Plain(stream),
            deflate: None,
            input: Vec::new(),
            said: String::new(),
        }
    }

    /// Connects and does the TLS handshake at once.
    pub fn connect_tls(address: SocketAddr) -> Self {
        let mut line = Self::connect(address);
        line.start_tls().expect("a TLS handshake");
        line
    }

    /// Does the TLS handshake now. Octets that came before it and were not read count as an error.
    pub fn start_tls(&mut self) -> io::Result<()> {
        if !self.input.is_empty() {
            return Err(io::Error::other("the server sent more than its reply before the handshake"));
        }
        let Transport::Plain(mut stream) = std::mem::replace(&mut self.transport, Transport::Between) else {
            return Err(io::Error::other("TLS is on already"));
        };
        let name = "mail.house.test".try_into().expect("a server name");
        let mut session = ClientConnection::new(tls::client(), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        self.transport = Transport::Tls(Box::new(StreamOwned::new(session, stream)));
        self.said.push_str("   (TLS)\n");
        Ok(())
    }

    /// From here on the connection is compressed both ways (RFC 4978 §3).
    pub fn start_deflate(&mut self) {
        assert!(self.input.is_empty(), "the server said more than it should before it compressed");
        self.deflate = Some((Compress::new(Compression::best(), false), Decompress::new(false)));
        self.said.push_str("   (DEFLATE)\n");
    }

    /// What both sides can name the connection by (RFC 9266 §2).
    pub fn exporter(&self) -> [u8; 32] {
        let Transport::Tls(stream) = &self.transport else {
            panic!("there is no TLS");
        };
        let name = stream.conn.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
        name.expect("a name of the connection")
    }

    /// Sends octets as they are.
    pub fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.note("C: ", octets);
        let mut compressed = Vec::with_capacity(octets.len() + 1024);
        let octets = match &mut self.deflate {
            Some((compress, _)) => {
                compress.compress_vec(octets, &mut compressed, FlushCompress::Sync)?;
                &compressed
            }
            None => octets,
        };
        match &mut self.transport {
            Transport::Plain(stream) => stream.write_all(octets),
            Transport::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
            Transport::Between => Err(io::Error::other("the handshake failed")),
        }
    }

    /// Sends a line and its CRLF; a failure ends the test.
    pub fn say(&mut self, text: &str) {
        if let Err(error) = self.send(format!("{text}\r\n").as_bytes()) {
            panic!("cannot send {text:?}: {error}\n{}", self.said);
        }
    }

    /// The next line without its CRLF; an error at the end of the stream or of patience.
    pub fn try_line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let mut line: Vec<u8> = self.input.drain(..end + 2).collect();
                line.truncate(end);
                self.note("S: ", &line);
                return Ok(line);
            }
            self.fill()?;
        }
    }

    /// The next line as text; a failure ends the test.
    pub fn line(&mut self) -> String {
        match self.try_line() {
            Ok(line) => String::from_utf8_lossy(&line).into_owned(),
            Err(error) => panic!("no line from the server: {error}\n{}", self.said),
        }
    }

    /// The next `count` octets; a failure ends the test.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            if let Err(error) = self.fill() {
                panic!("no {count} octets from the server: {error}\n{}", self.said);
            }
        }
        self.input.drain(..count).collect()
    }

    /// Whether the server closes the connection now without saying anything more.
    pub fn is_closed(&mut self) -> bool {
        self.input.is_empty() && self.fill().is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
    }

    /// Whether the server says something within this time, or has already.
    pub fn comes_within(&mut self, limit: Duration) -> bool {
        self.set_patience(limit);
        let comes = !self.input.is_empty() || self.fill().is_ok();
        self.set_patience(PATIENCE);
        comes
    }

    fn set_patience(&mut self, limit: Duration) {
        let stream = match &self.transport {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => &stream.sock,
            Transport::Between => return,
        };
        stream.set_read_timeout(Some(limit)).expect("a time limit");
    }

    /// The dialogue so far, or its end if it was long.
    pub fn said(&self) -> &str {
        &self.said
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut some = [0; 16 * 1024];
        let count = match &mut self.transport {
            Transport::Plain(stream) => stream.read(&mut some)?,
            Transport::Tls(stream) => stream.read(&mut some)?,
            Transport::Between => return Err(io::Error::other("the handshake failed")),
        };
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        let Some((_, decompress)) = &mut self.deflate else {
            self.input.extend_from_slice(&some[..count]);
            return Ok(());
        };
        let mut rest = &some[..count];
        loop {
            let before = decompress.total_in();
            self.input.reserve(64 * 1024);
            decompress.decompress_vec(rest, &mut self.input, FlushDecompress::None)?;
            rest = &rest[(decompress.total_in() - before) as usize..];
            if rest.is_empty() && self.input.len() < self.input.capacity() {
                return Ok(());
            }
        }
    }

    fn note(&mut self, who: &str, octets: &[u8]) {
        const ENOUGH: usize = 400;
        let shown = &octets[..octets.len().min(ENOUGH)];
        self.said.push_str(who);
        self.said.push_str(&shown.escape_ascii().to_string());
        self.said.push('\n');
        if self.said.len() > LONG {
            let half = self.said.len() / 2;
            let from = self.said[..half].rfind('\n').map_or(0, |at| at + 1);
            self.said.drain(..from);
        }
    }
}

//! A milter on loopback that does what a test wants, and tells what it was told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wait::until;

/// What it says to a packet: packets without their lengths, each its kind and its data. None: nothing, for ever.
pub type Script = dyn Fn(char, &[u8]) -> Option<Vec<Vec<u8>>> + Send + Sync;

/// A running milter.
pub struct Milter {
    pub address: String,
    told: Arc<Mutex<Vec<String>>>,
}

impl Milter {
    /// One that negotiates these actions and steps, and says `script` to what it is told, or else to go on.
    pub fn start(actions: u32, steps: u32, script: impl Fn(char, &[u8]) -> Option<Vec<Vec<u8>>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("an address").to_string();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Arc<Script>) = (Arc::clone(&told), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                thread::spawn(move || converse(stream, (actions, steps), &log, &*script));
            }
        });
        Self { address, told }
    }

    /// One that goes on with everything.
    pub fn mild(actions: u32, steps: u32) -> Self {
        Self::start(actions, steps, |_, _| Some(vec![b"c".to_vec()]))
    }

    /// What it was told: the kind of each packet, and its data with `|` for zero octets.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().expect("the log").clone()
    }

    /// Waits until it was told something that begins so.
    pub fn wait_for(&self, begin: &str) -> String {
        until(begin, || self.told().into_iter().find(|it| it.starts_with(begin)))
    }
}

/// Which answers a step has none of: the kind of the packet, and the bit.
const SILENT: [(char, u32); 8] = [
    ('C', 0x1000),
    ('H', 0x2000),
    ('M', 0x4000),
    ('R', 0x8000),
    ('T', 0x1_0000),
    ('L', 0x80),
    ('N', 0x4_0000),
    ('B', 0x8_0000),
];

fn converse(mut stream: TcpStream, (actions, steps): (u32, u32), log: &Mutex<Vec<String>>, script: &Script) {
    loop {
        let mut length = [0; 4];
        if stream.read_exact(&mut length).is_err() {
            return;
        }
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut packet).expect("a packet");
        let (kind, data) = (char::from(packet[0]), &packet[1..]);
        let shown = String::from_utf8_lossy(data).replace('\0', "|");
        log.lock().expect("the log").push(format!("{kind} {shown}"));
        let answers = match kind {
            'O' => Some(vec![[b"O".to_vec(), [6, actions, steps].map(u32::to_be_bytes).concat()].concat()]),
            'D' | 'A' | 'Q' => continue,
            _ if SILENT.iter().any(|(silent, bit)| *silent == kind && steps & bit != 0) => continue,
            _ => script(kind, data),
        };
        let Some(answers) = answers else { continue };
        for answer in answers {
            let length = u32::try_from(answer.len()).expect("a length").to_be_bytes();
            if stream.write_all(&[length.to_vec(), answer].concat()).is_err() {
                return;
            }
        }
    }
}

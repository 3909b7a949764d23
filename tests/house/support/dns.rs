//! A name server on loopback, over UDP and TCP, with the zones that a test gives it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, MX, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

type Zones = BTreeMap<Name, Vec<RData>>;

/// A name server. It answers for what it was told, and says of the rest that it does not exist.
#[derive(Clone)]
pub struct Dns {
    address: SocketAddr,
    zones: Arc<Mutex<Zones>>,
}

impl Dns {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let (udp, tcp) = sockets();
        let dns = Self {
            address: udp.local_addr().expect("an address"),
            zones: Arc::default(),
        };
        let (by_udp, by_tcp) = (dns.clone(), dns.clone());
        thread::spawn(move || by_udp.serve_udp(&udp));
        thread::spawn(move || by_tcp.serve_tcp(&tcp));
        dns
    }

    /// Its address, for `dns.servers`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Adds an MX record.
    pub fn mx(&self, domain: &str, preference: u16, host: &str) -> &Self {
        self.add(domain, RData::MX(MX::new(preference, name(host))))
    }

    /// Adds an A or AAAA record.
    pub fn host(&self, host: &str, address: &str) -> &Self {
        let data = match address.parse().expect("an address") {
            IpAddr::V4(ip) => RData::A(A(ip)),
            IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
        };
        self.add(host, data)
    }

    /// Adds a TXT record, in strings of at most 255 octets.
    pub fn txt(&self, owner: &str, text: &str) -> &Self {
        let strings = text.as_bytes().chunks(255).map(|piece| String::from_utf8_lossy(piece).into_owned());
        self.add(owner, RData::TXT(TXT::new(strings.collect())))
    }

    fn add(&self, owner: &str, data: RData) -> &Self {
        self.zones.lock().expect("zones").entry(name(owner)).or_default().push(data);
        self
    }

    fn serve_udp(&self, socket: &UdpSocket) {
        let mut octets = [0; 4096];
        while let Ok((count, peer)) = socket.recv_from(&mut octets) {
            if let Some(answer) = self.answer(&octets[..count]) {
                let _ = socket.send_to(&answer, peer);
            }
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        for stream in listener.incoming().map_while(Result::ok) {
            let dns = self.clone();
            thread::spawn(move || dns.serve_stream(stream));
        }
    }

    /// RFC 1035 §4.2.2: two octets of length before each message.
    fn serve_stream(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).ok()?;
            let answer = self.answer(&question)?;
            let length = u16::try_from(answer.len()).ok()?;
            stream.write_all(&length.to_be_bytes()).ok()?;
            stream.write_all(&answer).ok()?;
        }
    }

    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let asked = Message::from_vec(question).ok()?;
        let query = asked.queries.first()?.clone();
        let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
        answer.metadata.authoritative = true;
        answer.metadata.recursion_desired = asked.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        let zones = self.zones.lock().expect("zones");
        match zones.get(&query.name().to_lowercase()) {
            // RFC 2308 §2.1: a name that nothing is below either does not exist.
            None if !zones.keys().any(|known| query.name().zone_of(known)) => {
                answer.metadata.response_code = ResponseCode::NXDomain;
            }
            None => {}
            Some(all) => {
                let wanted = all.iter().filter(|data| matches(data, query.query_type()));
                answer.add_answers(wanted.map(|data| Record::from_rdata(query.name().clone(), 5, data.clone())));
            }
        }
        answer.add_query(query);
        answer.to_vec().ok()
    }
}

fn matches(data: &RData, wanted: RecordType) -> bool {
    wanted == RecordType::ANY || data.record_type() == wanted
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a name").to_lowercase();
    name.set_fqdn(true);
    name
}

/// The same port for both.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a UDP socket");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")) {
            return (udp, tcp);
        }
    }
}

//! A name server on loopback, over UDP and TCP, with the zones that a test gives it, signed where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, TLSA, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::dnssec::{Key, denial};

/// How long answers may be kept.
const TTL: u32 = 5;

/// What it knows.
#[derive(Default)]
struct Zones {
    names: BTreeMap<Name, Vec<RData>>,
    /// The zones by their apex, with their keys if they are signed. None at all: there is no DNSSEC.
    cuts: BTreeMap<Name, Option<Key>>,
    /// Names whose signatures are wrong.
    spoiled: BTreeSet<Name>,
    /// Names about which it says SERVFAIL.
    broken: BTreeSet<Name>,
    /// It answers nothing at all.
    silent: bool,
}

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

    /// Starts one with a signed root.
    pub fn signed() -> Self {
        let dns = Self::start();
        dns.cut(".", true);
        dns
    }

    /// The key of the root, as the text of a file for `dns.trust_anchor`.
    pub fn trust_anchor(&self) -> String {
        let zones = self.zones.lock().expect("zones");
        let key = zones.cuts.get(&Name::root()).and_then(Option::as_ref);
        key.expect("a signed root").anchor()
    }

    /// Makes a domain a zone of its own, signed or not.
    pub fn cut(&self, apex: &str, signed: bool) -> &Self {
        let apex = name(apex);
        let key = signed.then(|| Key::new(apex.clone()));
        self.zones.lock().expect("zones").cuts.insert(apex, key);
        self
    }

    /// Gives an address a name.
    pub fn ptr(&self, address: &str, of: &str) -> &Self {
        let address: IpAddr = address.parse().expect("an address");
        self.add(&Name::from(address).to_ascii(), RData::PTR(PTR(name(of))))
    }

    /// From now on the signatures of a name are wrong.
    pub fn spoil(&self, owner: &str) -> &Self {
        self.zones.lock().expect("zones").spoiled.insert(name(owner));
        self
    }

    /// From now on the answer about a name is SERVFAIL.
    pub fn fail(&self, owner: &str) -> &Self {
        self.zones.lock().expect("zones").broken.insert(name(owner));
        self
    }

    /// Whether it leaves every question without an answer.
    pub fn keep_silent(&self, silent: bool) {
        self.zones.lock().expect("zones").silent = silent;
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

    /// From now on there is nothing of this name.
    pub fn forget(&self, owner: &str) -> &Self {
        self.zones.lock().expect("zones").names.remove(&name(owner));
        self
    }

    /// Adds an alias.
    pub fn alias(&self, owner: &str, of: &str) -> &Self {
        self.add(owner, RData::CNAME(CNAME(name(of))))
    }

    /// Adds a TLSA record.
    pub fn tlsa(&self, owner: &str, [usage, selector, matching]: [u8; 3], data: Vec<u8>) -> &Self {
        let record = TLSA::new(usage.into(), selector.into(), matching.into(), data);
        self.add(owner, RData::TLSA(record))
    }

    fn add(&self, owner: &str, data: RData) -> &Self {
        let mut zones = self.zones.lock().expect("zones");
        zones.names.entry(name(owner)).or_default().push(data);
        drop(zones);
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
        if self.zones.lock().expect("zones").silent {
            return None;
        }
        let asked = Message::from_vec(question).ok()?;
        let query = asked.queries.first()?.clone();
        let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
        answer.metadata.authoritative = true;
        answer.metadata.recursion_desired = asked.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        self.zones.lock().expect("zones").tell(&query, &mut answer);
        answer.add_query(query);
        answer.to_vec().ok()
    }
}

impl Zones {
    fn tell(&self, query: &Query, answer: &mut Message) {
        let (mut owner, kind) = (query.name().to_lowercase(), query.query_type());
        if self.broken.contains(&owner) {
            answer.metadata.response_code = ResponseCode::ServFail;
            return;
        }
        // Aliases are followed, as a resolver does it.
        while let Some(alias) = self.rrset(&owner, RecordType::CNAME).pop().filter(|_| kind != RecordType::CNAME) {
            let RData::CNAME(of) = &alias.data else { break };
            let next = of.0.to_lowercase();
            answer.add_answers(self.with_signature(vec![alias]));
            owner = next;
        }
        let found = self.rrset(&owner, kind);
        if !found.is_empty() {
            answer.add_answers(self.with_signature(found));
        } else if self.cuts.is_empty() {
            // RFC 2308 §2.1: a name that nothing is below either does not exist.
            if !self.names.keys().any(|known| owner.zone_of(known)) {
                answer.metadata.response_code = ResponseCode::NXDomain;
            }
        } else {
            self.deny(&owner, kind, answer);
        }
    }

    /// The records of a name and type, those of the zones' own included.
    fn rrset(&self, owner: &Name, kind: RecordType) -> Vec<Record> {
        let given = self.names.get(owner).into_iter().flatten().filter(|data| matches(data, kind));
        let mut found: Vec<RData> = given.cloned().collect();
        if let Some(key) = self.cuts.get(owner) {
            found.extend(match (kind, key) {
                (RecordType::SOA, _) => Some(RData::SOA(SOA::new(owner.clone(), owner.clone(), 1, 60, 60, 60, TTL))),
                (RecordType::NS, _) => Some(RData::NS(NS(name("ns.test")))),
                (RecordType::DNSKEY, Some(key)) => Some(key.dnskey()),
                (RecordType::DS, Some(key)) if !owner.is_root() => Some(key.ds()),
                _ => None,
            });
        }
        let record = |data| Record::from_rdata(owner.clone(), TTL, data);
        found.into_iter().map(record).collect()
    }

    /// The zone that a name is in; what is told of a DS record is said by the zone above.
    fn zone(&self, owner: &Name, kind: RecordType) -> Option<(&Name, &Option<Key>)> {
        let above = kind == RecordType::DS;
        let holds = |(apex, _): &(&Name, &Option<Key>)| apex.zone_of(owner) && !(above && *apex == owner);
        self.cuts.iter().filter(holds).max_by_key(|(apex, _)| apex.num_labels())
    }

    fn with_signature(&self, mut records: Vec<Record>) -> Vec<Record> {
        let (owner, kind) = (records[0].name.clone(), records[0].record_type());
        self.sign(&owner, kind, &mut records);
        records
    }

    fn sign(&self, owner: &Name, kind: RecordType, records: &mut Vec<Record>) {
        if let Some((_, Some(key))) = self.zone(owner, kind) {
            records.push(key.sign(records, self.spoiled.contains(owner)));
        }
    }

    /// There is no such thing: signed, if the zone is.
    fn deny(&self, owner: &Name, kind: RecordType, answer: &mut Message) {
        let Some((apex, key)) = self.zone(owner, kind) else { return };
        answer.add_authorities(self.with_signature(self.rrset(apex, RecordType::SOA)));
        if let Some(key) = key {
            let mut types: Vec<RecordType> = self.names.get(owner).into_iter().flatten().map(RData::record_type).collect();
            if self.cuts.contains_key(owner) {
                // What the zone above knows of one below, or the zone of itself.
                types.push(RecordType::NS);
                if kind != RecordType::DS {
                    types.push(RecordType::SOA);
                }
            }
            let mut nsec = vec![Record::from_rdata(owner.clone(), TTL, denial(owner, &types))];
            nsec.push(key.sign(&nsec, self.spoiled.contains(owner)));
            answer.add_authorities(nsec);
        }
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

//! The form of Outlook: a request and an answer in XML ([MS-OXDSCLI], "plain old XML").

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

use super::element;
use crate::model::address::EmailAddress;
use crate::model::client::{ClientProtocol, ClientServers, ClientService, Encryption};

/// The most octets of a request; those of Outlook have some 400.
pub const MOST_OCTETS: usize = 16_384;

/// The schema of the answer that we have.
const SCHEMA: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
/// The schema around any answer.
const FRAME: &str = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// For whom.
    pub address: EmailAddress,
    /// Whether the client takes the answer that we have.
    pub takes_ours: bool,
}

/// The request cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is no request of Autodiscover with an EMailAddress")]
pub struct BadRequest;

impl Request {
    /// Reads a request. No entity is known but the five of XML.
    ///
    /// # Errors
    /// [`BadRequest`], also where it is larger than [`MOST_OCTETS`].
    pub fn parse(octets: &[u8]) -> Result<Self, BadRequest> {
        let text = std::str::from_utf8(octets).map_err(|_| BadRequest)?;
        if octets.len() > MOST_OCTETS {
            return Err(BadRequest);
        }
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let (mut within, mut address, mut schema) = (String::new(), String::new(), String::new());
        let mut depth = 0_usize;
        loop {
            let into = match within.as_str() {
                "EMailAddress" => Some(&mut address),
                "AcceptableResponseSchema" => Some(&mut schema),
                _ => None,
            };
            match (reader.read_event().map_err(|_| BadRequest)?, into) {
                (Event::Start(start), _) => {
                    depth = depth.saturating_add(1);
                    start.local_name().as_ref().clone_into(&mut within);
                }
                (Event::End(_), _) => {
                    depth = depth.saturating_sub(1);
                    within.clear();
                }
                (Event::Text(text), Some(into)) => into.push_str(&text.xml10_content()),
                (Event::CData(text), Some(into)) => into.push_str(&text.xml10_content()),
                (Event::GeneralRef(name), Some(into)) => {
                    let reference = format!("&{};", name.xml10_content());
                    into.push_str(&unescape(&reference).map_err(|_| BadRequest)?);
                }
                (Event::DocType(_), _) => return Err(BadRequest),
                (Event::Eof, _) if depth > 0 => return Err(BadRequest),
                (Event::Eof, _) => break,
                _ => {}
            }
        }
        Ok(Self {
            address: EmailAddress::parse(address.trim()).map_err(|_| BadRequest)?,
            takes_ours: schema.trim().is_empty() || schema.trim() == SCHEMA,
        })
    }
}

/// The servers of a user.
pub fn answer(address: &EmailAddress, servers: &ClientServers) -> String {
    let login = address.to_string();
    let kinds = [
        (ClientProtocol::Imap, "IMAP"),
        (ClientProtocol::Pop3, "POP3"),
        (ClientProtocol::Submission, "SMTP"),
    ];
    let protocols = kinds.map(|(protocol, kind)| {
        let best = servers.best(protocol);
        best.map(|service| describe(kind, &login, (servers, service))).unwrap_or_default()
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"{FRAME}\">\n<Response xmlns=\"{SCHEMA}\">\n<User>\n{}</User>\n\
         <Account>\n{}{}{}</Account>\n</Response>\n</Autodiscover>\n",
        element("DisplayName", &login),
        element("AccountType", "email"),
        element("Action", "settings"),
        protocols.concat()
    )
}

fn describe(kind: &str, login: &str, (servers, service): (&ClientServers, &ClientService)) -> String {
    let (ssl, encryption) = match service.encryption {
        Encryption::Tls => ("on", "SSL"),
        Encryption::StartTls => ("off", "TLS"),
    };
    let of_smtp = match service.protocol {
        ClientProtocol::Submission => element("UsePOPAuth", "on") + &element("SMTPLast", "off"),
        _ => String::new(),
    };
    let fields = [
        ("Type", kind),
        ("Server", &servers.host),
        ("Port", &service.port.to_string()),
        ("DomainRequired", "off"),
        ("LoginName", login),
        ("SPA", "off"),
        ("SSL", ssl),
        ("Encryption", encryption),
        ("AuthRequired", "on"),
    ];
    let fields = fields.map(|(name, text)| element(name, text));
    format!("<Protocol>\n{}{of_smtp}</Protocol>\n", fields.concat())
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The request is none, or the domain is none of ours.
    Invalid,
    /// The client wants an answer that we do not have.
    Schema,
}

impl Trouble {
    /// The answer that says so.
    pub fn answer(self) -> String {
        let (code, message) = match self {
            Self::Invalid => ("600", "Invalid Request"),
            Self::Schema => ("601", "Requested schema version not supported"),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"{FRAME}\">\n<Response>\n<Error>\n{}{}<DebugData/>\n</Error>\n\
             </Response>\n</Autodiscover>\n",
            element("ErrorCode", code),
            element("Message", message)
        )
    }
}

//! The form of Thunderbird, which Evolution, K-9 and others read too (its ConfigFileFormat, version 1.1).

use super::element;
use crate::model::address::Domain;
use crate::model::client::{ClientProtocol, ClientServers, ClientService, Encryption};

/// The file for the users of a domain.
pub fn file(domain: &Domain, servers: &ClientServers) -> String {
    let incoming = [(ClientProtocol::Imap, "imap"), (ClientProtocol::Pop3, "pop3")];
    let incoming = incoming.map(|(protocol, kind)| {
        let each = servers
            .of(protocol)
            .map(|service| server("incomingServer", kind, (servers, service)));
        each.collect::<String>()
    });
    let outgoing: String = servers
        .of(ClientProtocol::Submission)
        .map(|service| server("outgoingServer", "smtp", (servers, service)))
        .collect();
    let (id, name) = (domain.as_str(), domain.to_unicode());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n<emailProvider id=\"{id}\">\n{}{}{}{}{outgoing}\
         </emailProvider>\n</clientConfig>\n",
        element("domain", id),
        element("displayName", &name),
        element("displayShortName", &name),
        incoming.concat()
    )
}

fn server(element_name: &str, kind: &str, (servers, service): (&ClientServers, &ClientService)) -> String {
    let socket = match service.encryption {
        Encryption::Tls => "SSL",
        Encryption::StartTls => "STARTTLS",
    };
    format!(
        "<{element_name} type=\"{kind}\">\n{}{}{}{}{}</{element_name}>\n",
        element("hostname", &servers.host),
        element("port", &service.port.to_string()),
        element("socketType", socket),
        element("authentication", "password-cleartext"),
        element("username", "%EMAILADDRESS%"),
    )
}

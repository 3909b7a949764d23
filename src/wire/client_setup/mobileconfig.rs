//! The form of Apple's devices: a configuration profile (the payload `com.apple.mail.managed`).

use quick_xml::escape::escape;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::element;
use crate::model::address::{Domain, EmailAddress};
use crate::model::client::{ClientProtocol, ClientServers, ClientService};

/// The profile of a user; none if there is no way to read, or none to send. The same user gets the same one, which takes the place of
/// what they have of it.
pub fn profile(address: &EmailAddress, servers: &ClientServers) -> Option<String> {
    let incoming = servers.best(ClientProtocol::Imap).or_else(|| servers.best(ClientProtocol::Pop3))?;
    let outgoing = servers.best(ClientProtocol::Submission)?;
    let domain = address.domain()?;
    let account = [
        own(address, incoming),
        side("Incoming", address, (servers, incoming)),
        side("Outgoing", address, (servers, outgoing)),
        flag("OutgoingPasswordSameAsIncomingPassword", true),
        head("com.apple.mail.managed", (address, domain, "account")),
    ];
    let profile = [
        text("PayloadDisplayName", &format!("Mail of {address}")),
        text("PayloadOrganization", &domain.to_unicode()),
        flag("PayloadRemovalDisallowed", false),
        head("Configuration", (address, domain, "profile")),
    ];
    Some(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n<key>PayloadContent</key>\n<array>\n<dict>\n{}</dict>\n</array>\n{}</dict>\n</plist>\n",
        account.concat(),
        profile.concat()
    ))
}

fn own(address: &EmailAddress, incoming: &ClientService) -> String {
    let kind = match incoming.protocol {
        ClientProtocol::Pop3 => "EmailTypePOP",
        _ => "EmailTypeIMAP",
    };
    let shown = address.to_string();
    [
        text("EmailAccountDescription", &shown),
        text("EmailAccountType", kind),
        text("EmailAddress", &shown),
    ]
    .concat()
}

fn side(side: &str, address: &EmailAddress, (servers, service): (&ClientServers, &ClientService)) -> String {
    let key = |rest: &str| format!("{side}MailServer{rest}");
    [
        text(&key("Authentication"), "EmailAuthPassword"),
        text(&key("HostName"), &servers.host),
        number(&key("PortNumber"), service.port),
        // Both ways to TLS: the device finds out which.
        flag(&key("UseSSL"), true),
        text(&key("Username"), &address.to_string()),
    ]
    .concat()
}

/// What every payload has.
fn head(kind: &str, (address, domain, part): (&EmailAddress, &Domain, &str)) -> String {
    let reversed: Vec<&str> = domain.as_str().rsplit('.').collect();
    let digest = Sha256::digest(format!("{part}\n{}", address.canonical()));
    let octets = std::array::from_fn(|place| digest.get(place).copied().unwrap_or_default());
    let uuid = uuid::Builder::from_custom_bytes(octets).into_uuid();
    let identifier = format!("{}.posthouse.{part}.{uuid}", reversed.join("."));
    [
        text("PayloadIdentifier", &identifier),
        text("PayloadType", kind),
        text("PayloadUUID", &upper(uuid)),
        number("PayloadVersion", 1),
    ]
    .concat()
}

fn upper(uuid: Uuid) -> String {
    uuid.to_string().to_uppercase()
}

fn text(key: &str, value: &str) -> String {
    element("key", key) + &format!("<string>{}</string>\n", escape(value))
}

fn number(key: &str, value: u16) -> String {
    element("key", key) + &format!("<integer>{value}</integer>\n")
}

fn flag(key: &str, value: bool) -> String {
    element("key", key) + &format!("<{value}/>\n")
}

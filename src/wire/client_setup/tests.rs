use super::autodiscover::{BadRequest, MOST_OCTETS, Request, Trouble};
use super::{autoconfig, autodiscover, mobileconfig};
use crate::model::client::ClientServers;

fn servers() -> ClientServers {
    ClientServers::new("mail.house.test".into(), |listener| match listener {
        "imaps" => Some(993),
        "imap" => Some(143),
        "submission" => Some(587),
        _ => None,
    })
}

fn request(address: &str, schema: &str) -> String {
    format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover \
         xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\"><Request><EMailAddress>{address}\
         </EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    )
}

const OURS: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

#[test]
fn thunderbird_is_told_each_way_in() {
    let file = autoconfig::file(&"bücher.example".parse().unwrap(), &servers());
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(
        lines[..14],
        [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<clientConfig version=\"1.1\">",
            "<emailProvider id=\"xn--bcher-kva.example\">",
            "<domain>xn--bcher-kva.example</domain>",
            "<displayName>bücher.example</displayName>",
            "<displayShortName>bücher.example</displayShortName>",
            "<incomingServer type=\"imap\">",
            "<hostname>mail.house.test</hostname>",
            "<port>993</port>",
            "<socketType>SSL</socketType>",
            "<authentication>password-cleartext</authentication>",
            "<username>%EMAILADDRESS%</username>",
            "</incomingServer>",
            "<incomingServer type=\"imap\">",
        ]
    );
    assert!(file.contains("<outgoingServer type=\"smtp\">\n<hostname>mail.house.test</hostname>\n<port>587</port>\n<socketType>STARTTLS<"));
    assert!(!file.contains("pop3"), "{file}");
}

#[test]
fn outlook_asks_and_is_answered() {
    let asked = Request::parse(request("Ada&amp;Co@house.test", OURS).as_bytes()).unwrap();
    assert_eq!((asked.address.to_string().as_str(), asked.takes_ours), ("Ada&Co@house.test", true));
    let answer = autodiscover::answer(&asked.address, &servers());
    assert!(
        answer.contains("<Type>IMAP</Type>\n<Server>mail.house.test</Server>\n<Port>993</Port>"),
        "{answer}"
    );
    assert!(answer.contains("<LoginName>Ada&amp;Co@house.test</LoginName>"), "{answer}");
    assert!(
        answer.contains("<Port>587</Port>") && answer.contains("<SSL>off</SSL>\n<Encryption>TLS</Encryption>"),
        "{answer}"
    );
    let mobile = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
    assert!(!Request::parse(request("ada@house.test", mobile).as_bytes()).unwrap().takes_ours);
    assert!(Request::parse(request("ada@house.test", "").as_bytes()).unwrap().takes_ours);
    assert!(Trouble::Schema.answer().contains("<ErrorCode>601</ErrorCode>"));
}

#[test]
fn what_is_no_request_is_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"x\">]><a><EMailAddress>ada@house.test</EMailAddress></a>";
    let large = request("ada@house.test", &" ".repeat(MOST_OCTETS));
    for text in [
        "",
        "x",
        "<a><EMailAddress>ada@house.test",
        "<a></b>",
        "<a><EMailAddress>nobody</EMailAddress></a>",
        "<a><EMailAddress>&b;@house.test</EMailAddress></a>",
        bomb,
        &large,
    ] {
        assert_eq!(Request::parse(text.as_bytes()), Err(BadRequest), "{text:.99}");
    }
    assert_eq!(Request::parse(b"<a>\xff</a>"), Err(BadRequest));
}

#[test]
fn a_device_gets_the_same_profile_again() {
    let ada = "Ada&Co@house.test".parse().unwrap();
    let profile = mobileconfig::profile(&ada, &servers()).unwrap();
    assert_eq!(Some(&profile), mobileconfig::profile(&ada, &servers()).as_ref());
    for part in [
        "<key>EmailAddress</key>\n<string>Ada&amp;Co@house.test</string>",
        "<key>IncomingMailServerHostName</key>\n<string>mail.house.test</string>\n<key>IncomingMailServerPortNumber</key>\n<integer>993</integer>",
        "<key>OutgoingMailServerPortNumber</key>\n<integer>587</integer>",
        "<key>PayloadIdentifier</key>\n<string>test.house.posthouse.profile.",
    ] {
        assert!(profile.contains(part), "{part} in {profile}");
    }
    let nothing = ClientServers::new("mail.house.test".into(), |_| None);
    assert_eq!(mobileconfig::profile(&ada, &nothing), None);
}

//! A fixed route: a server, and how to talk to it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{OutboundTls, check};
use crate::model::secret::Secret;

/// A server that takes the mail of a domain: `"host:port"`, or a table of the keys below.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Route {
    /// `host:port`.
    pub server: String,
    /// How much TLS is wanted.
    #[serde(default = "opportunistic")]
    pub tls: OutboundTls,
    /// The login name. Empty: no login.
    #[serde(default)]
    pub username: String,
    /// The password.
    #[serde(default = "no_password")]
    pub password: Secret,
    /// The addresses to connect from; of each family the first one counts. Empty: those of `outbound.source_addresses`.
    #[serde(default)]
    pub source_addresses: Vec<IpAddr>,
    /// The name to say in EHLO. Empty: that of `outbound.helo_name`.
    #[serde(default)]
    pub helo_name: String,
    /// The most messages in a minute. None: as many as `outbound.messages_per_minute` says.
    #[serde(default)]
    pub messages_per_minute: Option<u64>,
}

impl Route {
    /// A route with nothing special.
    pub fn to(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            tls: opportunistic(),
            username: String::new(),
            password: no_password(),
            source_addresses: Vec::new(),
            helo_name: String::new(),
            messages_per_minute: None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        check::host_and_port(&self.server)?;
        check::helo_name(&self.helo_name)
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Takes the short form and the long one.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Route;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"host:port\" or a table with server = \"host:port\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Route, E> {
        Ok(Route::to(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Route, A::Error> {
        Route::deserialize(MapAccessDeserializer::new(map))
    }
}

fn opportunistic() -> OutboundTls {
    OutboundTls::Opportunistic
}

fn no_password() -> Secret {
    Secret::new("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap()["r"].clone().try_into::<Route>();
        assert_eq!(read("r = 'mx.test:25'").unwrap(), Route::to("mx.test:25"));
        let full = read(
            "[r]\nserver = 'mx.test:465'\ntls = 'required'\nusername = 'ada'\npassword = 'secret'\nsource_addresses = ['192.0.2.1']\nhelo_name = 'out.test'\nmessages_per_minute = 6",
        )
        .unwrap();
        assert_eq!(full.tls, OutboundTls::Required);
        assert_eq!(full.source_addresses, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!((full.username.as_str(), full.helo_name.as_str()), ("ada", "out.test"));
        assert_eq!(full.messages_per_minute, Some(6));
        for (wrong, told) in [
            ("r = 25", "host:port"),
            ("r = { tls = 'none' }", "server"),
            ("r = { server = 'a:1', port = 25 }", "port"),
            ("r = { server = 'a:1', tls = 'maybe' }", "maybe"),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}

//! Name servers of the tests: what they know stands in the test.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Names;
use crate::mail::dns::NoAnswer;

/// Texts and addresses by their names, and names by their address.
#[derive(Default)]
pub(super) struct Zone {
    texts: HashMap<String, Vec<String>>,
    addresses: HashMap<String, Vec<IpAddr>>,
    names: HashMap<IpAddr, Vec<String>>,
}

impl Zone {
    pub(super) fn txt(mut self, name: &str, text: &str) -> Self {
        self.texts.entry(name.to_owned()).or_default().push(text.to_owned());
        self
    }

    pub(super) fn host(mut self, name: &str, address: &str) -> Self {
        self.addresses.entry(name.to_owned()).or_default().push(address.parse().unwrap());
        self
    }

    pub(super) fn ptr(mut self, address: &str, name: &str) -> Self {
        self.names.entry(address.parse().unwrap()).or_default().push(name.to_owned());
        self
    }

    /// What is asked of a name that says so is not answered.
    fn find<T: Clone>(&self, name: &str, found: Option<&Vec<T>>) -> Result<Vec<T>, NoAnswer> {
        if name.contains("broken") {
            return Err(NoAnswer::Temporary {
                name: name.to_owned(),
                problem: "SERVFAIL".into(),
            });
        }
        let is_known = self.texts.contains_key(name) || self.addresses.contains_key(name);
        match found {
            Some(found) => Ok(found.clone()),
            None if is_known => Ok(Vec::new()),
            None => Err(NoAnswer::NoSuchName(name.to_owned())),
        }
    }
}

impl Names for Zone {
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let found = self.find(&name, self.texts.get(&name))?;
        Ok(found.into_iter().map(String::into_bytes).collect())
    }

    async fn ipv4(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        self.find(name, self.addresses.get(name))
    }

    async fn ipv6(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        self.find(name, self.addresses.get(name))
    }

    async fn exchanges(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        Err(NoAnswer::NoSuchName(name.to_owned()))
    }

    async fn names(&self, address: IpAddr) -> Result<Vec<String>, NoAnswer> {
        match self.names.get(&address) {
            Some(names) => Ok(names.clone()),
            None => Err(NoAnswer::NoSuchName(address.to_string())),
        }
    }
}

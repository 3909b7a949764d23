//! Some messages that a command is about: by number or UID, one by one or as ranges.

use rand::RngExt;

use super::client::Client;
use super::model::Removals;

/// Some messages: as the command names them, and which they are.
pub struct Picked {
    pub set: String,
    /// Ascending.
    pub uids: Vec<u32>,
    pub by_uid: bool,
}

impl Picked {
    /// Up to so many of the messages whose UIDs the client knows, or a run of them; none if it knows none.
    pub fn some(client: &mut Client, most: usize) -> Option<Self> {
        let by_uid = client.random.random_bool(0.6);
        // Behind the first of which nothing is known yet there may be others of which something is.
        let model = client.model();
        let known: Vec<u32> = model.messages.iter().map_while(|message| message.uid).collect();
        let count = known.len();
        if count == 0 {
            return None;
        }
        let mut places: Vec<usize> = if client.random.random_bool(0.3) {
            let first = client.random.random_range(0..count);
            (first..count.min(first + most)).collect()
        } else {
            let many = client.random.random_range(1..=most);
            (0..many).map(|_| client.random.random_range(0..count)).collect()
        };
        // As a person who clicks about: in any order, some twice.
        let name = |place: usize| if by_uid { known[place] } else { place as u32 + 1 };
        let is_run = places.len() > 1 && places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let set = if is_run {
            format!("{}:{}", name(places[0]), name(places[places.len() - 1]))
        } else {
            let names: Vec<String> = places.iter().map(|&place| name(place).to_string()).collect();
            names.join(",")
        };
        places.sort_unstable();
        places.dedup();
        let uids = places.into_iter().map(|place| known[place]).collect();
        Some(Self { set, uids, by_uid })
    }

    /// What goes before the command.
    pub fn prefix(&self) -> &'static str {
        if self.by_uid { "UID " } else { "" }
    }

    /// The messages by their UIDs, whatever the command calls them.
    pub fn uid_set(&self) -> String {
        let names: Vec<String> = self.uids.iter().map(u32::to_string).collect();
        names.join(",")
    }

    /// Whether numbers may change with FETCH, STORE and SEARCH of these (RFC 3501 §7.4.1).
    pub fn removals(&self) -> Removals {
        if self.by_uid { Removals::Allowed } else { Removals::Forbidden }
    }
}

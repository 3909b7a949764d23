//! CAPABILITY (RFC 5804 §2.4).

use super::session::{Session, State};
use crate::mail::filter::Extension;
use crate::wire::managesieve::capability::{Stage, capabilities};

impl Session {
    /// Lists what this session can do in its state.
    pub(super) fn list_capabilities(&mut self, state: &State) {
        let owner = match state {
            State::Start => None,
            State::LoggedIn { user, .. } => Some(user.login.clone()),
        };
        let stage = Stage {
            offer: self.door.entrance.offer(&self.stream),
            can_start_tls: owner.is_none() && !self.stream.is_tls(),
            owner: owner.as_deref(),
            extensions: Extension::announced().collect::<Vec<_>>().join(" "),
            max_redirects: self.door.settings.max_redirects,
        };
        for line in capabilities(&stage) {
            self.say_line(&line);
        }
    }
}

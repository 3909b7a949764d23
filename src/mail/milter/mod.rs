//! Milters: filters beside the server, such as opendkim, that have a say in its SMTP dialogues.
//!
//! The door begins a [`Dialogue`] for each client ([`Milters::begin`]) and tells it each step; the intake shows it the message when that was
//! checked, and makes the changes that the filters want ([`Dialogue::content`]). Filters are asked in their order; each sees the message as
//! those before it have left it. What the server itself notes on top of a message they do not see. The message goes to them in pieces. A
//! filter that does not answer in time has no more say in the connection, and what becomes of mail then is a setting.
//!
//! RFC 7372 §2 has codes for what filters find; they choose theirs themselves.

mod content;
mod talk;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

pub use content::{Changed, Content, Told};

use self::talk::{About, Came, Link, Talk};
use crate::config;
use crate::mail::neighbour::Neighbour;
use crate::model::envelope::{BodyType, Sender};
use crate::model::refusal::Refusal;
use crate::wire::milter::command::{self, Stage};
use crate::wire::milter::step;

/// How long a filter may take to hear that it is over.
const FAREWELL: Duration = Duration::from_secs(2);

/// The filters of a door. Cheap to clone.
#[derive(Clone)]
pub struct Milters {
    addresses: Arc<[Neighbour]>,
    settings: Arc<config::Milter>,
    hostname: Arc<str>,
    /// How the listener is called.
    listener: &'static str,
}

/// What the filters of a door hear of one client's connection.
#[derive(Default)]
pub struct Dialogue {
    each: Vec<Talk>,
    /// They have heard of a message that is not at its end.
    is_open: bool,
    /// They have heard of DATA.
    has_data: bool,
    /// One of them wants the message thrown away.
    is_discarded: bool,
}

impl Milters {
    /// Those at these addresses; none: mail is not shown to anybody.
    pub fn open(listener: &'static str, addresses: &[String], settings: &config::Milter, hostname: &str) -> Self {
        Self {
            addresses: addresses.iter().map(|address| Neighbour::parse(address)).collect(),
            settings: Arc::new(settings.clone()),
            hostname: hostname.into(),
            listener,
        }
    }

    /// Tells them of a client. Errors: ByFilter, for the client.
    pub async fn begin(&self, peer: Option<IpAddr>) -> (Dialogue, Result<(), Refusal>) {
        let mut dialogue = Dialogue::default();
        for address in self.addresses.iter() {
            dialogue.each.push(Talk::begin(address, &self.settings).await);
        }
        let address = peer.map(|peer| peer.to_string()).unwrap_or_default();
        let name = if address.is_empty() {
            "unknown".to_owned()
        } else {
            format!("[{address}]")
        };
        let macros = [
            ("j", &*self.hostname),
            ("{daemon_name}", self.listener),
            ("{client_name}", name.as_str()),
            ("{client_addr}", address.as_str()),
            ("v", "Posthouse"),
        ];
        let told = dialogue.tell(About::Connection, (step::NO_CONNECT, step::SILENT_CONNECT), |out| {
            command::macros(out, Stage::Connect, &macros);
            command::connect(out, &name, peer.map(|peer| (peer, 0)));
        });
        let told = told.await;
        (dialogue, told)
    }

    /// Whether each of them answers: its address, and what is wrong.
    pub async fn examine(&self) -> Vec<(String, Result<(), String>)> {
        let mut found = Vec::new();
        for address in self.addresses.iter() {
            let opened = Link::open(address, &self.settings).await;
            found.push((address.to_string(), opened.map(drop).map_err(|error| error.to_string())));
        }
        found
    }
}

impl Dialogue {
    /// Whether there are any filters.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// A greeting; `tls` is the version and the cipher. Errors: ByFilter.
    pub async fn helo(&mut self, name: &str, tls: Option<&str>) -> Result<(), Refusal> {
        self.abort();
        let macros = tls.and_then(|tls| tls.split_once(' '));
        let macros = macros.map(|(version, cipher)| [("{tls_version}", version), ("{cipher}", cipher)]);
        self.tell(About::Connection, (step::NO_HELO, step::SILENT_HELO), |out| {
            if let Some(macros) = &macros {
                command::macros(out, Stage::Helo, macros);
            }
            command::helo(out, name);
        })
        .await
    }

    /// A message begins; `login` is who sends it, where somebody is logged in. Errors: ByFilter.
    pub async fn mail(&mut self, sender: &Sender, login: Option<&str>) -> Result<(), Refusal> {
        self.abort();
        if self.is_empty() {
            return Ok(());
        }
        self.is_open = true;
        let (path, parameters) = (sender.path.to_string(), parameters(sender));
        let mut macros = vec![("{mail_addr}", path.as_str())];
        // Filters ask whether there is one, not only what it is.
        macros.extend(login.map(|login| ("{auth_authen}", login)));
        self.tell(About::Message, (step::NO_MAIL, step::SILENT_MAIL), |out| {
            command::macros(out, Stage::Mail, &macros);
            command::mail(out, &path, &parameters);
        })
        .await
    }

    /// A recipient, which was accepted. Errors: ByFilter.
    pub async fn rcpt(&mut self, recipient: &str) -> Result<(), Refusal> {
        self.tell(About::Message, (step::NO_RCPT, step::SILENT_RCPT), |out| {
            command::macros(out, Stage::Rcpt, &[("{rcpt_addr}", recipient)]);
            command::rcpt(out, recipient, &[]);
        })
        .await
    }

    /// The octets of the message follow. Errors: ByFilter.
    pub async fn data(&mut self) -> Result<(), Refusal> {
        self.has_data = true;
        self.tell(About::Message, (step::NO_DATA, step::SILENT_DATA), command::data).await
    }

    /// The message that they have heard of is not gone on with; they hear of it with what they hear next.
    fn abort(&mut self) {
        let was_open = std::mem::take(&mut self.is_open);
        (self.has_data, self.is_discarded) = (false, false);
        for talk in &mut self.each {
            let Some(link) = talk.any_link() else { continue };
            link.has_accepted = false;
            if was_open {
                command::abort(&mut link.out);
            }
        }
    }

    /// The client is gone.
    pub async fn quit(mut self) {
        for talk in &mut self.each {
            if let Some(link) = talk.any_link() {
                command::quit(&mut link.out);
                // That it hears no goodbye harms nobody.
                drop(timeout(FAREWELL, link.say()).await);
            }
        }
    }

    /// Tells all of them a step, in their order, until one says no.
    async fn tell(&mut self, about: About, (unwanted, silent): (u32, u32), write: impl Fn(&mut Vec<u8>)) -> Result<(), Refusal> {
        for talk in &mut self.each {
            if self.is_discarded {
                break;
            }
            match talk.step(about, (unwanted, silent), &write).await {
                Came::On => {}
                Came::Discarded => self.is_discarded = true,
                Came::Refused(refusal) => {
                    tracing::info!(milter = talk.name, %refusal, "a milter refuses");
                    return Err(refusal);
                }
            }
        }
        Ok(())
    }
}

/// The parameters of MAIL, as a client would write them.
fn parameters(sender: &Sender) -> Vec<String> {
    let size = sender.declared_size.map(|size| format!("SIZE={size}"));
    let body = (sender.body == BodyType::EightBitMime).then(|| "BODY=8BITMIME".to_owned());
    let smtputf8 = sender.smtputf8.then(|| "SMTPUTF8".to_owned());
    [size, body, smtputf8].into_iter().flatten().collect()
}

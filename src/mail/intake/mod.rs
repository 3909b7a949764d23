//! The one entrance: everything that becomes mail here goes through [`Intake::receive`].
//!
//! SMTP, LMTP, submission, the API and our own reports call it. It returns only when the message is on stable storage (in the
//! mailboxes of local users, in the queue for the others), or nothing of it is kept. Recipients are asked for one by one before
//! ([`Intake::accept`]), so that what must not be taken is refused while the sender's server still listens.
//!
//! RFC 5321 §4.4 (trace lines), RFC 3848 §2 (protocol names), RFC 2033 §4.2 (a result for each recipient),
//! RFC 6409 §8 (what a submitted message gets).

mod allowance;
mod checked;
mod deliver;
mod filtered;
mod head;
mod judged;
mod milters;
mod reserve;
mod scanned;
mod sealed;
mod stored;
mod story;
mod submission;
mod submit;
mod trace;

pub use allowance::Allowance;
pub use submit::{NotSent, Submission, Submitted};

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use reserve::Reserve;

use crate::mail::checks::Checks;
use crate::mail::directory::{Directory, Route};
use crate::mail::filter::Filters;
use crate::mail::mailbox::{Draft, LineEnds, Mailboxes};
use crate::mail::queue::Queue;
use crate::mail::received_reports::ReceivedReports;
use crate::mail::sign::Signing;
use crate::mail::spam::Spam;
use crate::mail::srs::Srs;
use crate::mail::traces::Traces;
use crate::mail::virus::Virus;
use crate::model::account::User;
use crate::model::address::EmailAddress;
use crate::model::clock::Clock;
use crate::model::envelope::Recipient;
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::store::spool::Spool;

/// Where a message came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPSA`, `LMTP`, … for the Received line (RFC 3848 §2).
    pub protocol: &'static str,
    /// The peer; none for the API and the server itself.
    pub peer: Option<IpAddr>,
    /// What the client said in HELO, EHLO or LHLO.
    pub helo: Option<String>,
    /// TLS version and cipher as they go into the Received line, such as `TLS1.3 TLS_AES_256_GCM_SHA384`.
    pub tls: Option<String>,
    /// Who is logged in: then the submission rules hold.
    pub user: Option<Arc<User>>,
    /// The peer is on the operator's allowlist: its mail is not taken for spam.
    pub peer_is_allowed: bool,
    /// The sender is on it. Only worth something once the sender's authenticity was checked: anybody can name them.
    pub sender_is_allowed: bool,
}

impl Origin {
    /// The protocol of what the server itself has to say.
    const OURS: &str = "local";

    /// The server itself.
    pub fn ours() -> Self {
        Self {
            protocol: Self::OURS,
            peer: None,
            helo: None,
            tls: None,
            user: None,
            peer_is_allowed: false,
            sender_is_allowed: false,
        }
    }

    /// The protocol of what filters send on.
    const FILTER: &str = "sieve";

    /// A filter of a user, which sends a message on.
    fn filter() -> Self {
        Self {
            protocol: Self::FILTER,
            ..Self::ours()
        }
    }

    fn is_filter(&self) -> bool {
        self.protocol == Self::FILTER
    }

    fn is_ours(&self) -> bool {
        self.protocol == Self::OURS
    }
}

/// A recipient that was accepted at RCPT, with the answer of the directory at that moment.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The recipient as the client gave it.
    pub recipient: Recipient,
    /// Where its mail goes.
    pub route: Route,
}

/// A message while its octets come in, with the id that it will have.
#[derive(Debug)]
pub struct Incoming {
    id: MailId,
    draft: Draft,
    head: head::Head,
}

impl Incoming {
    /// The id that stands in the reply, the Received line, the log.
    pub fn id(&self) -> MailId {
        self.id
    }

    /// How many octets have come.
    pub fn size(&self) -> u64 {
        self.draft.size()
    }

    /// Adds octets. Past the size limit: [`Refusal::TooLarge`] (and the rest is to be read and thrown away by the door).
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.head.write(octets);
        self.draft.write(octets).await
    }
}

/// What became of each recipient, in the order they were given: LMTP says it of each, SMTP only if all agree.
#[derive(Debug)]
pub struct Outcome {
    /// The message's id.
    pub id: MailId,
    /// One for each recipient.
    pub recipients: Vec<Result<(), Refusal>>,
}

/// How recipients share their fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// One failure fails all, and nothing is kept: SMTP has one reply for all.
    Shared,
    /// Each has its own result: LMTP (RFC 2033 §4.2).
    Own,
}

/// The entrance. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    mailboxes: Mailboxes,
    queue: Queue,
    spool: Spool,
    signing: Signing,
    srs: Srs,
    allowance: Allowance,
    checks: Checks,
    reports: ReceivedReports,
    spam: Spam,
    virus: Virus,
    filters: Filters,
    traces: Traces,
    reserve: Reserve,
    check_from: bool,
    hostname: String,
    max_message_bytes: u64,
    clock: Clock,
}

/// What the entrance leads to.
pub struct Rooms {
    /// Who is here.
    pub directory: Directory,
    /// Their mailboxes.
    pub mailboxes: Mailboxes,
    /// For everybody else.
    pub queue: Queue,
    /// Where queued messages lie.
    pub spool: Spool,
    /// What signs those that leave.
    pub signing: Signing,
    /// What rewrites the senders of those that aliases forward.
    pub srs: Srs,
    /// How much users may send.
    pub allowance: Allowance,
    /// What finds out whom mail from outside is from.
    pub checks: Checks,
    /// What others report of domains here.
    pub reports: ReceivedReports,
    /// Whether it is spam.
    pub spam: Spam,
    /// Whether it has a virus.
    pub virus: Virus,
    /// What users want of the mail that comes for them.
    pub filters: Filters,
    /// The stories of messages.
    pub traces: Traces,
    /// The directories whose disks must have room, and how many octets new mail leaves there.
    pub reserve: (Vec<PathBuf>, u64),
    /// Whether From must be theirs.
    pub check_from: bool,
}

impl Intake {
    /// Opens the entrance.
    pub fn new(rooms: Rooms, hostname: String, max_message_bytes: u64, clock: Clock) -> Self {
        let Rooms {
            directory,
            mailboxes,
            queue,
            spool,
            signing,
            srs,
            allowance,
            checks,
            reports,
            spam,
            virus,
            filters,
            traces,
            reserve: (directories, keep),
            check_from,
        } = rooms;
        Self {
            inner: Arc::new(Inner {
                directory,
                mailboxes,
                queue,
                spool,
                signing,
                srs,
                allowance,
                checks,
                reports,
                spam,
                virus,
                filters,
                traces,
                reserve: Reserve::new(directories, keep),
                check_from,
                hostname,
                max_message_bytes,
                clock,
            }),
        }
    }

    /// The largest message, in octets.
    pub fn max_size(&self) -> u64 {
        self.inner.max_message_bytes
    }

    /// Whether a recipient is taken, asked before the message comes: where its mail goes, whether it and the disk have room for
    /// `declared` octets.
    /// An outside address is taken only from a logged in user.
    pub async fn accept(&self, user: Option<&User>, recipient: &EmailAddress, declared: Option<u64>) -> Result<Route, Refusal> {
        self.inner.reserve.check(declared.unwrap_or(0)).await?;
        let route = self.route(recipient).await?;
        match &route {
            Route::Outside if user.is_none() => return Err(Refusal::RelayDenied(recipient.to_string())),
            Route::Outside => {}
            Route::Here { users, .. } => {
                for local in users {
                    self.inner.mailboxes.check_quota(&local.user, declared.unwrap_or(0), 1).await?;
                }
            }
        }
        Ok(route)
    }

    /// Where mail for an address goes: as the directory says, and back to the sender from an address that was made for one.
    pub(in crate::mail) async fn route(&self, address: &EmailAddress) -> Result<Route, Refusal> {
        let directory = &self.inner.directory;
        let Some(original) = self.original(address).await? else {
            return directory.route(address).await;
        };
        match directory.route(&original).await? {
            Route::Outside => Ok(Route::Here {
                users: Vec::new(),
                forwards: vec![original],
            }),
            here @ Route::Here { .. } => Ok(here),
        }
    }

    /// The sender for whom an address of ours was made when their mail was forwarded; none if it is no such address.
    pub(in crate::mail) async fn original(&self, address: &EmailAddress) -> Result<Option<EmailAddress>, Refusal> {
        match self.inner.directory.route(address).await {
            // Another server's addresses are its own matter.
            Ok(Route::Outside) => Ok(None),
            Err(refusal) if refusal.is_temporary() => Err(refusal),
            Ok(Route::Here { .. }) | Err(_) => self.inner.srs.original(address),
        }
    }

    /// Begins a message.
    pub fn begin(&self) -> Incoming {
        Incoming {
            id: MailId::fresh(),
            draft: self.inner.mailboxes.draft(LineEnds::AsTheyAre),
            head: head::Head::default(),
        }
    }
}

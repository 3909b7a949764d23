//! IMAP sessions.
//!
//! `app` gives a [`Imap`] its services and calls [`Imap::serve`] with each connection that the listener took; the listener has done the
//! TLS handshake where TLS is implicit. Octets become commands in `wire::imap`; [`dispatch`] gives a command to its handler together with
//! what the session's state holds, so that a handler cannot be reached in a state that does not allow it. One file a command.
//!
//! Promises: responses are streamed, so that neither a mailbox nor a message is ever in memory as a whole; no lock is held while the client
//! is waited for; an OK to APPEND, COPY, MOVE comes after the messages are on stable storage; a password is not taken in clear text, but from
//! the networks that the configuration names.
//!
//! - RFC 3501: IMAP4rev1
//! - RFC 9051: what IMAP4rev2 says otherwise, once a client enables it
//! - RFC 2177: IDLE
//! - RFC 2342 §5: NAMESPACE
//! - RFC 2971: ID
//! - RFC 3502: MULTIAPPEND
//! - RFC 3516: BINARY
//! - RFC 3691: UNSELECT
//! - RFC 4314, RFC 8440: ACL, LIST-MYRIGHTS
//! - RFC 4315: UIDPLUS
//! - RFC 4469: CATENATE
//! - RFC 4731: ESEARCH
//! - RFC 4978: COMPRESS=DEFLATE
//! - RFC 5032: WITHIN
//! - RFC 5161: ENABLE
//! - RFC 5182: SEARCHRES
//! - RFC 5255 §4.2: I18NLEVEL=1
//! - RFC 5256, RFC 5267 §3, RFC 5957: SORT, THREAD
//! - RFC 5267 §4, RFC 9394: CONTEXT=SEARCH, PARTIAL
//! - RFC 5258, RFC 5819, RFC 6154: LIST with options, STATUS and special uses
//! - RFC 5464: METADATA
//! - RFC 5465: NOTIFY
//! - RFC 6785 §2: IMAPSIEVE
//! - RFC 6851: MOVE
//! - RFC 6855: UTF8=ACCEPT
//! - RFC 7889: APPENDLIMIT
//! - RFC 8437: UNAUTHENTICATE
//! - RFC 8474: OBJECTID
//! - RFC 8508: REPLACE
//! - RFC 8514: SAVEDATE
//! - RFC 8970: PREVIEW
//! - RFC 9208: QUOTA
//! - RFC 9585: INPROGRESS
//! - RFC 9586: UIDONLY
//! - RFC 7162 §3: CONDSTORE, QRESYNC

mod access;
mod acl;
mod append;
mod authenticate;
mod close;
mod compress;
mod copy;
mod create;
mod delete;
mod dispatch;
mod enable;
mod expunge;
mod fetch;
mod flags;
mod id;
mod idle;
mod list;
mod login;
mod logout;
mod lsub;
mod metadata;
mod namespace;
mod noop;
mod notify;
mod outcome;
mod quota;
mod refusal;
mod relocate;
mod rename;
mod search;
mod select;
mod selected;
mod session;
mod sort;
mod start_tls;
mod status;
mod store;
mod subscribe;
mod thread;
mod unauthenticate;
mod updates;
mod vanished;
mod wake;

use std::sync::Arc;

use crate::config;
use crate::mail::audit::Audit;
use crate::mail::filter::{Cause, Event};
use crate::mail::intake::Intake;
use crate::mail::mailbox::{Mailbox, Mailboxes};
use crate::model::account::User;
use crate::model::ids::Uid;

use super::entrance::Entrance;
use super::stream::Stream;

/// What IMAP sessions work with.
pub struct Imap {
    entrance: Arc<Entrance>,
    mailboxes: Mailboxes,
    intake: Intake,
    audit: Audit,
    settings: config::Imap,
    /// The most octets of a message that APPEND takes.
    max_message: u64,
    /// Threads that were made.
    threads: thread::Kept,
}

impl Imap {
    /// IMAP for those whom the entrance lets in, with their mail, times and limits, and the most octets of a message that APPEND takes.
    pub fn new(
        entrance: Arc<Entrance>,
        (mailboxes, intake, audit): (Mailboxes, Intake, Audit),
        settings: config::Imap,
        max_message: u64,
    ) -> Self {
        Self {
            threads: thread::Kept::new(settings.thread_cache_bytes),
            entrance,
            mailboxes,
            intake,
            audit,
            settings,
            max_message,
        }
    }

    /// Tells the user's scripts of what was done in a mailbox of theirs (RFC 6785 §2); who did it does not wait for them.
    fn tell(&self, (user, mailbox): (&Arc<User>, &Arc<Mailbox>), uids: Vec<Uid>, (cause, changed): (Cause, Vec<String>)) {
        if uids.is_empty() {
            return;
        }
        let event = Event {
            user: Arc::clone(user),
            mailbox: Arc::clone(mailbox),
            uids,
            cause,
            changed,
        };
        let intake = self.intake.clone();
        tokio::spawn(async move { intake.happened(event).await });
    }

    /// Runs a session to its end.
    pub async fn serve(self: Arc<Self>, stream: Stream) {
        session::Session::new(self, stream).run().await;
    }
}

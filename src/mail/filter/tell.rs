//! Telling users that their script goes wrong.

use super::Filters;
use crate::mail::mailbox::LineEnds;
use crate::model::account::User;
use crate::model::mailbox::{Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::wire::message::compose::{date, encoded_words, header, message_id};
use crate::wire::sieve::{Problem, Seen};

/// How often a user is told: once a day.
const TOLD_EVERY_SECONDS: u64 = 86_400;
/// Problems that one message tells of.
const MOST: usize = 20;

impl Filters {
    /// Puts a message into the user's INBOX that says what is wrong with their script, unless they were told within a day. `about` names
    /// the message that the script went wrong on.
    pub async fn tell_owner(&self, user: &User, problems: &[Problem], about: &str) {
        let told = Seen {
            handle: "told of a problem".into(),
            id: Vec::new(),
            seconds: TOLD_EVERY_SECONDS,
            last: false,
        };
        if !self.remember(user.id, &told).await {
            return;
        }
        if let Err(refusal) = self.inner.put_notice(user, problems, about).await {
            tracing::warn!(login = user.login, %refusal, "a user could not be told that their script goes wrong");
        }
    }
}

impl super::Inner {
    async fn put_notice(&self, user: &User, problems: &[Problem], about: &str) -> Result<(), Refusal> {
        let ground = &self.ground;
        let mailbox = ground.mailboxes.open_to_add(user, &MailboxName::inbox()).await?;
        let mut draft = ground.mailboxes.draft(LineEnds::Mended);
        draft.write(&self.notice(user, problems, about)).await?;
        mailbox.append(draft, Flags::NONE, ground.clock.now()).await?;
        Ok(())
    }

    fn notice(&self, user: &User, problems: &[Problem], about: &str) -> Vec<u8> {
        let ground = &self.ground;
        let now = ground.clock.now();
        let mut out = Vec::new();
        header(&mut out, "From", &format!("Postmaster <postmaster@{}>", ground.hostname));
        let to = user.address.as_ref().map(|address| format!("<{address}>")).unwrap_or_default();
        header(&mut out, "To", &to);
        header(&mut out, "Subject", &encoded_words("Your mail filter did not work"));
        header(&mut out, "Date", &date(now));
        let unique = format!("filter-{}-{}", now.as_millisecond(), user.id);
        header(&mut out, "Message-ID", &message_id(&unique, &ground.hostname));
        // RFC 3834 §5.
        header(&mut out, "Auto-Submitted", "auto-generated");
        header(&mut out, "MIME-Version", "1.0");
        header(&mut out, "Content-Type", "text/plain; charset=utf-8");
        header(&mut out, "Content-Transfer-Encoding", "8bit");
        let shown: Vec<String> = problems.iter().take(MOST).map(|problem| format!("  {problem}\r\n")).collect();
        out.extend_from_slice(
            format!(
                "\r\nA script that filters your mail went wrong:\r\n\r\n{}\r\n\
                 The message that it was about ({about}) is in your INBOX as it came, unless a script before had decided otherwise.\r\n\
                 Until the script is mended the same may happen to other messages; you are told once a day.\r\n",
                shown.concat()
            )
            .as_bytes(),
        );
        out
    }
}

//! What is asked of a submitted message before it goes on.
//!
//! RFC 6409 §6.1, §8.1 (whose address it may be), RFC 5322 §3.6.2 (From), RFC 5322 §3.6.3 (Bcc).

use super::{Incoming, Inner};
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::wire::message::header::{Fields, header_fields};

/// The fields that name those whom the others are not to know of.
const HIDDEN: [&str; 2] = ["Bcc", "Resent-Bcc"];

impl Inner {
    /// Checks From, takes Bcc out, and counts the message. Errors: BadMessage, NotYourAddress, LimitReached.
    pub(super) async fn check_submission(&self, user: &User, message: &mut Incoming, recipients: usize) -> Result<(), Refusal> {
        let header = message.head.whole()?;
        let hidden = Fields::new(header).any(|field| HIDDEN.iter().any(|name| field.is(name)));
        if self.check_from {
            self.check_from(user, message).await?;
        }
        self.allowance.spend(user, recipients).await?;
        if hidden { take_out_hidden(message).await } else { Ok(()) }
    }

    /// RFC 5322 §3.6: exactly one From; RFC 6409 §8.1: only with addresses that are the user's.
    async fn check_from(&self, user: &User, message: &Incoming) -> Result<(), Refusal> {
        let count = Fields::new(message.head.whole()?).filter(|field| field.is("From")).count();
        if count != 1 {
            let what = if count == 0 { "no From field" } else { "more than one From field" };
            return Err(Refusal::BadMessage(format!(
                "the message has {what}; it must have one (RFC 5322 §3.6)"
            )));
        }
        let authors = message.head.authors();
        if authors.is_empty() {
            return Err(Refusal::BadMessage("the From field has no address (RFC 5322 §3.6.2)".into()));
        }
        for author in authors {
            if !self.directory.may_send_as(user, &author).await? {
                return Err(Refusal::NotYourAddress {
                    login: user.login.clone(),
                    sender: author.to_string(),
                });
            }
        }
        Ok(())
    }
}

/// RFC 5322 §3.6.3: the first of the ways to send Bcc is to send it to nobody.
async fn take_out_hidden(message: &mut Incoming) -> Result<(), Refusal> {
    let header = message.head.whole()?;
    let count = header.len();
    let mut left = header_fields(header, &HIDDEN, true);
    // Without the empty line, which is still there.
    left.truncate(left.len().saturating_sub(2));
    message.draft.replace_begin(count, left.clone()).await?;
    message.head.replace(left);
    Ok(())
}

//! Which messages and recipients a command of `posthouse queue` is about.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::cli::failure::Failure;
use crate::model::address::{Domain, EmailAddress};
use crate::model::envelope::ReversePath;
use crate::model::ids::MailId;
use crate::model::queue::{QueueFilter, RecipientState};

/// The filters: a recipient is picked if it fulfils all that are given.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Filters {
    /// Sent by this address; <> is the null sender
    #[arg(long, value_name = "ADDRESS", value_parser = sender)]
    sender: Option<ReversePath>,
    /// Sent by any address of this domain
    #[arg(long, value_name = "DOMAIN")]
    sender_domain: Option<Domain>,
    /// To this address
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<EmailAddress>,
    /// To any address of this domain
    #[arg(long, value_name = "DOMAIN")]
    recipient_domain: Option<Domain>,
    /// In this state: waiting, held, delivered or failed
    #[arg(long)]
    state: Option<RecipientState>,
    /// Queued longer ago than this, such as 90s, 30m, 4h or 2d
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<SignedDuration>,
    /// With this text in the last error
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
}

impl Filters {
    pub(super) fn filter(self, now: Timestamp) -> QueueFilter {
        let before = |age: SignedDuration| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        QueueFilter {
            id: None,
            sender: self.sender,
            sender_domain: self.sender_domain,
            recipient: self.recipient,
            recipient_domain: self.recipient_domain,
            state: self.state,
            before: self.older_than.map(before),
            error: self.error,
        }
    }
}

/// What a command changes: messages by their ids, or what the filters pick, or all.
#[derive(Debug, Args)]
pub(in crate::cli) struct Selection {
    /// Messages by their ids; filters then pick among their recipients
    #[arg(value_name = "ID")]
    ids: Vec<MailId>,
    /// All there are
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
}

impl Selection {
    /// The ids, each with the filter for it; one filter without an id if none were given.
    pub(super) fn read(self, now: Timestamp) -> Result<Vec<QueueFilter>, Failure> {
        let filter = self.filters.filter(now);
        let is_open = filter == QueueFilter::default() && self.ids.is_empty();
        if is_open != self.all {
            return Err(Failure::Usage("which ones? Give ids, filters, or --all by itself".into()));
        }
        if self.ids.is_empty() {
            return Ok(vec![filter]);
        }
        let of_message = |id| QueueFilter {
            id: Some(id),
            ..filter.clone()
        };
        Ok(self.ids.into_iter().map(of_message).collect())
    }
}

fn sender(text: &str) -> Result<ReversePath, String> {
    match text {
        "" | "<>" => Ok(ReversePath::Null),
        text => EmailAddress::parse(text)
            .map(ReversePath::Address)
            .map_err(|error| error.to_string()),
    }
}

fn age(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "right would be a number and s, m, h or d, such as 4h".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    Ok(SignedDuration::from_secs(i64::from(number).saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("4h", 14_400), ("2d", 172_800)] {
            assert_eq!(age(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "4", "h", "-1h", "4w", "4hh4h", "99999999999d"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_must_be_said() {
        let select = |ids: &[i64], all, error: Option<&str>| Selection {
            ids: ids.iter().copied().map(MailId).collect(),
            all,
            filters: Filters {
                error: error.map(str::to_owned),
                ..Filters::default()
            },
        };
        let count = |selection: Selection| selection.read(Timestamp::UNIX_EPOCH).map(|filters| filters.len()).ok();
        assert_eq!(count(select(&[], true, None)), Some(1));
        assert_eq!(count(select(&[], false, Some("x"))), Some(1));
        assert_eq!(count(select(&[1, 2], false, Some("x"))), Some(2));
        for wrong in [select(&[], false, None), select(&[1], true, None), select(&[], true, Some("x"))] {
            assert_eq!(count(wrong), None);
        }
    }
}

//! Which messages and recipients a command of `posthouse queue` is about.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::cli::failure::Failure;
use crate::model::address::{Domain, EmailAddress};
use crate::model::envelope::ReversePath;
use crate::model::ids::MailId;
use crate::model::queue::{QueueFilter, RecipientState};

/// The filters: a recipient is picked if it fulfils all that are given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
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

/// The recipients that the filters pick, among those of one message or of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick<'a> {
    pub(super) id: Option<MailId>,
    pub(super) filters: &'a Filters,
}

impl Pick<'_> {
    /// For the queue of this machine.
    pub(super) fn filter(self, now: Timestamp) -> QueueFilter {
        let before = |age: SignedDuration| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        let filters = self.filters.clone();
        QueueFilter {
            id: self.id,
            sender: filters.sender,
            sender_domain: filters.sender_domain,
            recipient: filters.recipient,
            recipient_domain: filters.recipient_domain,
            state: filters.state,
            before: filters.older_than.map(before),
            error: filters.error,
        }
    }

    /// The same in the words of the API.
    pub(super) fn query(self) -> Vec<(&'static str, String)> {
        let filters = self.filters;
        let fields = [
            ("id", self.id.map(|id| id.to_string())),
            ("sender", filters.sender.as_ref().map(ToString::to_string)),
            ("sender_domain", filters.sender_domain.as_ref().map(ToString::to_string)),
            ("recipient", filters.recipient.as_ref().map(ToString::to_string)),
            ("recipient_domain", filters.recipient_domain.as_ref().map(ToString::to_string)),
            ("state", filters.state.map(|state| state.name().to_owned())),
            ("older_than", filters.older_than.map(|age| age.as_secs().to_string())),
            ("error", filters.error.clone()),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
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
    /// A pick for each id; one without an id if none were given.
    pub(super) fn read(&self) -> Result<Vec<Pick<'_>>, Failure> {
        let filters = &self.filters;
        let is_open = *filters == Filters::default() && self.ids.is_empty();
        if is_open != self.all {
            return Err(Failure::Usage("which ones? Give ids, filters, or --all by itself".into()));
        }
        if self.ids.is_empty() {
            return Ok(vec![Pick { id: None, filters }]);
        }
        let of_message = |id: &MailId| Pick { id: Some(*id), filters };
        Ok(self.ids.iter().map(of_message).collect())
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
    fn a_pick_is_a_filter_here_and_a_query_elsewhere() {
        let filters = Filters {
            sender: Some(ReversePath::Null),
            older_than: Some(SignedDuration::from_secs(90)),
            error: Some("greylisted".into()),
            ..Filters::default()
        };
        let pick = Pick {
            id: Some(MailId(1)),
            filters: &filters,
        };
        let filter = pick.filter("2026-01-01T00:01:30Z".parse().unwrap());
        assert_eq!(filter.before, Some("2026-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!((filter.id, filter.sender), (Some(MailId(1)), Some(ReversePath::Null)));
        let query = [
            ("id", "0000000000001"),
            ("sender", ""),
            ("older_than", "90"),
            ("error", "greylisted"),
        ];
        assert_eq!(pick.query(), query.map(|(name, value)| (name, value.to_owned())));
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
        let count = |selection: Selection| selection.read().map(|picks| picks.len()).ok();
        assert_eq!(count(select(&[], true, None)), Some(1));
        assert_eq!(count(select(&[], false, Some("x"))), Some(1));
        assert_eq!(count(select(&[1, 2], false, Some("x"))), Some(2));
        for wrong in [select(&[], false, None), select(&[1], true, None), select(&[], true, Some("x"))] {
            assert_eq!(count(wrong), None);
        }
    }
}
